from __future__ import annotations

from datetime import datetime, timezone

import pytest

from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import (
    ExecutionTarget,
    Fail,
    Skip,
    StepTarget,
    Succeed,
    Wait,
    decide,
)
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
RUNNING = [ExecutionStatus.EXECUTING, ExecutionStatus.STOPPING]
ENDED_BADLY = [ExecutionStatus.STOPPED, ExecutionStatus.FAILED, ExecutionStatus.COMPLETED_WITH_FAILURES]


def execution(status: ExecutionStatus, *steps: StepSnapshot, reason: str | None = None) -> ExecutionSnapshot:
    return ExecutionSnapshot(PipelineExecutionArn.parse(ARN), status, {step.name: step for step in steps}, reason)


def failed(name: str, reason: str | None = "AlgorithmError: boom", second: int = 0) -> StepSnapshot:
    ended = datetime(2026, 1, 1, 0, 0, second, tzinfo=timezone.utc)
    return StepSnapshot(name, StepStatus.FAILED, failure_reason=reason, end_time=ended)


def condition(name: str, outcome: str) -> StepSnapshot:
    return StepSnapshot(name, StepStatus.SUCCEEDED, metadata={"Condition": {"Outcome": outcome}})


@pytest.mark.parametrize("status", ExecutionStatus)
@pytest.mark.parametrize(
    ("step", "decision"),
    [
        (StepSnapshot("train", StepStatus.STARTING), Wait()),
        (StepSnapshot("train", StepStatus.EXECUTING), Wait()),
        (StepSnapshot("train", StepStatus.STOPPING), Wait()),
        (StepSnapshot("train", StepStatus.SUCCEEDED), Succeed()),
        (StepSnapshot("train", StepStatus.SUCCEEDED, cache_hit_source=ARN), Succeed()),
        (failed("train"), Fail("step 'train' failed: AlgorithmError: boom")),
        (failed("train", reason=None), Fail("step 'train' failed")),
        (StepSnapshot("train", StepStatus.STOPPED), Fail("step 'train' was stopped")),
        (
            StepSnapshot("train", StepStatus.STOPPED, failure_reason="by hand"),
            Fail("step 'train' was stopped: by hand"),
        ),
    ],
)
def test_listed_step(status, step, decision):
    """A step that is listed is judged by its own status alone, whatever the execution's."""
    assert decide(execution(status, step), StepTarget("train")) == decision


@pytest.mark.parametrize("status", RUNNING)
def test_step_not_started_while_the_execution_goes_on(status):
    """A step that is not listed is waited for while the execution goes on, also after another failed."""
    assert decide(execution(status, failed("prepare")), StepTarget("train")) == Wait()


def test_step_never_started_in_an_execution_that_succeeded():
    """A task that Airflow started has a step to follow: an execution that succeeded without it was another one's."""
    assert decide(execution(ExecutionStatus.SUCCEEDED), StepTarget("reject")) == Fail(
        "step 'reject' never started although the execution succeeded: its definition has no such step, or does not "
        "run it here. Clear the launch task to start an execution of the Dag as it is now"
    )


def test_a_run_never_started_of_a_for_each_step_whose_failure_was_waited_for():
    """The execution goes on and succeeds: what ended the ForEach step is the reason."""
    snapshot = execution(ExecutionStatus.SUCCEEDED, failed("fan", "these steps failed: each-0"))
    assert decide(snapshot, StepTarget("each-1", for_each="fan")) == Fail(
        "step 'each-1' never started: step 'fan' failed: these steps failed: each-0"
    )


@pytest.mark.parametrize("status", ENDED_BADLY)
def test_step_never_started_names_the_step_that_ended_the_execution(status):
    """A step that never started fails with the failed steps, first failure first, and their reasons."""
    snapshot = execution(
        status,
        failed("late", "second", 9),
        failed("prepare", second=1),
        reason="Step failure: One or multiple steps failed",
    )
    assert decide(snapshot, StepTarget("train")) == Fail(
        f"step 'train' never started: the execution ended {status}: "
        "step 'prepare' failed: AlgorithmError: boom; step 'late' failed: second"
    )


def test_step_never_started_in_a_stopped_execution():
    """Where no step failed, the stopped steps are named."""
    snapshot = execution(ExecutionStatus.STOPPED, StepSnapshot("prepare", StepStatus.STOPPED))
    assert decide(snapshot, StepTarget("train")) == Fail(
        "step 'train' never started: the execution ended Stopped: step 'prepare' was stopped"
    )


@pytest.mark.parametrize(
    ("snapshot", "cause"),
    [
        (execution(ExecutionStatus.FAILED, reason="the role cannot be assumed"), "the role cannot be assumed"),
        (execution(ExecutionStatus.STOPPED), "it was stopped"),
        (execution(ExecutionStatus.FAILED), "the service gives no reason and lists no failed step"),
    ],
)
def test_step_never_started_without_a_step_to_name(snapshot, cause):
    """Where no step is to blame, the execution's own reason is told."""
    assert decide(snapshot, StepTarget("train")) == Fail(
        f"step 'train' never started: the execution ended {snapshot.status}: {cause}"
    )


@pytest.mark.parametrize("status", ExecutionStatus)
def test_step_in_a_branch_not_taken(status):
    """A step in a branch that was not taken is skipped as soon as that is known, however the execution ends."""
    snapshot = execution(status, condition("good_enough", "False"), failed("reject", "not accurate enough"))
    assert decide(snapshot, StepTarget("register", (BranchOwner("good_enough", True),))) == Skip(
        "step 'register' is in the branch of 'good_enough' that was not taken: its outcome is False"
    )


def test_step_in_a_branch_taken_is_waited_for():
    """A step in the branch that was taken is waited for."""
    snapshot = execution(ExecutionStatus.EXECUTING, condition("good_enough", "True"))
    assert decide(snapshot, StepTarget("register", (BranchOwner("good_enough", True),))) == Wait()


def test_step_in_a_branch_taken_that_never_started():
    """A step in the branch that was taken fails when the execution ended badly before it."""
    snapshot = execution(ExecutionStatus.FAILED, condition("good_enough", "True"), failed("other"))
    assert decide(snapshot, StepTarget("register", (BranchOwner("good_enough", True),))) == Fail(
        "step 'register' never started: the execution ended Failed: step 'other' failed: AlgorithmError: boom"
    )


def test_step_in_a_nested_branch():
    """In nested branches the first that was not taken decides."""
    target = StepTarget("deploy", (BranchOwner("outer", False), BranchOwner("inner", True)))
    snapshot = execution(ExecutionStatus.EXECUTING, condition("outer", "False"), condition("inner", "False"))
    assert decide(snapshot, target) == Skip(
        "step 'deploy' is in the branch of 'inner' that was not taken: its outcome is False"
    )


def test_step_in_a_branch_of_a_condition_that_failed():
    """A condition that failed took no branch: its steps fail with the condition's reason."""
    snapshot = execution(ExecutionStatus.FAILED, failed("good_enough", "no such file"))
    assert decide(snapshot, StepTarget("register", (BranchOwner("good_enough", True),))) == Fail(
        "step 'register' never started: the execution ended Failed: step 'good_enough' failed: no such file"
    )


@pytest.mark.parametrize("status", RUNNING)
def test_execution_that_goes_on(status):
    """A whole execution is waited for until it is over, also when steps have failed."""
    assert decide(execution(status, failed("prepare")), ExecutionTarget()) == Wait()


def test_execution_that_succeeded():
    """An execution that succeeded succeeds."""
    assert decide(execution(ExecutionStatus.SUCCEEDED), ExecutionTarget()) == Succeed()


@pytest.mark.parametrize("status", ENDED_BADLY)
def test_execution_that_ended_badly(status):
    """Stopped, Failed and CompletedWithFailures fail, naming execution, status, failed steps and reasons."""
    snapshot = execution(status, failed("prepare"), StepSnapshot("other", StepStatus.STOPPED))
    assert decide(snapshot, ExecutionTarget()) == Fail(
        f"execution {ARN} ended {status}: step 'prepare' failed: AlgorithmError: boom"
    )
