"""Requests on the wire, and whose they are."""

from __future__ import annotations

import http.client
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.server import wsgi
from airflow_sm_pipelines.local.server.application import OPERATIONS
from airflow_sm_pipelines.local.server.callers import ROLE_NAME
from airflow_sm_pipelines.local.server.rest_of_aws import is_entry
from tests.integration.clients import Aws, error_of
from tests.integration.documents import BUCKET, IMAGE, REGION, ROLE


def post(url: str, operation: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """A request as it is on the wire: status, body and headers of the answer."""
    request = urllib.request.Request(
        url,
        data=body,
        headers={
            "X-Amz-Target": f"SageMaker.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20261121/{REGION}/sagemaker/aws4_request",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as response:
            return response.status, json.loads(response.read()), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)


def test_the_wire_form_of_errors(endpoint: LocalEndpoint) -> None:
    """`__type` is the ShapeID, the message is bare, the content type is JSON 1.1."""
    status, body, headers = post(endpoint.url, "DescribePipeline", b'{"PipelineName": "nothing"}')
    assert status == 400
    assert body == {
        "__type": "ResourceNotFound",
        "message": "Pipeline 'arn:aws:sagemaker:eu-west-1:123456789012:pipeline/nothing' does not exist.",
    }
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-amzn-RequestId"])


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(endpoint: LocalEndpoint, body: bytes) -> None:
    """SerializationException, as AWS's JSON services answer."""
    status, answer, _ = post(endpoint.url, "DescribePipeline", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_a_request_that_boto3_would_not_send_is_checked_here(endpoint: LocalEndpoint) -> None:
    """Clients in other languages get the service's words for a missing member."""
    status, answer, _ = post(endpoint.url, "CreatePipeline", b'{"PipelineName": "p"}')
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["message"] == (
        "2 validation errors detected: Value null at 'clientRequestToken' failed to satisfy constraint: Member must"
        " not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
    )


def test_times_are_epoch_numbers(endpoint: LocalEndpoint, aws: Aws, name: str) -> None:
    """As JSON 1.1 wants them."""
    _, answer, _ = post(endpoint.url, "DescribePipeline", json.dumps({"PipelineName": name}).encode())
    moment = aws.sagemaker.describe_pipeline(PipelineName=name)["CreationTime"].timestamp()
    assert answer["CreationTime"] == moment


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/", {"X-Amz-Target": "SageMaker.ListPipelines", "Content-Type": "application/x-amz-json-1.1"}, b"{}"),
        ("/", {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "application/x-amz-json-1.1"}, b"{}"),
        ("/moto-api/reset", {"Content-Type": "text/plain"}, b""),
        (
            f"/{BUCKET}",
            {"Content-Type": "multipart/form-data; boundary=b"},
            (
                b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nevil.py\r\n'
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nevil\r\n--b--\r\n'
            ),
        ),
    ],
)
def test_web_pages_are_refused(aws: Aws, path: str, headers: dict[str, str], body: bytes) -> None:
    """Jobs are programs, so no page may start one, nor change what jobs read: whoever would answer the request."""
    kept = aws.put("kept", "kept")
    request = urllib.request.Request(
        aws.url + path, data=body, headers={**headers, "Origin": "http://evil.example"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
    with refused.value as error:
        assert (error.code, json.loads(error.read())) == (
            403,
            {"__type": "AccessDeniedException", "message": "Requests from web pages are refused."},
        )
        assert "Access-Control-Allow-Origin" not in error.headers
    assert aws.get(kept) == "kept"
    assert error_of(aws.s3.get_object, Bucket=BUCKET, Key="evil.py")[0] == "NoSuchKey"


def ask(aws: Aws, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, str]:
    """Status and body of the answer to a request with just these headers, ``Host`` included."""
    parts = urllib.parse.urlsplit(aws.url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def refused(message: str) -> tuple[int, str]:
    return 403, json.dumps({"__type": "AccessDeniedException", "message": message})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_other_sites_are_refused(aws: Aws, method: str, site: str) -> None:
    """Some browsers leave Origin out; what they say instead is refused. To follow a link to our pages is all right."""
    cross = {"Host": "localhost", "Sec-Fetch-Site": site, "Content-Length": "0"}
    answer = ask(aws, method, f"/{BUCKET}", cross)
    assert answer == refused("Requests from web pages are refused.")
    page = ask(aws, method, "/_pages/nothing", cross)
    assert page[0] == (404 if method == "GET" else 403)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "xlocalhost", "a b"])
def test_another_name_is_refused(aws: Aws, host: str) -> None:
    """A page whose name was made to mean this machine reads nothing: neither S3, nor SageMaker, nor our pages."""
    for path, headers in (
        (f"/{BUCKET}", {}),
        ("/_pages/", {}),
        ("/", {"X-Amz-Target": "SageMaker.ListPipelines", "Content-Length": "0"}),
    ):
        method = "POST" if headers else "GET"
        assert ask(aws, method, path, {"Host": host, **headers}) == refused(
            f"This endpoint is not called {host!r}. Use its address, or start it with --allow-host and the name."
        )


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.:1", f"{BUCKET}.localhost:1", "127.0.0.1:1", "[::1]:1", "10.1.2.3"]
)
def test_names_and_addresses_of_this_machine(aws: Aws, host: str) -> None:
    """An address cannot be made to mean another machine; S3 clients put the bucket before the name."""
    headers = {"Host": host, "X-Amz-Target": "SageMaker.ListPipelines", "Content-Length": "0"}
    assert ask(aws, "POST", "/", headers)[0] == 200


@pytest.mark.parametrize(
    "path", ["/moto-api", "/moto-api/", "/moto-api/recorder/start-recording", "/./moto-api/reset", "//moto-api/reset"]
)
def test_motos_own_pages_are_not_served(aws: Aws, path: str) -> None:
    """To read some of them changes its state, or has every request written to a file."""
    for method in ("GET", "POST"):
        answer = ask(aws, method, path, {"Host": "localhost", "Content-Length": "0"})
        assert answer == refused("The pages of moto itself are not served.")


@pytest.mark.parametrize("length", ["-1", "abc", "1e3"])
def test_a_length_that_is_none(aws: Aws, length: str) -> None:
    """It is refused before anything is read."""
    assert ask(aws, "POST", "/", {"Host": "localhost", "Content-Length": length})[0] == 400


@pytest.mark.parametrize("lengths", [(2, 3), (2, 2)])
def test_a_length_that_is_said_twice(aws: Aws, lengths: tuple[int, int]) -> None:
    """Whoever is in between may have read the other one."""
    parts = urllib.parse.urlsplit(aws.url)
    head = "".join(f"Content-Length: {length}\r\n" for length in lengths)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\n{head}\r\n{{}}".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_what_breaks_moto_is_an_error_in_the_words_of_aws(aws: Aws) -> None:
    """Nothing of Python in it: that stands in the log."""
    client = aws.session.client("athena", endpoint_url=aws.url, config=aws.config)
    assert error_of(client.get_query_execution, QueryExecutionId="nothing") == (
        "InternalFailure",
        (
            "The request processing has failed because of an unknown error, exception or failure. The log of the local endpoint "
            "says what happened in GetQueryExecution."
        ),
    )


def test_the_name_of_an_endpoint_configuration_is_taken_once(aws: Aws) -> None:
    """Moto would put the new one in its place."""
    variant = {"VariantName": "all", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    aws.sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": "image"}, ExecutionRoleArn=ROLE)
    create = aws.sagemaker.create_endpoint_config
    create(EndpointConfigName="taken", ProductionVariants=[variant])
    assert error_of(create, EndpointConfigName="taken", ProductionVariants=[variant]) == (
        "ValidationException",
        "Cannot create already existing endpoint configuration 'taken'.",
    )


@pytest.mark.parametrize("target", ["AmazonSQS.CreateQueue", "Logs_20140328.CreateLogGroup"])
def test_another_service_that_is_asked_too_deep(aws: Aws, target: str) -> None:
    """A body of a hundred thousand brackets is the request's fault, not moto's."""
    body = b'{"QueueName": ' + b"[" * 100_000
    headers = {"Host": "localhost", "X-Amz-Target": target, "Content-Length": str(len(body))}
    status, answer = ask(aws, "POST", "/", {**headers, "Content-Type": "application/x-amz-json-1.0"}, body)
    assert (status, json.loads(answer)["__type"]) == (400, "SerializationException")


def test_a_client_that_stalls_holds_nobody_up(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request to create something is waited for, without a lock, and not for ever."""
    monkeypatch.setattr(wsgi._QuietRequestHandler, "timeout", 0.5)
    parts = urllib.parse.urlsplit(aws.url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as stalled:
        stalled.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AmazonSQS.CreateQueue\r\n"
            b"Content-Type: application/x-amz-json-1.0\r\nContent-Length: 1000\r\n\r\n{"
        )
        assert aws.sqs.create_queue(QueueName="meanwhile")["QueueUrl"]
        answer = b"".join(iter(lambda: stalled.recv(1000), b""))  # until it is hung up on
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert json.loads(answer.rpartition(b"\r\n")[2]) == {
        "__type": "RequestTimeout",
        "message": "The request ends before it is complete.",
    }


def test_what_is_not_in_s3_is_not_found(aws: Aws) -> None:
    """Also where only the head of it is asked for, which is how clients look whether something is there."""
    missing = {"Bucket": BUCKET, "Key": "nothing/here"}
    assert error_of(aws.s3.head_object, **missing) == ("404", "Not Found")
    assert error_of(aws.s3.head_bucket, Bucket="no-such-bucket") == ("404", "Not Found")
    assert error_of(aws.s3.get_object, **missing)[0] == "NoSuchKey"


def test_the_policies_that_aws_manages_are_there(aws: Aws) -> None:
    """A role for SageMaker is made as on AWS, from its documentation."""
    iam = boto3.client(
        "iam", endpoint_url=aws.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test"
    )
    name, policy = "ExampleSageMakerRole", "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert attached == [{"PolicyName": "AmazonSageMakerFullAccess", "PolicyArn": policy}]


@pytest.mark.parametrize(("region", "partition"), [(REGION, "aws"), ("us-west-2", "aws"), ("cn-north-1", "aws-cn")])
def test_a_caller_is_a_role_that_iam_knows(aws: Aws, region: str, partition: str) -> None:
    """As in SageMaker's notebooks: STS names a role, IAM its path and whom it trusts; and its policy, where it has those."""
    session = boto3.Session(aws_access_key_id="any", aws_secret_access_key="any", region_name=region)
    sts, iam = (session.client(name, endpoint_url=aws.url, config=aws.config) for name in ("sts", "iam"))
    arn = f"arn:{partition}:sts::123456789012:assumed-role/{ROLE_NAME}/sm-pipelines-local"
    assert sts.get_caller_identity()["Arn"] == arn
    role = iam.get_role(RoleName=ROLE_NAME)["Role"]
    [statement] = role["AssumeRolePolicyDocument"]["Statement"]
    attached = iam.list_attached_role_policies(RoleName=ROLE_NAME)["AttachedPolicies"]
    assert (role["Arn"], statement["Principal"], [each["PolicyArn"] for each in attached]) == (
        f"arn:{partition}:iam::123456789012:role/service-role/{ROLE_NAME}",
        {"Service": "sagemaker.amazonaws.com"},
        ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"] if partition == "aws" else [],
    )


def test_a_user_and_an_assumed_role_are_themselves(aws: Aws) -> None:
    """Whoever has made a user, or assumed a role, and uses its keys, is it."""
    iam = aws.session.client("iam", endpoint_url=aws.url, config=aws.config)
    iam.create_user(UserName="somebody")
    key = iam.create_access_key(UserName="somebody")["AccessKey"]
    user = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    sts = user.client("sts", endpoint_url=aws.url, config=aws.config)
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/somebody"
    keys = sts.assume_role(RoleArn=ROLE, RoleSessionName="session")["Credentials"]
    role = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name=REGION)
    assumed = role.client("sts", endpoint_url=aws.url, config=aws.config).get_caller_identity()["Arn"]
    assert assumed == f"{ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/session"


def test_everything_is_allowed(aws: Aws) -> None:
    """No permissions are checked here, so whoever asks what a role may do, in pages too, hears: everything."""
    iam = aws.session.client("iam", endpoint_url=aws.url, config=aws.config)
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=ROLE, ActionNames=["s3:PutObject", "sagemaker:CreateTrainingJob"]
    )
    assert [(each["EvalActionName"], each["EvalDecision"]) for page in pages for each in page["EvaluationResults"]] == [
        ("s3:PutObject", "allowed"),
        ("sagemaker:CreateTrainingJob", "allowed"),
    ]


NOT_WORK = set(OPERATIONS) | {"AddTags", "ListTags", "DeleteTags", "Search"}
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker").operation_names
UNSERVED = [operation for operation in SAGEMAKER if operation not in NOT_WORK and not is_entry(operation)]
"""Operations that stand for work nobody does here, or that moto has not."""


@pytest.mark.parametrize("operation", ["PausePipelineExecution", *UNSERVED])
def test_an_operation_that_nobody_serves_says_so(endpoint: LocalEndpoint, operation: str) -> None:
    """Whatever moto would make of it: a job that is Completed and never ran, or a web page; and one of tomorrow, say."""
    status, answer, headers = post(endpoint.url, operation, b"{}")
    assert (status, headers["Content-Type"], answer) == (
        400,
        "application/x-amz-json-1.1",
        {
            "__type": "UnknownOperationException",
            "message": f"The local endpoint does not serve the operation {operation}.",
        },
    )


@pytest.mark.parametrize("operation", [each for each in SAGEMAKER if is_entry(each)])
def test_an_operation_on_entries_is_checked_or_refused(endpoint: LocalEndpoint, operation: str) -> None:
    """What moto lacks is refused, and what misses a member is told in the service's words."""
    status, answer, _ = post(endpoint.url, operation, b"{}")
    assert (status, answer.get("__type")) in {
        (200, None),
        (400, "ValidationException"),
        (400, "UnknownOperationException"),
    }


def test_work_that_does_not_run_here_is_not_called_done(aws: Aws) -> None:
    """Of all operations of the service model, those that create a job are ours or refused."""
    jobs = {each for each in OPERATIONS if re.fullmatch(r"Create\w+Job(V2)?", each)}
    assert jobs == {
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
        "CreateHyperParameterTuningJob",
    }
    assert [each for each in SAGEMAKER if re.fullmatch(r"Create\w+Job(V2)?", each) and is_entry(each)] == []
    refusal = ("UnknownOperationException", "The local endpoint does not serve the operation CreateLabelingJob.")
    request = {
        "LabelingJobName": "l",
        "LabelAttributeName": "label",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": f"s3://{BUCKET}/in"}}},
        "OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "RoleArn": ROLE,
        "HumanTaskConfig": {
            "WorkteamArn": "arn:aws:sagemaker:eu-west-1:123456789012:workteam/private-crowd/team",
            "UiConfig": {"UiTemplateS3Uri": f"s3://{BUCKET}/template"},
            "TaskTitle": "t",
            "TaskDescription": "d",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 60,
        },
    }
    assert error_of(aws.sagemaker.create_labeling_job, **request) == refusal
    runtime = aws.session.client("sagemaker-runtime", endpoint_url=aws.url, config=aws.config)
    assert error_of(runtime.invoke_endpoint, EndpointName="e", Body=b"1") == (
        "UnknownOperationException",
        "The local endpoint does not serve the operation POST /endpoints/e/invocations.",
    )


@pytest.mark.parametrize(
    ("service", "method", "arguments", "refusal"),
    [
        (
            "iam",
            "simulate_custom_policy",
            {"PolicyInputList": ["{}"], "ActionNames": ["s3:GetObject"]},
            ("InvalidAction", "The local endpoint does not serve the operation SimulateCustomPolicy."),
        ),
        (
            "ecs",
            "submit_task_state_change",
            {},
            ("UnknownOperationException", "The local endpoint does not serve the operation SubmitTaskStateChange."),
        ),
        (
            "lambda",
            "get_runtime_management_config",
            {"FunctionName": "f"},
            (
                "UnknownOperationException",
                "The local endpoint does not serve the operation GET /2021-07-20/functions/f/runtime-management-config.",
            ),
        ),
    ],
)
def test_what_moto_has_not_is_an_error_of_its_service(
    aws: Aws, service: str, method: str, arguments: dict[str, Any], refusal: tuple[str, str]
) -> None:
    """No web page with status 500, which clients take for something that passes, and ask again."""
    client = aws.session.client(service, endpoint_url=aws.url, config=aws.config)
    assert error_of(getattr(client, method), **arguments) == refusal


def test_a_service_that_there_is_not(endpoint: LocalEndpoint) -> None:
    """For moto a target without a signature is a question to S3, and one that is signed breaks it."""
    refused = (
        400,
        {"__type": "UnknownOperationException", "message": "The local endpoint does not serve the operation Create."},
    )
    assert post(endpoint.url, "x", b"{}", X_Amz_Target="Nope.Create", Authorization="")[:2] == refused
    assert post(endpoint.url, "x", b"{}", X_Amz_Target="Create", Authorization="")[:2] == refused
    signed = f"AWS4-HMAC-SHA256 Credential=test/20261121/{REGION}/nope/aws4_request"
    assert post(endpoint.url, "x", b"{}", X_Amz_Target="Nope.Create", Authorization=signed)[:2] == refused


def test_tags_of_a_pipeline_or_job_that_does_not_exist(aws: Aws) -> None:
    """Pipelines and jobs are ours, so moto is not asked about them; it has no words for them."""
    for kind in ("pipeline/nothing", "processing-job/nothing", "training-job/nothing"):
        arn = f"arn:aws:sagemaker:{REGION}:123456789012:{kind}"
        missing = ("ResourceNotFound", f"Resource '{arn}' does not exist.")
        assert error_of(aws.sagemaker.list_tags, ResourceArn=arn) == missing
        assert error_of(aws.sagemaker.add_tags, ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}]) == missing
        assert error_of(aws.sagemaker.delete_tags, ResourceArn=arn, TagKeys=["k"]) == missing


def test_everything_else_is_motos(aws: Aws) -> None:
    """SageMaker models, S3, STS and SQS answer on the same port."""
    identity = aws.sts.get_caller_identity()
    assert identity["Account"] == "123456789012"
    queue = aws.sqs.create_queue(QueueName="callbacks")
    assert queue["QueueUrl"].endswith("/123456789012/callbacks")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://ml-data/model.tar.gz"}
    created = aws.sagemaker.create_model(ModelName="by-hand", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    assert aws.sagemaker.list_tags(ResourceArn=created["ModelArn"])["Tags"] == []


def test_a_request_without_signature_is_for_us_east_1(endpoint: LocalEndpoint) -> None:
    """The region is in the signature; curl sends none."""
    _, answer, _ = post(endpoint.url, "DescribePipeline", b'{"PipelineName": "nothing"}', Authorization="")
    assert answer["message"] == "Pipeline 'arn:aws:sagemaker:us-east-1:123456789012:pipeline/nothing' does not exist."


def test_regions_are_apart(aws: Aws, name: str) -> None:
    """A pipeline of eu-west-1 does not exist in eu-central-1."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    other = session.client("sagemaker", endpoint_url=aws.url, config=Config(proxies={}))
    assert error_of(other.describe_pipeline, PipelineName=name) == (
        "ResourceNotFound",
        f"Pipeline 'arn:aws:sagemaker:eu-central-1:123456789012:pipeline/{name}' does not exist.",
    )
