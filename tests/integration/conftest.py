"""A real endpoint on a real socket, and a boto3 client for it."""

from __future__ import annotations

import io
import json
import tarfile
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from airflow_sm_pipelines.local.endpoint import EndpointSettings, LocalEndpoint

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
BUCKET = "ml-data"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1"


class Aws:
    """What a test does with AWS, against one endpoint.

    :param url: The endpoint.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
        config = Config(proxies={}, retries={"total_max_attempts": 1}, max_pool_connections=20)
        self.sagemaker = session.client("sagemaker", endpoint_url=url, config=config)
        self.s3 = session.client("s3", endpoint_url=url, config=config)
        self.logs = session.client("logs", endpoint_url=url, config=config)

    def put(self, key: str, content: str) -> str:
        """Store text and return its URI."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content.encode())
        return f"s3://{BUCKET}/{key}"

    def get(self, uri: str) -> str:
        """The text of an object."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

    def put_source_archive(self, files: Mapping[str, str]) -> str:
        """Store scripts as the SDK does for script mode, and return the archive's URI."""
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        key = f"code/{uuid.uuid4().hex}/sourcedir.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content.getvalue())
        return f"s3://{BUCKET}/{key}"

    def start(self, definition: Mapping[str, Any], parameters: Mapping[str, str] | None = None) -> str:
        """Create a pipeline of a fresh name, start it, and return the execution's ARN."""
        name = f"p-{uuid.uuid4().hex[:12]}"
        self.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(definition), RoleArn=ROLE, ClientRequestToken=token()
        )
        return self.sagemaker.start_pipeline_execution(
            PipelineName=name,
            PipelineParameters=[{"Name": key, "Value": value} for key, value in (parameters or {}).items()],
            ClientRequestToken=token(),
        )["PipelineExecutionArn"]

    def describe(self, arn: str) -> dict[str, Any]:
        """An execution."""
        response: dict[str, Any] = self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return response

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """The steps of an execution that have started, by name, the first one first."""
        response = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        return {step["StepName"]: step for step in response["PipelineExecutionSteps"]}

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


def document(*steps: Mapping[str, Any], parameters: tuple[Mapping[str, Any], ...] = ()) -> dict[str, Any]:
    """A definition of some steps."""
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters), "Steps": list(steps)}


def processing_step(
    name: str,
    script: str | Mapping[str, Any],
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
    arguments: tuple[Any, ...] = (),
    environment: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A Processing step as the operators write it. ``script`` is the code's URI."""
    return {
        "Name": name,
        "Type": "Processing",
        "Arguments": {
            "RoleArn": ROLE,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
            },
            "AppSpecification": {
                "ImageUri": IMAGE,
                "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/script.py"],
                **({"ContainerArguments": list(arguments)} if arguments else {}),
            },
            "ProcessingInputs": [
                {
                    "InputName": key,
                    "AppManaged": False,
                    "S3Input": {
                        "S3Uri": uri,
                        "LocalPath": f"/opt/ml/processing/input/{key}",
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                        "S3DataDistributionType": "FullyReplicated",
                        "S3CompressionType": "None",
                    },
                }
                for key, uri in {"code": script, **(inputs or {})}.items()
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    {
                        "OutputName": key,
                        "AppManaged": False,
                        "S3Output": {
                            "S3Uri": uri,
                            "LocalPath": f"/opt/ml/processing/output/{key}",
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                    for key, uri in (outputs or {}).items()
                ]
            },
            **({"Environment": dict(environment)} if environment else {}),
        },
        **more,
    }


def training_step(
    name: str,
    source: str,
    *,
    program: str = "train.py",
    inputs: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    output_path: Any = f"s3://{BUCKET}/models",
    **more: Any,
) -> dict[str, Any]:
    """A Training step in script mode, as the SDK and the operators write it."""
    return {
        "Name": name,
        "Type": "Training",
        "Arguments": {
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": json.dumps(program),
                "sagemaker_submit_directory": json.dumps(source),
                **(hyperparameters or {}),
            },
            "OutputDataConfig": {"S3OutputPath": output_path},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **(
                {
                    "InputDataConfig": [
                        {
                            "ChannelName": key,
                            "DataSource": {
                                "S3DataSource": {
                                    "S3DataType": "S3Prefix",
                                    "S3Uri": uri,
                                    "S3DataDistributionType": "FullyReplicated",
                                }
                            },
                        }
                        for key, uri in inputs.items()
                    ]
                }
                if inputs
                else {}
            ),
        },
        **more,
    }


def wait(endpoint: LocalEndpoint, arn: str, timeout: float = 60) -> None:
    """Wait until an execution has ended, without asking again and again."""
    assert endpoint.wait_for_execution(arn, timeout), f"{arn} did not end within {timeout} seconds"


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    """One endpoint for all tests of a test process; tests use names of their own."""
    state: Path = tmp_path_factory.mktemp("endpoint")
    with LocalEndpoint(EndpointSettings(state_directory=state, stop_grace_seconds=5)) as running:
        yield running


@pytest.fixture(scope="session")
def aws(endpoint: LocalEndpoint) -> Aws:
    """Clients for the endpoint, with a bucket."""
    clients = Aws(endpoint.url)
    clients.s3.create_bucket(Bucket=BUCKET)
    return clients
