from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, StepTarget
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.execution.time_limit import TimeLimit

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
ENDED = datetime(2026, 1, 1, tzinfo=timezone.utc)


def seen(status: ExecutionStatus, *steps: StepSnapshot) -> ExecutionSnapshot:
    return ExecutionSnapshot(PipelineExecutionArn.parse(ARN), status, {step.name: step for step in steps})


def failed(name: str, minute: int = 0) -> StepSnapshot:
    return StepSnapshot(name, StepStatus.FAILED, end_time=ENDED + timedelta(minutes=minute), failure_reason="boom")


EXECUTION = Awaited(ExecutionTarget())
STEP = Awaited(StepTarget("train"), (PropertyFile("m", "o", "m.json"),), returns_arn=False)


def test_a_wait_that_is_not_over():
    """Nothing ends while the step, or the execution, goes on."""
    running = seen(ExecutionStatus.EXECUTING, StepSnapshot("train", StepStatus.EXECUTING))
    assert [awaited.ending(running) for awaited in (EXECUTION, STEP)] == [None, None]


def test_a_success():
    """A step leaves its results; a task about an execution returns the ARN."""
    train = StepSnapshot("train", StepStatus.SUCCEEDED)
    over = seen(ExecutionStatus.SUCCEEDED, train)
    assert STEP.ending(over) == Ending(STEP, "success", None, over, train)
    assert EXECUTION.ending(over) == Ending(EXECUTION, "success", None, over, return_value=ARN)


@pytest.mark.parametrize(("soft", "state"), [(False, "failed"), (True, "skipped")])
def test_a_failed_step(soft, state):
    """The reason is the step's, the end of its job's log is shown, and it leaves results, too; soft_fail skips."""
    awaited = Awaited(StepTarget("train"), skip_on_failure=soft)
    train = failed("train")
    over = seen(ExecutionStatus.EXECUTING, train)
    assert awaited.ending(over) == Ending(awaited, state, "step 'train' failed: boom", over, train, (train,))


def test_a_failed_execution():
    """At most five failed steps are reported, the first to end first."""
    steps = [failed(f"s{number}", -number) for number in range(7)]
    ending = EXECUTION.ending(seen(ExecutionStatus.FAILED, *steps))
    assert ending is not None
    assert [step.name for step in ending.reported] == ["s6", "s5", "s4", "s3", "s2"]
    assert (ending.state, ending.step, ending.return_value) == ("failed", None, None)


def test_however_it_ended():
    """A task that stops an execution succeeds when it is over."""
    awaited = Awaited(ExecutionTarget(however=True))
    over = seen(ExecutionStatus.STOPPED)
    assert awaited.ending(over) == Ending(awaited, "success", None, over, return_value=ARN)


def test_a_branch_not_taken():
    """A step that is not to run is skipped, whatever soft_fail says."""
    awaited = Awaited(StepTarget("train", (BranchOwner("good", True),)))
    over = seen(
        ExecutionStatus.EXECUTING,
        StepSnapshot("good", StepStatus.SUCCEEDED, metadata={"Condition": {"Outcome": "False"}}),
    )
    reason = "step 'train' is in the branch of 'good' that was not taken: its outcome is False"
    assert awaited.ending(over) == Ending(awaited, "skipped", reason, over)


@pytest.mark.parametrize(("outcome", "skipped"), [("True", ("reject",)), ("False", ("register",))])
def test_a_condition(outcome, skipped):
    """A condition's task skips what the outcome does not lead to."""
    awaited = Awaited(StepTarget("good"), skipped_task_ids={"True": ["reject"], "False": ["register"]})
    good = StepSnapshot("good", StepStatus.SUCCEEDED, metadata={"Condition": {"Outcome": outcome}})
    ending = awaited.ending(seen(ExecutionStatus.EXECUTING, good))
    assert ending is not None
    assert (ending.state, ending.skipped_task_ids) == ("success", skipped)


def test_a_condition_without_an_outcome():
    """No branch is taken by default."""
    awaited = Awaited(StepTarget("good"), skipped_task_ids={"True": [], "False": ["register"]})
    ending = awaited.ending(seen(ExecutionStatus.EXECUTING, StepSnapshot("good", StepStatus.SUCCEEDED)))
    assert ending is not None
    assert (ending.state, ending.reason) == (
        "failed",
        "condition step 'good' succeeded, but the service lists no outcome for it",
    )


def test_results_that_cannot_be_had():
    """They turn a success into a failure; a failure keeps its own reason."""
    train = StepSnapshot("train", StepStatus.SUCCEEDED)
    over = seen(ExecutionStatus.SUCCEEDED, train)
    assert Ending(STEP, "success", None, over, train).failed_with("no file") == Ending(STEP, "failed", "no file", over)
    bad = Ending(STEP, "failed", "boom", over, train)
    assert bad.failed_with("no file") is bad


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        (ARN, "gave up on it after 60 seconds (timeout); last seen: Executing. The execution was not stopped"),
        (None, "gave up on it after 60 seconds (timeout); last seen: Executing"),
    ],
)
def test_giving_up(arn, reason):
    """The message names the limit and what was last seen, and says that nothing was stopped where there is something."""
    limit = TimeLimit("timeout", 60, 0)
    assert STEP.gave_up(limit, arn, "it", "Executing") == Ending(STEP, "failed", reason, limit="timeout")


@pytest.mark.parametrize(
    "awaited",
    [
        EXECUTION,
        STEP,
        Awaited(ExecutionTarget(however=True), skip_on_failure=True),
        Awaited(
            StepTarget("train", (BranchOwner("a", True), BranchOwner("b", False)), started_elsewhere=True),
            skipped_task_ids={"True": ["x"], "False": []},
        ),
        Awaited(StepTarget("train-1", for_each="train-for-each")),
    ],
)
def test_serialised_and_made_again(awaited):
    """What is awaited comes back from its JSON."""
    assert Awaited.from_dict(awaited.to_dict()) == awaited
