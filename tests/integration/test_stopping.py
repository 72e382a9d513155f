"""Stopping executions: what ends, how, and what is refused meanwhile."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, token, wait
from tests.integration.documents import document, processing_step

# Says that it runs by writing to its queue, then waits for a signal.
RUN_UNTIL_STOPPED = """
import boto3, signal, sys
sqs = boto3.client("sqs")
sqs.send_message(QueueUrl=sqs.create_queue(QueueName=sys.argv[1])["QueueUrl"], MessageBody=str(__import__("os").getpid()))
signal.pause()
"""


def wait_until_running(aws: Aws, queue_name: str) -> int:
    """Wait until a RUN_UNTIL_STOPPED script runs, and return its process id."""
    url = aws.sqs.create_queue(QueueName=queue_name)["QueueUrl"]
    (message,) = aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    return int(message["Body"])


def test_stopping_ends_the_running_job_and_starts_nothing(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Stopping, then Stopped, for execution, step and job; the process is gone; a second stop is refused."""
    queue = uuid.uuid4().hex
    arn = aws.start(
        document(
            processing_step("runs", aws.put_script(RUN_UNTIL_STOPPED), arguments=(queue,)),
            processing_step("never", aws.put_script(""), DependsOn=["runs"]),
        )
    )
    pid = wait_until_running(aws, queue)
    stop = token()
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=stop)
    wait(endpoint, arn)

    steps = aws.steps(arn)
    assert {name: step["StepStatus"] for name, step in steps.items()} == {"runs": "Stopped"}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"
    name = steps["runs"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert aws.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped"
    assert not Path(f"/proc/{pid}").exists()
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=stop)
    with pytest.raises(ClientError) as error:
        aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Only pipelines with 'Executing' status can be stopped",
    }


def test_a_script_that_does_not_listen_is_killed_after_the_grace_period(endpoint: LocalEndpoint, aws: Aws) -> None:
    """SIGTERM ignored: SIGKILL follows, and the execution is Stopped all the same."""
    queue = uuid.uuid4().hex
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + RUN_UNTIL_STOPPED
    deaf = deaf.replace("signal.pause()", "while True: signal.pause()")
    arn = aws.start(document(processing_step("deaf", aws.put_script(deaf), arguments=(queue,))))
    pid = wait_until_running(aws, queue)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopping"
    assert aws.steps(arn)["deaf"]["StepStatus"] == "Stopping"
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"
    assert not Path(f"/proc/{pid}").exists()


def test_a_pipeline_is_not_deleted_under_a_running_execution(endpoint: LocalEndpoint, aws: Aws) -> None:
    """ConflictException, and what to do; afterwards the execution can still be described."""
    queue = uuid.uuid4().hex
    arn = aws.start(document(processing_step("runs", aws.put_script(RUN_UNTIL_STOPPED), arguments=(queue,))))
    name = arn.split("/")[1]
    wait_until_running(aws, queue)
    with pytest.raises(ClientError, match=r"ConflictException.*Stop the execution first\."):
        aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"
