from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from tests.scripted_service import ScriptedService, connection_json, serve


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """S3 and CloudWatch Logs, over a real socket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(moto):
    client = boto3.client(
        "s3", "us-east-1", endpoint_url=moto, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client.create_bucket(Bucket="artifacts")
    yield client
    for entry in client.list_objects_v2(Bucket="artifacts").get("Contents", []):
        client.delete_object(Bucket="artifacts", Key=entry["Key"])
    client.delete_bucket(Bucket="artifacts")


@pytest.fixture
def logs(moto):
    client = boto3.client(
        "logs", "us-east-1", endpoint_url=moto, aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    client.create_log_group(logGroupName="/aws/sagemaker/ProcessingJobs")
    yield client
    client.delete_log_group(logGroupName="/aws/sagemaker/ProcessingJobs")


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with serve() as scripted:
        yield scripted


@pytest.fixture
def hook(service, moto, monkeypatch) -> SageMakerPipelineHook:
    """A hook whose SageMaker is scripted and whose S3 and logs are moto's, all by one connection."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_TEST", connection_json(service.url, s3=moto, logs=moto))
    return SageMakerPipelineHook(aws_conn_id="aws_test", config={"retries": {"total_max_attempts": 1}})
