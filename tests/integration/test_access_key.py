"""An endpoint with an access key: who is let in, and what the others are told."""

from __future__ import annotations

import base64
import http.client
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import EnvironBuilder

from airflow_sm_pipelines.local.aws import AccessKey
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.server.access_key_check import AccessKeyCheck
from tests.integration.clients import Aws, error_of, token
from tests.integration.documents import BUCKET, REGION, ROLE, document, instant_step, processing_step
from tests.integration.test_process import program

SECRET = "a/secret+with=signs"
KEY = AccessKey("the-key", SECRET)

SCRIPT = """
import boto3
print("account", boto3.client("sts").get_caller_identity()["Account"])
print(open("/opt/ml/processing/input/raw/odd name+&=ü").read())
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of an endpoint with a key, in a process of its own: moto has one state for each."""
    with program("--access-key", KEY.id, SM_PIPELINES_LOCAL_SECRET_ACCESS_KEY=SECRET) as (_, url):
        yield url


def aws_with(url: str, key_id: str, secret: str) -> Aws:
    """Clients with a key."""
    return Aws(url, AccessKey(key_id, secret))


def get(url: str, path: str, **headers: str) -> tuple[int, str]:
    """Status and text of an answer to a plain request."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def test_who_has_the_key_is_let_in_and_so_are_jobs(url: str) -> None:
    """SageMaker, S3 with names that are quoted, Logs, STS; a job's own clients, and the endpoint's. The account stays."""
    aws = aws_with(url, KEY.id, SECRET)
    aws.create_bucket()
    assert aws.sts.get_caller_identity()["Account"] == "123456789012"
    prefix = uuid.uuid4().hex
    aws.put(f"{prefix}/odd name+&=ü", "content of the odd one")
    aws.s3.put_object(
        Bucket=BUCKET, Key=f"{prefix}/meta", Body=b"x" * 100_000, Metadata={"my_key": "two  blanks", "b-c": "1"}
    )
    assert aws.s3.head_object(Bucket=BUCKET, Key=f"{prefix}/meta")["Metadata"] == {"my_key": "two  blanks", "b-c": "1"}
    step = processing_step("p", aws.put_script(SCRIPT), inputs={"raw": f"s3://{BUCKET}/{prefix}/odd name+&=ü"})
    arn = aws.start(document(step))
    name = aws.steps(arn)["p"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    aws.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    assert aws.log_lines("/aws/sagemaker/ProcessingJobs", name) == ["account 123456789012", "content of the odd one"]
    queue = aws.sqs.create_queue(QueueName="q")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=queue, MessageBody="hello")
    assert aws.sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "hello"


@pytest.mark.parametrize(
    ("key_id", "secret", "of_json", "of_query", "of_s3"),
    [
        ("other", SECRET, "UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId"),
        (KEY.id, "other", "InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
    ],
)
def test_who_has_not_is_told_so_in_the_form_of_each_service(
    url: str, key_id: str, secret: str, of_json: str, of_query: str, of_s3: str
) -> None:
    """Status 403, whether it is ours or moto's."""
    aws = aws_with(url, key_id, secret)
    answers: list[tuple[str, int]] = []
    for call in (aws.sagemaker.list_pipelines, aws.logs.describe_log_groups, aws.sts.get_caller_identity):
        with pytest.raises(ClientError) as error:
            call()
        response: Any = error.value.response
        answers.append((response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]))
    assert answers == [(of_json, 403), (of_json, 403), (of_query, 403)]
    code, _ = error_of(aws.s3.list_buckets)
    assert code == of_s3
    assert error_of(aws.s3.head_bucket, Bucket=BUCKET)[0] == "403"
    create = {"PipelineName": "p", "PipelineDefinition": json.dumps(document(instant_step("now"))), "RoleArn": ROLE}
    assert error_of(aws.sagemaker.create_pipeline, ClientRequestToken=token(), **create)[0] == of_json


def test_without_a_signature_nobody_is_let_in(url: str) -> None:
    """S3 says that access is denied; a mechanism other than Signature Version 4 is named."""
    status, text = get(url, f"/{BUCKET}")
    assert (status, "<Code>AccessDenied</Code>" in text) == (403, True)
    status, text = get(url, f"/{BUCKET}", Authorization="AWS the-key:abc")
    assert (status, "<Code>InvalidRequest</Code>" in text) == (400, True)
    status, text = get(url, "/", **{"X-Amz-Target": "SageMaker.ListPipelines"})
    assert (status, json.loads(text)["__type"]) == (403, "MissingAuthenticationTokenException")


def test_a_presigned_url_is_a_signature(url: str) -> None:
    """For as long as it says, and for nothing else than what it was made for."""
    aws = aws_with(url, KEY.id, SECRET)
    key = f"signed/{uuid.uuid4().hex} +ü"
    bucket = uuid.uuid4().hex
    aws.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    aws.s3.put_object(Bucket=bucket, Key=key, Body=b"signed")
    client = aws.session.client("s3", endpoint_url=url, config=Config(proxies={}, signature_version="s3v4"))
    address = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}).removeprefix(url)
    assert get(url, address) == (200, "signed")
    status, text = get(url, address.replace("%20", "%21"))
    assert (status, "<Code>SignatureDoesNotMatch</Code>" in text) == (403, True)
    gone = client.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}, ExpiresIn=-1)
    status, text = get(url, gone.removeprefix(url))
    assert (status, "Request has expired" in text) == (403, True)
    old = aws.session.client("s3", endpoint_url=url, config=Config(proxies={}, signature_version="s3"))
    address = old.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key}).removeprefix(url)
    assert get(url, address)[0] == 400


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"X-Amz-Expires": "604801"}, 400, "AuthorizationQueryParametersError"),
        ({"X-Amz-Expires": "9" * 5000}, 400, "AuthorizationQueryParametersError"),
        ({"X-Amz-Expires": "-1"}, 403, "AccessDenied"),
        ({"X-Amz-Signature": "\u00e9"}, 403, "SignatureDoesNotMatch"),
    ],
)
def test_a_presigned_url_that_cannot_be(change: dict[str, str], status: int, code: str) -> None:
    """A life of more than a week is refused as on AWS; whatever a query has in a signature's place is an error of S3."""
    time = now()
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{KEY.id}/{time:%Y%m%d}/us-east-1/s3/aws4_request",
        "X-Amz-Date": f"{time:%Y%m%dT%H%M%SZ}",
        "X-Amz-Expires": "60",
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": "0" * 64,
        **change,
    }
    environ = EnvironBuilder(path="/bucket/key", query_string=query).get_environ()
    refusal = AccessKeyCheck(KEY).refusal(environ)
    assert refusal is not None
    assert (refusal.status_code, f"<Code>{code}</Code>" in refusal.get_data(as_text=True)) == (status, True)


def test_a_header_says_nothing_beside_a_presigned_url() -> None:
    """What is signed in the one place would be asked of the service and the region of the other."""
    headers = {"Authorization": "Bearer Credential=a/20200101/eu-west-1/lambda/aws4_request"}
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256"}
    environ = EnvironBuilder(path="/bucket/key", query_string=query, headers=headers).get_environ()
    refusal = AccessKeyCheck(KEY).refusal(environ)
    assert refusal is not None
    assert (refusal.status_code, "Only one auth mechanism allowed" in refusal.get_data(as_text=True)) == (400, True)


def test_people_log_in_with_the_key(url: str) -> None:
    """Browsers sign nothing; they ask for a name and a password, which are the key's id and its secret."""
    aws = aws_with(url, KEY.id, SECRET)
    arn = aws.start(document(instant_step("now")))
    page = f"/_pages/{arn}"
    right = base64.b64encode(f"{KEY.id}:{SECRET}".encode()).decode()
    wrong = base64.b64encode(f"{KEY.id}:other".encode()).decode()
    statuses = [get(url, page, Authorization=f"Basic {value}")[0] for value in (right, wrong, "?")]
    assert (get(url, page)[0], statuses) == (401, [200, 401, 401])


def test_a_key_is_made_and_printed_where_others_reach_the_endpoint(tmp_path: Path) -> None:
    """Without being asked for; nobody who has another one can use it."""
    with program("--host", "0.0.0.0", "--bucket", "there", TMPDIR=str(tmp_path)) as (process, url):
        assert process.stdout is not None
        printed = dict(process.stdout.readline().strip().split("=", 1) for _ in range(2))
        assert list(printed) == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
        aws = aws_with(url, printed["AWS_ACCESS_KEY_ID"], printed["AWS_SECRET_ACCESS_KEY"])
        assert [each["Name"] for each in aws.s3.list_buckets()["Buckets"]] == ["there"]
        assert error_of(aws_with(url, "test", "test").s3.list_buckets)[0] == "InvalidAccessKeyId"
        process.terminate()
        _, error = process.communicate(timeout=30)
    assert error.splitlines()[0] == (
        "sm-pipelines local: warning: anybody who has the access key and reaches 0.0.0.0 can run programs here. Nothing "
        "is encrypted"
    )


def test_what_is_signed_cannot_be_changed() -> None:
    """Neither the content, nor a header, nor the time; nor may a header of AWS be added."""
    check = AccessKeyCheck(KEY)
    assert check.refusal(signed_request()) is None
    for change in (
        {"wsgi.input": io.BytesIO(b"{ }"), "CONTENT_LENGTH": "3"},
        {"HTTP_X_AMZ_TARGET": "SageMaker.ListModels"},
        {"HTTP_X_AMZ_DATE": "20200101T000000Z"},
        {"HTTP_X_AMZ_SECURITY_TOKEN": "added"},
        {"REQUEST_METHOD": "PUT"},
        {"REQUEST_URI": "/other"},
    ):
        refusal = check.refusal({**signed_request(), **change})
        assert refusal is not None, change
        assert refusal.status_code == 403, change


def signed_request() -> dict[str, Any]:
    """A request to SageMaker as WSGI has it, signed by botocore."""
    session = boto3.Session(aws_access_key_id=KEY.id, aws_secret_access_key=SECRET, region_name=REGION)
    client = session.client("sagemaker", endpoint_url="http://127.0.0.1:9", config=Config(proxies={}))
    sent: list[Any] = []

    def keep(request: Any, **_: Any) -> None:
        sent.append(request)
        raise ConnectionError

    client.meta.events.register("before-send", keep)
    with pytest.raises(ConnectionError):
        client.list_pipelines()
    request = sent[0]

    def text(value: Any) -> str:
        return value.decode() if isinstance(value, bytes) else str(value)

    headers = {f"HTTP_{name.upper().replace('-', '_')}": text(value) for name, value in request.headers.items()}
    headers |= {"CONTENT_TYPE": headers.pop("HTTP_CONTENT_TYPE"), "HTTP_HOST": "127.0.0.1:9"}
    return {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "/",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body if isinstance(request.body, bytes) else request.body.encode()),
        "CONTENT_LENGTH": headers.pop("HTTP_CONTENT_LENGTH", str(len(request.body))),
        **headers,
    }
