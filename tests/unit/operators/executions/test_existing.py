from __future__ import annotations

import re

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_sm_pipelines.operators.executions.existing import (
    SageMakerRetryPipelineExecutionOperator,
    SageMakerStopPipelineExecutionOperator,
)
from tests.scripted_service import EXECUTION_ARN, Refusal, step

STOPPED = {"PipelineExecutionArn": EXECUTION_ARN}
FAILED_STEP = step("train", "Failed", FailureReason="boom", EndTime=1690315999.0)


def stop(**arguments):
    return SageMakerStopPipelineExecutionOperator(
        **{
            "task_id": "run",
            "pipeline_execution_arn": EXECUTION_ARN,
            "waiter_delay": 0.01,
            "deferrable": False,
            **arguments,
        }
    )


def retry(**arguments):
    return SageMakerRetryPipelineExecutionOperator(
        **{
            "task_id": "run",
            "pipeline_execution_arn": EXECUTION_ARN,
            "waiter_delay": 0.01,
            "deferrable": False,
            **arguments,
        }
    )


def test_stopping(service, dag, context):
    """The execution is asked to stop, once, and waited for until it has; its end is no failure of this task."""
    service.answers["StopPipelineExecution"] = [STOPPED]
    service.execution("Stopping", "Stopping", "Stopped")
    service.steps([])
    running = context()
    assert stop().execute(running) == EXECUTION_ARN
    assert service.count("StopPipelineExecution") == 1
    assert running["ti"].pushed == {
        "pipeline_execution_arn": EXECUTION_ARN,
        "execution_report": {"status": "Stopped", "reason": None, "steps": [], "left_out": []},
    }


def test_stopping_in_the_triggerer(service, dag, context):
    """By default the wait is the triggerer's; a person who fails the task meanwhile changes nothing."""
    service.answers["StopPipelineExecution"] = [STOPPED]
    with pytest.raises(TaskDeferred):
        stop(deferrable=True).execute(context())
    service.execution("Stopped")
    service.steps([])
    event = {"status": "failed", "reason": "it was stopped", "pipeline_execution_arn": EXECUTION_ARN, "limit": None}
    assert stop(task_id="again").execute_complete(context(), event) == EXECUTION_ARN


def test_stopping_between_two_steps(service, dag, context):
    """The service refuses to stop an execution that moves from one step to the next: that is waited out."""
    service.answers["StopPipelineExecution"] = [Refusal("ConflictException", "moving"), STOPPED]
    assert stop(wait_for_completion=False).execute(context()) == EXECUTION_ARN
    assert service.count("StopPipelineExecution") == 2


NOT_EXECUTING = Refusal("ValidationException", "Only pipelines with 'Executing' status can be stopped.")


def test_nothing_to_stop(service, dag, context):
    """An execution that is over already does not fail the task, unless it is asked to be one."""
    service.answers["StopPipelineExecution"] = [NOT_EXECUTING]
    service.execution("Succeeded")
    service.steps([])
    assert stop().execute(context()) == EXECUTION_ARN
    message = f"execution {EXECUTION_ARN} is not executing: there is nothing to stop"
    with pytest.raises(AirflowFailException, match=f"^{re.escape(message)}$"):
        stop(task_id="strict", fail_if_not_executing=True).execute(context())


def test_resuming(service, dag, context):
    """A failed execution goes on under its ARN, and is waited for to its end."""
    service.execution("Failed", "Executing", "Succeeded")
    service.steps([FAILED_STEP], [step("train", "Executing")], [step("train", "Succeeded")])
    service.answers["RetryPipelineExecution"] = [STOPPED]
    assert retry().execute(context()) == EXECUTION_ARN
    assert service.count("RetryPipelineExecution") == 1


@pytest.mark.parametrize("status", ["Succeeded", "Executing"])
def test_nothing_to_resume(service, dag, context, status):
    """An execution that succeeded, or that goes on already, is not resumed."""
    service.execution(status, "Succeeded")
    service.steps([])
    assert retry().execute(context()) == EXECUTION_ARN
    assert service.count("RetryPipelineExecution") == 0


def test_resuming_what_is_stopping(service, dag, context):
    """An execution that is stopping is waited for, and then resumed."""
    service.execution("Stopping", "Stopping", "Stopped", "Succeeded")
    service.steps([])
    service.answers["RetryPipelineExecution"] = [STOPPED]
    assert retry().execute(context()) == EXECUTION_ARN
    assert service.count("RetryPipelineExecution") == 1


def test_a_fail_step_cannot_be_resumed(service, dag, context):
    """An execution that ended in a Fail step fails the task, in one sentence; the service is not asked."""
    service.execution("Failed")
    service.steps([step("reject", "Failed", Metadata={"Fail": {"ErrorMessage": "not good enough"}})])
    with pytest.raises(AirflowFailException, match="ended in the Fail step 'reject'"):
        retry().execute(context())
    assert service.count("RetryPipelineExecution") == 0


@pytest.mark.parametrize(
    ("arn", "problem"),
    [
        ("None", "^'None' is not the ARN of a pipeline execution"),
        (None, "^pipeline_execution_arn is None: the task it comes from left no value$"),
    ],
)
@pytest.mark.parametrize("made", [stop, retry])
def test_what_is_no_arn(service, dag, context, made, arn, problem):
    """An upstream task that left no ARN is an error in one sentence, and nobody is asked."""
    with pytest.raises(AirflowFailException, match=problem):
        made(pipeline_execution_arn=arn).execute(context())
    assert service.requests == []
