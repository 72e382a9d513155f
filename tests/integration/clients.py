"""What a test does with AWS, against one endpoint."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.aws import AccessKey
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.documents import BUCKET, REGION, ROLE, document

TEST_KEY = AccessKey("test", "test")


class Aws:
    """boto3 clients, and what tests ask of them again and again.

    :param url: The endpoint.
    :param access_key: What requests are signed with.
    """

    def __init__(self, url: str, access_key: AccessKey = TEST_KEY) -> None:
        self.url = url
        self.session = boto3.Session(
            aws_access_key_id=access_key.id, aws_secret_access_key=access_key.secret, region_name=REGION
        )
        self.config = Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=20)
        session, config = self.session, self.config
        self.sagemaker = session.client("sagemaker", endpoint_url=url, config=config)
        self.s3 = session.client("s3", endpoint_url=url, config=config)
        self.sqs = session.client("sqs", endpoint_url=url, config=config)
        self.sts = session.client("sts", endpoint_url=url, config=config)
        self.logs = session.client("logs", endpoint_url=url, config=config)

    def create_bucket(self) -> None:
        """Make the tests' bucket."""
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(self, key: str, content: str) -> str:
        """Store text and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content.encode())
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> str:
        """The text of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content.decode()

    def put_script(self, text: str) -> str:
        """Store a script under a key of its own and return its URI."""
        return self.put(f"code/{uuid.uuid4().hex}/script.py", text)

    def put_source_archive(self, files: Mapping[str, str | bytes]) -> str:
        """Store scripts as the SDK does for script mode, and return the archive's URI."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as tar:
            for name, file in files.items():
                data = file.encode() if isinstance(file, str) else file
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        key = f"code/{uuid.uuid4().hex}/sourcedir.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
        return f"s3://{BUCKET}/{key}"

    def start(self, definition: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> str:
        """Create a pipeline of a fresh name, start it, and return the execution's ARN."""
        name = f"p-{uuid.uuid4().hex[:12]}"
        self.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE, ClientRequestToken=token()
        )
        arn: str = self.sagemaker.start_pipeline_execution(
            PipelineName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in (parameters or {}).items()],
            ClientRequestToken=token(),
        )["PipelineExecutionArn"]
        return arn

    def describe(self, arn: str) -> dict[str, Any]:
        """An execution."""
        response: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return response

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """The steps of an execution that have started, by name, the first one first."""
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}

    def log_lines(self, group: str, job_name: str) -> list[str]:
        """What a job printed."""
        streams = self.logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job_name}/")["logStreams"]
        events = self.logs.get_log_events(
            logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True
        )
        return [event["message"] for event in events["events"]]


def token() -> str:
    """A ClientRequestToken."""
    return uuid.uuid4().hex


def wait(endpoint: LocalEndpoint, arn: str, timeout: float = 60) -> None:
    """Wait until an execution has ended, without asking again and again."""
    assert endpoint.wait_for_execution(arn, timeout), f"{arn} did not end within {timeout} seconds"


def run_one(endpoint: LocalEndpoint, aws: Aws, step: dict[str, Any]) -> dict[str, Any]:
    """Run a pipeline of one step and return the step."""
    arn = aws.start(document(step))
    wait(endpoint, arn)
    return aws.steps(arn)[step["Name"]]


def job_name(step: dict[str, Any]) -> str:
    """The name of a step's job."""
    (metadata,) = step["Metadata"].values()
    return str(metadata["Arn"]).rpartition("/")[2]


def error_of(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the error that a call ends in."""
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]
