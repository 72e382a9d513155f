"""Steps that run because others failed, were stopped, or ended in any way."""

from __future__ import annotations

import uuid

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, job_name, wait
from tests.integration.documents import TRUE, condition_step, document, instant_step, processing_step
from tests.integration.test_stopping import RUN_UNTIL_STOPPED, wait_until_running

TRIGGERS = ("Completed", "Failed", "Stopped", "Any")


def on(name: str, trigger: str) -> dict[str, str]:
    """A dependency with a trigger."""
    return {"Step": name, "Trigger": trigger}


@pytest.fixture
def queue(aws: Aws) -> CallbackQueue:
    """A queue of the test's own."""
    return CallbackQueue(aws)


def ends(aws: Aws, arn: str) -> tuple[str, dict[str, str]]:
    """The status of an execution and of its steps."""
    steps = {name: step["StepStatus"] for name, step in aws.steps(arn).items()}
    return str(aws.describe(arn)["PipelineExecutionStatus"]), steps


def test_each_trigger_waits_for_its_own_end(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """After a failure: Failed and Any run, Completed and Stopped never start, and the rest goes on."""
    arn = aws.start(
        document(
            queue.step("a"),
            queue.step("beside"),
            *(instant_step(f"on-{trigger}", on("a", trigger)) for trigger in TRIGGERS),
            instant_step("after-beside", "beside"),
        )
    )
    queue.fail("a", "no")
    queue.succeed("beside")
    wait(endpoint, arn)
    status, steps = ends(aws, arn)
    assert (status, steps) == (
        "CompletedWithFailures",
        {
            "a": "Failed",
            "beside": "Succeeded",
            "on-Failed": "Succeeded",
            "on-Any": "Succeeded",
            "after-beside": "Succeeded",
        },
    )


def test_what_waits_for_a_failure_does_not_run_after_a_success(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue
) -> None:
    """Completed and Any run; Failed and Stopped never start; the execution just succeeds."""
    arn = aws.start(
        document(
            queue.step("a"),
            *(instant_step(f"on-{trigger}", on("a", trigger)) for trigger in TRIGGERS),
        )
    )
    queue.succeed("a")
    wait(endpoint, arn)
    assert ends(aws, arn) == ("Succeeded", {"a": "Succeeded", "on-Completed": "Succeeded", "on-Any": "Succeeded"})


def test_a_step_whose_job_is_stopped_by_hand(endpoint: LocalEndpoint, aws: Aws) -> None:
    """StopProcessingJob, not StopPipelineExecution: the step is Stopped, and what waits for that runs."""
    name = uuid.uuid4().hex
    arn = aws.start(
        document(
            processing_step("a", aws.put_script(RUN_UNTIL_STOPPED), arguments=(name,)),
            *(instant_step(f"on-{trigger}", on("a", trigger)) for trigger in TRIGGERS),
        )
    )
    wait_until_running(aws, name)
    aws.sagemaker.stop_processing_job(ProcessingJobName=job_name(aws.steps(arn)["a"]))
    wait(endpoint, arn)
    assert ends(aws, arn) == (
        "CompletedWithFailures",
        {"a": "Stopped", "on-Stopped": "Succeeded", "on-Any": "Succeeded"},
    )


def test_a_failure_that_no_step_ran_for_fails_the_execution(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue
) -> None:
    """The step that waits for the failure lies in the branch not taken."""
    decide = condition_step("decide", TRUE, [], [instant_step("rescue", on("a", "Failed"))])
    arn = aws.start(document(queue.step("a"), queue.step("b"), {**decide, "DependsOn": ["b"]}))
    queue.fail("a", "no")
    queue.succeed("b")
    wait(endpoint, arn)
    assert ends(aws, arn) == ("Failed", {"a": "Failed", "b": "Succeeded", "decide": "Succeeded"})
    assert aws.describe(arn)["FailureReason"] == "Step failure: One or multiple steps failed"
