"""Ending a task in the triggerer, as :mod:`airflow_sm_pipelines.execution.ending` says."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable
from logging import Logger
from typing import Any, Final

from airflow_sm_pipelines.compatibility.triggerer import push_xcoms, skipping_xcom
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.ending import Ending
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.step_results import step_result
from airflow_sm_pipelines.hooks.success import SuccessReport, success_report, without_details
from airflow_sm_pipelines.links.console import Console
from airflow_sm_pipelines.links.sagemaker import console_of, link_xcoms, links_of
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.triggers.connections import SharedConnection

LONGEST_REPORT: Final = 20.0
"""How long the end of a task that succeeds waits for what its log tells of the job, in seconds."""


class LinkPusher:
    """Pushes the links of a trigger's task as they become known, each once.

    Without a task instance, as in ``dag.test()``, which resumes the task on a worker, nothing is pushed.

    :param task_instance: the trigger's ``task_instance``.
    :param connection: over which the execution is looked at.
    """

    def __init__(self, task_instance: Any, connection: SharedConnection) -> None:
        self._task_instance = task_instance
        self._connection = connection
        self._console: Console | None = None
        self._pushed: dict[str, str] = {}

    async def of_execution(self, pipeline_execution_arn: str) -> dict[str, str]:
        """Return the XComs for the links to an execution.

        :param pipeline_execution_arn: the execution.
        """
        return link_xcoms(await self._who_shows(), pipeline_execution_arn)

    async def push(self, snapshot: ExecutionSnapshot, step: StepSnapshot | None) -> None:
        """Push the links that are new.

        :param snapshot: the execution.
        :param step: the step, when it has started.
        """
        if self._task_instance is None:
            return
        links = links_of(await self._who_shows(), snapshot, step)
        await push_xcoms(
            self._task_instance, {key: link for key, link in links.items() if self._pushed.get(key) != link}
        )
        self._pushed.update(links)

    async def _who_shows(self) -> Console:
        if self._console is None:
            self._console = await self._connection.run(console_of)
        return self._console


async def finish(
    task_instance: Any,
    connection: SharedConnection,
    ending: Ending,
    wait: WaitSettings,
    *,
    log: Logger | Any,
    on_trouble: Callable[[SageMakerServiceError], None],
) -> Ending:
    """Do what else a worker would do for the end of a task: its XComs, and the last words in its log.

    :param task_instance: the trigger's ``task_instance``.
    :param connection: where results are asked for.
    :param ending: how the task ends.
    :param wait: how long to wait while the service is unavailable, and how much of a log to show.
    :param log: the task's log.
    :param on_trouble: told of each failure of the service that is not final.
    :return: how it ends after all: a success whose results cannot be had is none.
    """
    xcoms: dict[str, Any] = ending.secrets.hide(ending.xcoms)
    step = ending.step
    if step is not None:
        collect = functools.partial(step_result, ending=ending, step=step)
        try:
            result = await connection.persist(collect, Pace(wait.waiter_delay), on_trouble)
        except PipelineExecutionError as error:
            ending = ending.failed_with(str(error))
        else:
            _tell_all(log.warning, ending.secrets.hide(result.log_lines()))
            _tell_all(log.info, ending.secrets.hide(result.cache_lines()))
            xcoms.update(ending.secrets.hide(result.xcoms()))
    if ending.state == "success":
        success = await _success_report(connection, ending, wait.log_lines)
        _tell_all(log.info, ending.secrets.hide(success.lines))
        xcoms.update(ending.secrets.hide(success.xcoms))
        if ending.awaited.skipped_task_ids:
            # Also where this outcome skips nothing: what an earlier try left is still there.
            xcoms.update(skipping_xcom(ending.skipped_task_ids))
        if ending.return_value is not None:
            xcoms["return_value"] = ending.return_value
    elif ending.state == "skipped":
        log.info("Skipping: %s", ending.reason)
    else:
        log.error("%s", ending.reason)
    await push_xcoms(task_instance, xcoms)
    for reported in ending.reported:
        report = functools.partial(_report, step=reported, lines=wait.log_lines)
        _tell_all(log.error, ending.secrets.hide(await connection.run(report)))
    return ending


async def _success_report(connection: SharedConnection, ending: Ending, log_lines: int) -> SuccessReport:
    """What to tell of a success. It is not held up for long by that."""
    asking = connection.run(lambda hook: success_report(hook, ending, log_lines))
    try:
        return await asyncio.wait_for(asking, LONGEST_REPORT)
    except asyncio.TimeoutError:
        took = f"it took longer than {LONGEST_REPORT:.0f} s"
        return without_details(ending, f"The rest of the report on the step is left out: {took}")


def _tell_all(tell: Callable[..., None], lines: Iterable[str]) -> None:
    for line in lines:
        tell("%s", line)


def _report(hook: SageMakerPipelineHook, step: StepSnapshot, lines: int) -> list[str]:
    return hook.failure_report(step, lines)
