"""The proxy of the live tests, between boto3 and a scripted service: each fault as its caller sees it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from moto.server import ThreadedMotoServer

from tests.faults import faults
from tests.faults.proxy import serve as serve_proxy
from tests.scripted_service import EXECUTION_ARN, serve

START = {"PipelineName": "churn", "ClientRequestToken": "0" * 32}
SECONDS = 10


@pytest.fixture
def service():
    with serve() as scripted:
        scripted.execution("Executing")
        scripted.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
        yield scripted


@pytest.fixture
def proxy(service):
    with serve_proxy() as running:
        running.forward_to(service.url)
        yield running


@pytest.fixture
def sagemaker(proxy):
    return client("sagemaker", proxy.url)


def client(service, url, read_timeout=SECONDS):
    return boto3.client(
        service,
        "us-east-1",
        endpoint_url=url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, proxies={}),
    )


def describe(sagemaker, arn=EXECUTION_ARN):
    return sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"]


def outcomes(proxy, operation=None):
    return [(call.operation, call.forwarded, call.status) for call in proxy.calls(operation)]


def test_calls_pass_unchanged_and_are_recorded(proxy, service, sagemaker):
    """Without a fault the caller gets the service's answer, errors too; operation, request and status are kept."""
    assert describe(sagemaker) == "Executing"
    with pytest.raises(ClientError, match="ListPipelines is not in the script"):
        sagemaker.list_pipelines()

    assert outcomes(proxy) == [("DescribePipelineExecution", True, 200), ("ListPipelines", True, 404)]
    assert [call.request for call in proxy.calls()] == [{"PipelineExecutionArn": EXECUTION_ARN}, {}]
    assert service.requests == [
        ("DescribePipelineExecution", {"PipelineExecutionArn": EXECUTION_ARN}),
        ("ListPipelines", {}),
    ]


def test_s3_passes_too(proxy):
    """Objects of any bytes go through in both directions, a HEAD has no body, and a missing object is missing."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        proxy.forward_to(f"http://{host}:{port}")
        s3 = client("s3", proxy.url)
        s3.create_bucket(Bucket="passing")
        content = bytes(range(256)) * 1000
        s3.put_object(Bucket="passing", Key="a key/+", Body=content)
        length = s3.head_object(Bucket="passing", Key="a key/+")["ContentLength"]
        body = s3.get_object(Bucket="passing", Key="a key/+")["Body"].read()
        with pytest.raises(ClientError, match="404"):
            s3.head_object(Bucket="passing", Key="another")
        with proxy.injected(faults.ACCESS_DENIED, "GET /passing/mine"), pytest.raises(ClientError) as refused:
            s3.get_object(Bucket="passing", Key="mine")
    finally:
        server.stop()

    assert (length, body) == (len(content), content)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert outcomes(proxy) == [
        ("PUT /passing", True, 200),
        ("PUT /passing/a%20key/%2B", True, 200),
        ("HEAD /passing/a%20key/%2B", True, 200),
        ("GET /passing/a%20key/%2B", True, 200),
        ("HEAD /passing/another", True, 404),
        ("GET /passing/mine", False, 400),
    ]


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        (faults.SERVER_ERROR, 500, "InternalFailure", "We are on it."),
        (faults.THROTTLED, 400, "ThrottlingException", "Rate exceeded"),
        (faults.ACCESS_DENIED, 400, "AccessDeniedException", "User: nobody is not authorized to perform this action."),
        (faults.NOT_FOUND, 400, "ResourceNotFound", "There is no such pipeline execution."),
        (
            faults.EXPIRED_TOKEN,
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
    ],
)
def test_a_refusal_is_the_services_error_to_the_caller(proxy, service, sagemaker, fault, status, code, message):
    """The caller sees status, code and message as from the service, which does not get the call."""
    with proxy.injected(fault), pytest.raises(ClientError) as refused:
        describe(sagemaker)

    response = refused.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]) == (
        status,
        {"Code": code, "Message": message},
    )
    assert outcomes(proxy) == [("DescribePipelineExecution", False, status)]
    assert service.requests == []


@pytest.mark.parametrize(("fault", "acted"), [(faults.Reset(), False), (faults.LoseAnswer(), True)])
def test_a_connection_that_breaks_tells_the_caller_nothing(proxy, service, sagemaker, fault, acted):
    """The caller sees the same whether the call or its answer was lost; only in the latter case did the service act."""
    with proxy.injected(fault), pytest.raises(ConnectionClosedError):
        sagemaker.start_pipeline_execution(**START)

    assert outcomes(proxy) == [("StartPipelineExecution", acted, None)]
    assert service.count("StartPipelineExecution") == int(acted)


def test_a_hanging_service_says_nothing_until_the_fault_is_withdrawn(proxy, service):
    """The caller runs into its own timeout; the service does not get the call, then or later."""
    impatient = client("sagemaker", proxy.url, read_timeout=0.1)
    with proxy.injected(faults.Hang()), pytest.raises(ReadTimeoutError):
        describe(impatient)
    assert describe(client("sagemaker", proxy.url)) == "Executing"

    assert outcomes(proxy) == [
        ("DescribePipelineExecution", False, None),
        ("DescribePipelineExecution", True, 200),
    ]
    assert service.count("DescribePipelineExecution") == 1


def test_a_fault_happens_so_often_and_to_the_calls_it_is_meant_for(proxy, service, sagemaker):
    """Other operations, other requests, and calls after the last time pass; so does everything after the block."""
    service.answers["ListPipelines"] = [{"PipelineSummaries": []}]
    other = EXECUTION_ARN.replace("abcdef", "ghijkl")
    with (
        proxy.injected(faults.THROTTLED, "DescribePipelineExecution", times=2, PipelineExecutionArn=EXECUTION_ARN),
        proxy.injected(faults.SERVER_ERROR, "DescribePipelineExecution", PipelineExecutionArn=EXECUTION_ARN),
    ):
        sagemaker.list_pipelines()
        describe(sagemaker, other)
        for _ in range(3):
            with pytest.raises(ClientError):
                describe(sagemaker)
    describe(sagemaker)

    assert [(call.operation, call.status) for call in proxy.calls()] == [
        ("ListPipelines", 200),
        ("DescribePipelineExecution", 200),
        ("DescribePipelineExecution", 400),
        ("DescribePipelineExecution", 400),
        ("DescribePipelineExecution", 500),
        ("DescribePipelineExecution", 200),
    ]
    assert len(proxy.calls("DescribePipelineExecution", PipelineExecutionArn=other)) == 1


@pytest.mark.parametrize("acted", [False, True])
def test_a_call_is_held_before_or_after_the_service_acts(proxy, service, sagemaker, acted):
    """While a call is held, the service has acted or not, as wanted; let go, it ends as if nothing had been."""
    with ThreadPoolExecutor(1) as executor, proxy.held("StartPipelineExecution", acted=acted) as hold:
        answer = executor.submit(sagemaker.start_pipeline_execution, **START)
        hold.await_call(SECONDS)
        assert (service.count("StartPipelineExecution"), answer.done()) == (int(acted), False)
        hold.let_go()
        assert answer.result(SECONDS)["PipelineExecutionArn"] == EXECUTION_ARN

    assert outcomes(proxy) == [("StartPipelineExecution", True, 200)]


@pytest.mark.parametrize("acted", [False, True])
def test_a_held_call_can_be_dropped(proxy, service, sagemaker, acted):
    """A dropped call resets its connection, and does nothing that it had not done before."""
    with ThreadPoolExecutor(1) as executor, proxy.held("StartPipelineExecution", acted=acted) as hold:
        answer = executor.submit(sagemaker.start_pipeline_execution, **START)
        hold.await_call(SECONDS)
        hold.drop()
        with pytest.raises(ConnectionClosedError):
            answer.result(SECONDS)

    assert outcomes(proxy) == [("StartPipelineExecution", acted, None)]
    assert service.count("StartPipelineExecution") == int(acted)


def test_waiting_for_a_call_that_does_not_come_has_an_end(proxy):
    """Neither a hold nor a count is awaited for ever."""
    with proxy.held("StopPipelineExecution", acted=False) as hold, pytest.raises(TimeoutError, match="held within 0 s"):
        hold.await_call(0)
    with pytest.raises(TimeoutError, match=r"0 calls of StopPipelineExecution .* 2 were expected"):
        proxy.await_calls("StopPipelineExecution", 2, 0)


def test_calls_are_awaited_as_they_come(proxy, sagemaker):
    """Whoever waits for a number of calls goes on with the last of them; earlier calls need not count."""
    describe(sagemaker)
    earlier = proxy.calls()[-1].time
    with ThreadPoolExecutor(1) as executor:
        begun = threading.Event()

        def wait():
            begun.set()
            proxy.await_calls("DescribePipelineExecution", 2, SECONDS, after=earlier)
            return len(proxy.calls())

        waiting = executor.submit(wait)
        assert begun.wait(SECONDS)
        describe(sagemaker)
        assert not waiting.done()
        describe(sagemaker)
        assert waiting.result(SECONDS) == 3


def test_a_service_that_is_gone_is_an_error_of_the_test():
    """What goes wrong without having been injected does not pass for a fault: the proxy's end says so."""

    def call():
        with serve_proxy() as proxy:
            proxy.forward_to("http://127.0.0.1:9")
            with pytest.raises(ConnectionClosedError):
                describe(client("sagemaker", proxy.url))

    with pytest.raises(RuntimeError, match="Calls went wrong in the proxy itself"):
        call()
