"""What an execution's state means for a task that waits for it.

Decided here once, for trigger, sensor, operator and user interface:

=========================================  =============================================================
seen                                       decision
=========================================  =============================================================
step Succeeded (also by a cache hit)       succeed
step Failed or Stopped                     fail, with the step's own reason
step starting, executing, stopping         wait
step in a branch that was not taken        skip
step not started, execution continues        wait
step not started, execution Succeeded      fail: the execution had no such step for this task to follow, or the
                                           ForEach step that it is a run of failed before
step not started, execution ended badly    fail, naming the step that ended the execution
execution Succeeded                        succeed
execution Failed, Stopped,                 fail, naming the failed steps
CompletedWithFailures
execution executing, stopping              wait
=========================================  =============================================================
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus


@dataclass(frozen=True)
class Wait:
    """Nothing is decided yet."""


@dataclass(frozen=True)
class Succeed:
    """The target is over and worked."""


@dataclass(frozen=True)
class Fail:
    """The target is over and did not work, or will never run although it should have.

    :param reason: one sentence for the task's log.
    """

    reason: str


@dataclass(frozen=True)
class Skip:
    """The step was never to run.

    :param reason: one sentence for the task's log.
    """

    reason: str


Decision = Wait | Succeed | Fail | Skip


@dataclass(frozen=True)
class StepTarget:
    """Waiting for one step.

    :param name: the step's name in the definition.
    :param branches: the branches that hold the step, outermost first. Without them a step of a branch not
        taken is skipped when the execution succeeds, but fails when it ends badly.
    :param started_elsewhere: the execution is not one that the Dag's own launch task started. Used only in
        the failure message.
    :param for_each: the ForEach step that the step is a run of; ``None`` for none. It may have failed before this run
        was to start, while the execution went on and succeeded.
    """

    name: str
    branches: tuple[BranchOwner, ...] = ()
    started_elsewhere: bool = False
    for_each: str | None = None


@dataclass(frozen=True)
class ExecutionTarget:
    """Waiting for the whole execution.

    :param however: an execution that is over is a success, however it ended.
    """

    however: bool = False


def decide(snapshot: ExecutionSnapshot, target: StepTarget | ExecutionTarget) -> Decision:
    """Say what a snapshot means for a target.

    Does not know about earlier attempts: whether a failure is old news is the caller's to tell.

    :param snapshot: what was seen.
    :param target: what is waited for.
    """
    if isinstance(target, ExecutionTarget):
        return _decide_execution(snapshot, target)
    step = snapshot.steps.get(target.name)
    if step is None:
        return _decide_absent_step(snapshot, target)
    if not step.status.is_terminal:
        return Wait()
    return Succeed() if step.status.is_success else Fail(_ending(step))


def _decide_execution(snapshot: ExecutionSnapshot, target: ExecutionTarget) -> Decision:
    if not snapshot.status.is_terminal:
        return Wait()
    if snapshot.status.is_success or target.however:
        return Succeed()
    return Fail(f"execution {snapshot.arn} ended {snapshot.status}: {_causes(snapshot)}")


def _decide_absent_step(snapshot: ExecutionSnapshot, target: StepTarget) -> Decision:
    for branch in target.branches:
        condition = snapshot.steps.get(branch.condition)
        outcome = None if condition is None else condition.condition_outcome
        if outcome is not None and outcome is not branch.outcome:
            return Skip(
                f"step '{target.name}' is in the branch of '{branch.condition}' that was not taken: "
                f"its outcome is {outcome}"
            )
    if not snapshot.status.is_terminal:
        return Wait()
    if snapshot.status.is_success and target.started_elsewhere:
        return Fail(
            f"step '{target.name}' never started: execution {snapshot.arn} Succeeded without it. A selective execution "
            "runs only the selected steps, and a step can also wait for a failure that did not happen"
        )
    for_each = None if target.for_each is None else snapshot.steps.get(target.for_each)
    if snapshot.status.is_success and for_each is not None and not for_each.status.is_success:
        return Fail(f"step '{target.name}' never started: {_ending(for_each)}")
    if snapshot.status.is_success:
        # Airflow starts a task only where its step is to run, so this is another definition than the Dag's.
        return Fail(
            f"step '{target.name}' never started although the execution succeeded: its definition has no such step, or "
            "does not run it here. Clear the launch task to start an execution of the Dag as it is now"
        )
    return Fail(f"step '{target.name}' never started: the execution ended {snapshot.status}: {_causes(snapshot)}")


def _causes(snapshot: ExecutionSnapshot) -> str:
    steps = snapshot.failed_steps or snapshot.stopped_steps
    if steps:
        return "; ".join(_ending(step) for step in steps)
    if snapshot.failure_reason:
        return snapshot.failure_reason
    if snapshot.status is ExecutionStatus.STOPPED:
        return "it was stopped"
    return "the service gives no reason and lists no failed step"


def _ending(step: StepSnapshot) -> str:
    what = "was stopped" if step.status is StepStatus.STOPPED else "failed"
    return f"step '{step.name}' {what}" + (f": {step.reason}" if step.reason else "")
