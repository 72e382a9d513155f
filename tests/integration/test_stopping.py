"""Stopping executions: what ends, how, and what is refused meanwhile."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.runners.instant_steps import ConditionStepRunner
from airflow_sm_pipelines.local.runners.registry import RUNNERS
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import document, instant_step, processing_step

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
    """ConflictException, and what to do; afterwards the executions are gone with their pipeline."""
    queue = uuid.uuid4().hex
    arn = aws.start(document(processing_step("runs", aws.put_script(RUN_UNTIL_STOPPED), arguments=(queue,))))
    name = arn.split("/")[1]
    wait_until_running(aws, queue)
    with pytest.raises(ClientError, match=r"ConflictException.*Stop the execution first\."):
        aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    gone = ("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
    assert error_of(aws.sagemaker.describe_pipeline_execution, PipelineExecutionArn=arn) == gone
    retry = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    assert error_of(aws.sagemaker.retry_pipeline_execution, **retry) == gone


class SlowToStart(ConditionStepRunner):
    """A step that stays in the status Starting until it is let go."""

    reached: ClassVar[threading.Event]
    let_go: ClassVar[threading.Event]

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.reached.set()
        assert self.let_go.wait(60)


def test_between_two_steps_a_stop_is_a_conflict(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ConflictException, and the execution goes on; the same request is served when the next step runs."""
    SlowToStart.reached, SlowToStart.let_go = threading.Event(), threading.Event()
    monkeypatch.setitem(RUNNERS, "Condition", SlowToStart)
    queue = CallbackQueue(aws)
    arn = aws.start(
        document(queue.step("first"), instant_step("second", "first"), queue.step("third", DependsOn=["first"]))
    )
    queue.succeed("first")
    assert SlowToStart.reached.wait(60)
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    assert error_of(aws.sagemaker.stop_pipeline_execution, **request) == (
        "ConflictException",
        f"Pipeline execution '{arn}' is moving from one step to the next. Try again.",
    )
    assert aws.steps(arn)["second"]["StepStatus"] == "Starting"
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Executing"
    SlowToStart.let_go.set()
    queue.receive("third")
    aws.sagemaker.stop_pipeline_execution(**request)
    queue.fail("third", "", "Stopping")
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {
        "first": "Succeeded",
        "second": "Succeeded",
        "third": "Stopped",
    }


def test_a_step_can_be_stopped_before_it_runs(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step of an execution is Starting: that is no conflict, and it never runs."""
    SlowToStart.reached, SlowToStart.let_go = threading.Event(), threading.Event()
    monkeypatch.setitem(RUNNERS, "Condition", SlowToStart)
    arn = aws.start(document(instant_step("first")))
    assert SlowToStart.reached.wait(60)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    assert aws.steps(arn)["first"]["StepStatus"] == "Stopping"
    SlowToStart.let_go.set()
    wait(endpoint, arn)
    step = aws.steps(arn)["first"]
    assert (step["StepStatus"], step["Metadata"]) == ("Stopped", {})


def test_only_what_executes_can_be_stopped(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Succeeded, and Stopping already: the same words; the same token again is no error in either state."""
    queue = CallbackQueue(aws)
    refusal = ("ValidationException", "Only pipelines with 'Executing' status can be stopped")
    arn = aws.start(document(queue.step("ask")))
    first = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    queue.receive("ask")
    aws.sagemaker.stop_pipeline_execution(**first)
    assert error_of(aws.sagemaker.stop_pipeline_execution, **{**first, "ClientRequestToken": token()}) == refusal
    assert aws.sagemaker.stop_pipeline_execution(**first)["PipelineExecutionArn"] == arn
    queue.succeed("ask", "Stopping")
    wait(endpoint, arn)
    assert error_of(aws.sagemaker.stop_pipeline_execution, **{**first, "ClientRequestToken": token()}) == refusal
    done = aws.start(document(instant_step("done")))
    wait(endpoint, done)
    assert (
        error_of(aws.sagemaker.stop_pipeline_execution, PipelineExecutionArn=done, ClientRequestToken=token())
        == refusal
    )
