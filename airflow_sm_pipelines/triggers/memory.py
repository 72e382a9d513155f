"""How an earlier try of a step's task ended, kept from one try to the next.

A step that failed is still listed as failed when its task is tried again. Only who remembers that an earlier try ended
with just this failure can tell it from a new one. The memory is an XCom of the *launch* task: the XComs of a task are
cleared when a worker starts a new try of it, and those of the launch task when a new execution is launched, which is
when there is nothing to remember any more.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.resume import failure_identity
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.links.sagemaker import link_xcoms


@dataclass(frozen=True)
class TryEnd:
    """How a try ended badly.

    :param try_number: which try.
    :param failure: the identity of the failure it ended with, as
        :func:`~airflow_sm_pipelines.execution.resume.failure_identity` gives it.
    :param stopped_execution: the ARN of the execution that was stopped because a person failed the task.
    """

    try_number: int
    failure: str | None = None
    stopped_execution: str | None = None

    def explains(self, snapshot: ExecutionSnapshot, target: StepTarget) -> bool:
        """Whether a failure seen now is what this try ended with.

        :param snapshot: the execution, in which the target failed.
        :param target: the step.
        """
        if self.failure is not None and self.failure == failure_identity(snapshot, target.name):
            return True
        step = snapshot.steps.get(target.name)
        stopped = snapshot.status is ExecutionStatus.STOPPED if step is None else step.status is StepStatus.STOPPED
        return stopped and self.stopped_execution == str(snapshot.arn)


class TaskMemory:
    """The memory of one task over its tries. Without a task instance, as in ``dag.test()``, there is none.

    :param task_instance: the trigger's ``task_instance``.
    :param launch_task_id: the full id of the task that keeps it.
    """

    def __init__(self, task_instance: Any, launch_task_id: str | None) -> None:
        self._task_instance = task_instance
        self._launch_task_id = launch_task_id

    async def last_end(self) -> TryEnd | None:
        """How the last try ended that ended badly and told so; also the one that is running, if it told already."""
        if not self._works:
            return None
        from airflow.sdk.execution_time.xcom import XCom

        kept = await XCom.aget_one(**self._place)
        return None if kept is None else TryEnd(**kept)

    async def keep(self, end: TryEnd) -> None:
        """Remember how a try ended.

        :param end: how it ended. One without a failure of its own, such as a try that was not allowed to resume, leaves
            what was known of earlier ones: for the next try that is still history.
        """
        if not self._works:
            return
        from airflow.sdk.execution_time.xcom import XCom

        if end.failure is None and (known := await self.last_end()) is not None:
            stopped = end.stopped_execution or known.stopped_execution
            end = replace(end, failure=known.failure, stopped_execution=stopped)
        await XCom.aset(value=asdict(end), **self._place)

    async def keep_execution(self, pipeline_execution_arn: str) -> None:
        """Make the launch task's ARN be another one: every task of the run follows that from its next start on.

        :param pipeline_execution_arn: the execution that was started instead.
        """
        if not self._works:
            return
        from airflow.sdk.execution_time.xcom import XCom

        for key, value in {"return_value": pipeline_execution_arn, **link_xcoms(pipeline_execution_arn)}.items():
            await XCom.aset(value=value, **{**self._place, "key": key})

    @property
    def try_number(self) -> int:
        """The number of the try that is running; 1 where nobody counts."""
        return int(self._task_instance.try_number) if self._works else 1

    @property
    def _works(self) -> bool:
        return self._task_instance is not None and self._launch_task_id is not None

    @property
    def _place(self) -> dict[str, Any]:
        return {
            "key": f"ended__{self._task_instance.task_id}",
            "dag_id": self._task_instance.dag_id,
            "task_id": self._launch_task_id,
            "run_id": self._task_instance.run_id,
            "map_index": -1,
        }
