from __future__ import annotations

import socket
import threading

import pytest
from botocore.exceptions import MetadataRetrievalError, ProfileNotFound, SSLError, UnknownServiceError

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.service_errors import service_words
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json

ONE_TRY = {"retries": {"total_max_attempts": 1}, "read_timeout": 5}


@pytest.mark.parametrize(
    ("refusal", "words", "advice", "retryable"),
    [
        (
            Refusal("ThrottlingException", "Rate exceeded"),
            "ThrottlingException: Rate exceeded.",
            "",
            True,
        ),
        (Refusal("InternalFailure", "We are sorry.", 500), "InternalFailure: We are sorry.", "", True),
        (Refusal("ServiceUnavailable", "", 503), "ServiceUnavailable: the service gives no message.", "", True),
        (Refusal("TooMany", "Slower", 429), "TooMany: Slower.", "", True),
        (Refusal("ValidationException", "Bad name."), "ValidationException: Bad name.", "", False),
        (
            Refusal("ResourceNotFound", "Execution not found"),
            "ResourceNotFound: Execution not found.",
            " Check the name, and the connection's account, region and endpoint_url.",
            False,
        ),
        (
            Refusal("ExpiredTokenException", "The security token is expired"),
            "ExpiredTokenException: The security token is expired.",
            " Check the credentials of the connection. See docs/troubleshooting.md#connection-credentials-and-region",
            False,
        ),
    ],
)
def test_errors_in_the_services_own_words(service, hook, refusal, words, advice, retryable):
    """What a service refuses comes out as one exception: its words, what to check, whether to try again."""
    service.answers["StopPipelineExecution"] = [refusal]
    with pytest.raises(SageMakerServiceError) as caught:
        hook.call(
            "sagemaker", "stop_pipeline_execution", PipelineExecutionArn=EXECUTION_ARN, ClientRequestToken="0" * 32
        )
    assert (str(caught.value), caught.value.code, caught.value.retryable) == (
        f"StopPipelineExecution failed: {words}{advice} (connection 'aws_test', region us-east-1)",
        refusal.code,
        retryable,
    )


@pytest.mark.parametrize("operation", ["DescribePipelineExecution", "ListPipelineExecutionSteps"])
def test_an_execution_whose_pipeline_was_deleted(service, hook, operation):
    """What is not there may have been deleted with its pipeline; the message says how to get another."""
    service.execution("Executing")
    service.answers[operation] = [Refusal("ResourceNotFound", "Execution not found")]
    with pytest.raises(SageMakerServiceError) as caught:
        hook.snapshot(EXECUTION_ARN)
    assert (str(caught.value), caught.value.code) == (
        (
            f"{operation} failed: ResourceNotFound: Execution not found. Check the name, and the connection's account, "
            "region and endpoint_url. (connection 'aws_test', region us-east-1) If the pipeline was deleted, its executions "
            "are gone with it: clear the task that launched this one with its downstream tasks to start another."
        ),
        "ResourceNotFound",
    )


def test_nobody_listens(monkeypatch):
    """A refused connection may pass, and its message names the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(url))
    with pytest.raises(SageMakerServiceError) as caught:
        SageMakerPipelineHook(aws_conn_id="aws_test", config=ONE_TRY).describe_execution(EXECUTION_ARN)
    assert (str(caught.value), caught.value.code, caught.value.retryable) == (
        (
            f'DescribePipelineExecution failed: Could not connect to the endpoint URL: "{url}/". Check endpoint_url in '
            "the connection's extra, and the network. (connection 'aws_test', region us-east-1)"
        ),
        None,
        True,
    )


def test_no_region(monkeypatch):
    """Without a region anywhere, the message says where to give one."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", '{"conn_type": "aws", "login": "testing", "password": "testing"}')
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(SageMakerServiceError) as caught:
        SageMakerPipelineHook(aws_conn_id="aws_test").describe_execution(EXECUTION_ARN)
    assert str(caught.value) == (
        "making a client for 'sagemaker' failed: You must specify a region. Give region_name, or set it in the "
        "connection's extra. See docs/troubleshooting.md#connection-credentials-and-region (connection 'aws_test')"
    )


def test_no_credentials(monkeypatch, service):
    """Without credentials anywhere, the message says so and is final."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", '{"conn_type": "aws", "extra": {"region_name": "us-east-1"}}')
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SageMakerServiceError) as caught:
        SageMakerPipelineHook(aws_conn_id="aws_test").describe_execution(EXECUTION_ARN)
    assert (str(caught.value), caught.value.retryable) == (
        (
            "DescribePipelineExecution failed: Unable to locate credentials. Check the credentials of the connection. "
            "See docs/troubleshooting.md#connection-credentials-and-region "
            "(connection 'aws_test', region us-east-1)"
        ),
        False,
    )


@pytest.mark.parametrize(
    ("error", "words", "retryable"),
    [
        (
            SSLError(endpoint_url="https://localhost", error="self-signed certificate"),
            (
                "Look failed: SSL validation failed for https://localhost self-signed certificate. "
                "Check verify and endpoint_url in the connection's extra. (here)"
            ),
            False,
        ),
        (
            MetadataRetrievalError(error_msg="timed out"),
            "Look failed: Error retrieving metadata: timed out. Check the role of the machine. (here)",
            True,
        ),
        (
            ProfileNotFound(profile="nobody"),
            (
                "Look failed: The config profile (nobody) could not be found. Check the credentials of the connection. "
                "See docs/troubleshooting.md#connection-credentials-and-region (here)"
            ),
            False,
        ),
        (UnknownServiceError(service_name="x", known_service_names="y"), None, False),
    ],
)
def test_errors_without_an_answer(error, words, retryable):
    """What botocore raises without a service's answer is one exception, too; only what may pass is tried again."""
    with pytest.raises(SageMakerServiceError) as caught, service_words("Look", "here"):
        raise error
    expected = words or f"Look failed: {error}. (here)"
    assert (str(caught.value), caught.value.code, caught.value.retryable) == (expected, None, retryable)


def test_other_errors_pass():
    """An error that is not botocore's is nobody's words, and passes as it is."""
    with pytest.raises(ZeroDivisionError), service_words("Look", "here"):
        raise ZeroDivisionError


MISSING = (
    "there is no Airflow connection 'aws_missing'. Define it, or set aws_conn_id. "
    "See docs/troubleshooting.md#connection-credentials-and-region"
)


def test_missing_connection():
    """A connection that does not exist is an error, not silently somebody else's credentials."""
    with pytest.raises(SageMakerServiceError) as caught:
        SageMakerPipelineHook(aws_conn_id="aws_missing").describe_execution(EXECUTION_ARN)
    assert str(caught.value) == MISSING
    assert caught.value.__suppress_context__


async def test_missing_connection_on_the_event_loop():
    """A connection that does not exist is an error on the event loop, too."""
    with pytest.raises(SageMakerServiceError) as caught:
        await SageMakerPipelineHook(aws_conn_id="aws_missing").resolve_connection()
    assert str(caught.value) == MISSING


@pytest.mark.parametrize("aws_conn_id", ["aws_default", None])
async def test_no_connection_leaves_it_to_boto3(monkeypatch, service, aws_conn_id):
    """Without the default connection, or any, boto3 finds credentials, region and endpoint itself."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
    service.execution("Executing")
    for resolve in (False, True):
        hook = SageMakerPipelineHook(aws_conn_id=aws_conn_id)
        if resolve:
            await hook.resolve_connection()
        assert hook.describe_execution(EXECUTION_ARN)["PipelineExecutionStatus"] == "Executing"
        assert hook.conn.meta.region_name == "eu-west-1"


async def test_connection_resolved_before_threads(service, monkeypatch):
    """Once resolved on the event loop, the hook works in a thread that cannot read connections."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(service.url))
    service.execution("Executing")
    hook = SageMakerPipelineHook(aws_conn_id="aws_test")
    await hook.resolve_connection()
    monkeypatch.delenv("AIRFLOW_CONN_AWS_TEST")
    seen: list[str] = []
    thread = threading.Thread(
        target=lambda: seen.append(hook.describe_execution(EXECUTION_ARN)["PipelineExecutionStatus"])
    )
    thread.start()
    thread.join()
    assert seen == ["Executing"]


def test_clients_of_one_connection(hook, service, moto):
    """Each service has one client, at the endpoint that the connection gives for it."""
    assert hook.client("sagemaker") is hook.client("sagemaker") is hook.conn
    endpoints = {name: hook.client(name).meta.endpoint_url for name in ("sagemaker", "s3", "logs")}
    assert endpoints == {"sagemaker": service.url, "s3": moto, "logs": moto}


def test_configuration_defaults_give_way(monkeypatch, service):
    """A hook's configuration defaults hold where neither its own nor the connection's says otherwise."""
    from botocore.config import Config

    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(service.url))
    hook = SageMakerPipelineHook(
        aws_conn_id="aws_test", config={"read_timeout": 7}, config_defaults=Config(read_timeout=30, connect_timeout=3)
    )
    config = hook.client("sagemaker").meta.config
    assert (config.read_timeout, config.connect_timeout) == (7, 3)


@pytest.mark.parametrize(("url", "same"), [("http://127.0.0.1:1", True), ("http://127.0.0.1:2", False)])
def test_same_connection(monkeypatch, url, same):
    """Two hooks tell whether the connection was changed between them."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json("http://127.0.0.1:1"))
    first = SageMakerPipelineHook(aws_conn_id="aws_test")
    assert first.conn_config.endpoint_url == "http://127.0.0.1:1"
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(url))
    assert SageMakerPipelineHook(aws_conn_id="aws_test").same_connection(first) is same
