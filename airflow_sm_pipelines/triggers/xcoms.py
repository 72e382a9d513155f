"""XComs from a trigger, which has no worker to push them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.bases.skipmixin import XCOM_SKIPMIXIN_KEY, XCOM_SKIPMIXIN_SKIPPED

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.links.sagemaker import link_xcoms


class XComPusher:
    """Pushes XComs for the task instance of a trigger; does nothing where the trigger has none.

    That is so in ``dag.test()``, which runs the trigger without a task instance and then resumes the task.
    The XComs of an end event are no way: their values arrive JSON-encoded twice (Airflow 3.3.2).

    :param task_instance: the trigger's ``task_instance``.
    """

    def __init__(self, task_instance: Any) -> None:
        self._task_instance = task_instance
        self._links: dict[str, str] = {}

    async def push(self, xcoms: Mapping[str, Any]) -> None:
        """Push values by their keys.

        :param xcoms: the values; JSON.
        """
        if self._task_instance is None:
            return
        # Late: the class depends on [core] xcom_backend.
        from airflow.sdk.execution_time.xcom import XCom

        for key, value in xcoms.items():
            await XCom.aset(
                key=key,
                value=value,
                dag_id=self._task_instance.dag_id,
                task_id=self._task_instance.task_id,
                run_id=self._task_instance.run_id,
                map_index=self._task_instance.map_index,
            )

    async def push_links(self, snapshot: ExecutionSnapshot, step: StepSnapshot | None) -> None:
        """Push the extra links that are known by now and were not pushed before.

        :param snapshot: the execution.
        :param step: the step, when it has started.
        """
        job_arn = None if step is None else step.job_arn
        links = link_xcoms(str(snapshot.arn), job_arn, snapshot.created_by_domain)
        await self.push({key: link for key, link in links.items() if self._links.get(key) != link})
        self._links.update(links)


def branch_xcom(step: StepSnapshot, skipped_task_ids: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """The XCom by which Airflow's scheduler skips the tasks of the branch not taken.

    The scheduler's ``NotPreviouslySkippedDep`` reads it, as ``SkipMixin.skip`` writes it.

    :param step: the step, over.
    :param skipped_task_ids: for a Condition step: full ids of the direct downstream tasks to skip for
        ``"True"`` and ``"False"``. Empty for other steps.
    :return: empty for other steps, and for a Condition step that did not succeed.
    :raises PipelineExecutionError: when the step succeeded without an outcome.
    """
    if not skipped_task_ids or not step.status.is_success:
        return {}
    if step.condition_outcome is None:
        raise PipelineExecutionError(f"condition step {step.name!r} succeeded, but the service lists no outcome for it")
    return {XCOM_SKIPMIXIN_KEY: {XCOM_SKIPMIXIN_SKIPPED: list(skipped_task_ids[str(step.condition_outcome)])}}
