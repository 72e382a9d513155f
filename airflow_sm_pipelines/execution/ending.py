"""What the end of a wait does to a task.

Decided here once; carried out in two places, by :mod:`airflow_sm_pipelines.tasks.finish` on a worker and by
:mod:`airflow_sm_pipelines.triggers.finish` in the triggerer:

==========================  ===========================================================================================
the wait ended with         the task
==========================  ===========================================================================================
a success                   succeeds; a task of a Condition step skips the branch not taken
a failure, a refusal,       fails with the reason, and its log shows the ends of the failed jobs' logs; with
an unreadable result,       ``skip_on_failure`` it is skipped instead
a limit of time
a step that was never       is skipped
to run
==========================  ===========================================================================================

A step that is over leaves its results as XComs, whether it succeeded or failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile
from airflow_sm_pipelines.execution.outcome import Decision, ExecutionTarget, Fail, Skip, StepTarget, Wait, decide
from airflow_sm_pipelines.execution.pipeline_report import EXECUTION_REPORT, execution_report
from airflow_sm_pipelines.execution.quiet import State
from airflow_sm_pipelines.execution.secrets import NO_SECRETS, Secrets
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.time_limit import TimeLimit

STEPS_REPORTED: Final = 5
"""Of how many failed steps of an execution the end of the log is shown."""

NOT_STOPPED: Final = "The execution was not stopped"


@dataclass(frozen=True)
class Awaited:
    """What a task waits for, and what belongs to its end.

    :param target: the step or the execution.
    :param property_files: those of the step, whose contents become an XCom.
    :param skipped_task_ids: for a task of a Condition step: the full ids of the direct downstream tasks to skip for the
        outcomes ``"True"`` and ``"False"``. Empty for every other task.
    :param skip_on_failure: skip the task where it would fail, as ``soft_fail`` has it.
    :param returns_arn: the task returns the execution's ARN.
    :param cache_config: the ``CacheConfig`` of a step with caching on.
    :param fails_for_good: trying the task again cannot help where its step failed.
    :param spread: the property file whose members become separate XComs, too; ``None`` for none.
    """

    target: StepTarget | ExecutionTarget
    property_files: tuple[PropertyFile, ...] = ()
    skipped_task_ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    skip_on_failure: bool = False
    returns_arn: bool = True
    cache_config: Mapping[str, Any] | None = None
    fails_for_good: bool = False
    spread: str | None = None

    @classmethod
    def from_dict(cls, serialized: Mapping[str, Any]) -> Awaited:
        """Return what :meth:`to_dict` was called on.

        :param serialized: its result.
        """
        target: StepTarget | ExecutionTarget = ExecutionTarget(serialized.get("however", False))
        if serialized.get("step_name") is not None:
            branches = tuple(BranchOwner(**branch) for branch in serialized.get("branches", ()))
            elsewhere, for_each = serialized.get("started_elsewhere", False), serialized.get("for_each")
            target = StepTarget(serialized["step_name"], branches, elsewhere, for_each)
        return cls(
            target,
            tuple(map(PropertyFile.from_document, serialized.get("property_files", ()))),
            serialized.get("skipped_task_ids", {}),
            serialized.get("skip_on_failure", False),
            serialized.get("returns_arn", True),
            serialized.get("cache_config"),
            serialized.get("fails_for_good", False),
            serialized.get("spread"),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON, without what is as by default."""
        target = self.target
        step = target if isinstance(target, StepTarget) else None
        parts = {
            "step_name": step and step.name,
            "branches": step and [asdict(branch) for branch in step.branches],
            "started_elsewhere": step and step.started_elsewhere,
            "for_each": step and step.for_each,
            "however": isinstance(target, ExecutionTarget) and target.however,
            "property_files": [each.to_document() for each in self.property_files],
            "skipped_task_ids": {outcome: list(ids) for outcome, ids in self.skipped_task_ids.items()},
            "skip_on_failure": self.skip_on_failure,
            "cache_config": self.cache_config and dict(self.cache_config),
            "fails_for_good": self.fails_for_good,
            "spread": self.spread,
        }
        given = {key: value for key, value in parts.items() if value}
        return given if self.returns_arn else {**given, "returns_arn": False}

    @property
    def step_name(self) -> str | None:
        """The name of the step; ``None`` for a whole execution."""
        return self.target.name if isinstance(self.target, StepTarget) else None

    def step(self, snapshot: ExecutionSnapshot | None) -> StepSnapshot | None:
        """Return the step as it was seen; ``None`` for a whole execution, and for a step that has not started.

        :param snapshot: what was seen.
        """
        return None if snapshot is None or self.step_name is None else snapshot.steps.get(self.step_name)

    def called(self, pipeline_execution_arn: str) -> str:
        """Return what messages call it.

        :param pipeline_execution_arn: the execution.
        """
        execution = f"execution {pipeline_execution_arn}"
        return execution if self.step_name is None else f"step '{self.step_name}' of {execution}"

    def ending(self, snapshot: ExecutionSnapshot, decision: Decision | None = None) -> Ending | None:
        """Say how the task ends; ``None`` while it has to wait.

        :param snapshot: what was seen.
        :param decision: what it means, where the caller has asked :func:`~.outcome.decide` already.
        """
        decision = decide(snapshot, self.target) if decision is None else decision
        step = self.step(snapshot)
        if isinstance(decision, Wait):
            return None
        if isinstance(decision, Skip):
            return Ending(self, "skipped", decision.reason, snapshot)
        over = step if step is not None and step.status.is_terminal else None
        if isinstance(decision, Fail):
            final = self.fails_for_good and over is not None
            return replace(
                self.failure(decision.reason, final=final),
                snapshot=snapshot,
                step=over,
                reported=self._reported(snapshot, step),
            )
        skipped: tuple[str, ...] = ()
        if self.skipped_task_ids:
            outcome = None if step is None else step.condition_outcome
            if outcome is None:
                reason = f"condition step '{self.step_name}' succeeded, but the service lists no outcome for it"
                return replace(self.failure(reason), snapshot=snapshot, step=over)
            skipped = tuple(self.skipped_task_ids[str(outcome)])
        return_value = str(snapshot.arn) if self.returns_arn else None
        return Ending(self, "success", None, snapshot, over, skipped_task_ids=skipped, return_value=return_value)

    def failure(self, reason: str, *, final: bool = False) -> Ending:
        """Return the end of a task that cannot learn how its step or execution ended, or that it went wrong.

        :param reason: why.
        :param final: trying again cannot help.
        """
        return Ending(self, "skipped" if self.skip_on_failure else "failed", reason, final=final)

    def gave_up(self, limit: TimeLimit, pipeline_execution_arn: str | None, what: str, last_seen: str) -> Ending:
        """Return the end of a task whose time is over.

        :param limit: the limit.
        :param pipeline_execution_arn: the execution; ``None`` while it was looked for.
        :param what: what messages call that which was waited for.
        :param last_seen: what it was doing.
        """
        reason = limit.gave_up(what, last_seen)
        reason = reason if pipeline_execution_arn is None else f"{reason}. {NOT_STOPPED}"
        return replace(self.failure(reason), limit=limit.name)

    def _reported(self, snapshot: ExecutionSnapshot, step: StepSnapshot | None) -> tuple[StepSnapshot, ...]:
        if self.step_name is not None:
            return () if step is None else (step,)
        return (snapshot.failed_steps or snapshot.stopped_steps)[:STEPS_REPORTED]


@dataclass(frozen=True)
class Ending:
    """How a task ends.

    :param awaited: what it waited for.
    :param state: Airflow's.
    :param reason: why; ``None`` for a success.
    :param snapshot: what was seen; ``None`` where nothing was.
    :param step: the step whose results become XComs, and whose job the links lead to; it is over.
    :param reported: the failed steps whose jobs' logs the task's log shows the ends of.
    :param skipped_task_ids: the direct downstream tasks that are skipped.
    :param return_value: what the task returns.
    :param limit: the name of the limit of time that ended the wait.
    :param final: trying again cannot help.
    :param secrets: what nobody is to see of what the jobs have told.
    """

    awaited: Awaited
    state: State
    reason: str | None = None
    snapshot: ExecutionSnapshot | None = None
    step: StepSnapshot | None = None
    reported: tuple[StepSnapshot, ...] = ()
    skipped_task_ids: tuple[str, ...] = ()
    return_value: str | None = None
    limit: str | None = None
    final: bool = False
    secrets: Secrets = NO_SECRETS

    @property
    def xcoms(self) -> dict[str, Any]:
        """The XCom ``execution_report`` of a task that followed a whole execution to its end; empty for all others."""
        seen = self.snapshot
        if self.awaited.step_name is not None or seen is None or not seen.status.is_terminal:
            return {}
        return {EXECUTION_REPORT: execution_report(seen)}

    def without(self, secrets: Secrets) -> Ending:
        """Return the same end, whose reason does not tell secrets.

        :param secrets: those that the execution was started with.
        """
        return replace(self, reason=secrets.hide(self.reason), secrets=secrets)

    def failed_with(self, reason: str) -> Ending:
        """Return the end of a task whose results cannot be had.

        :param reason: why not. A failure there was before stays the reason.
        """
        if self.state != "success":
            return self
        return replace(self.awaited.failure(self.secrets.hide(reason)), snapshot=self.snapshot, secrets=self.secrets)
