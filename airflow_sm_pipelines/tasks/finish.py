"""Ending a task on a worker, as :mod:`airflow_sm_pipelines.execution.ending` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    SkipMixin,
)

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.report import STEP_REPORT
from airflow_sm_pipelines.execution.time_limit import EXECUTION_TIMEOUT, SENSOR_TIMEOUT
from airflow_sm_pipelines.links.sagemaker import console_of, links_of
from airflow_sm_pipelines.tasks.connected import CallingTask

if TYPE_CHECKING:
    from airflow.sdk import Context

_TIMEOUTS: Final[Mapping[str, type[BaseException]]] = {
    EXECUTION_TIMEOUT: AirflowTaskTimeout,
    SENSOR_TIMEOUT: AirflowSensorTimeout,
}
"""Airflow's own exceptions, for Airflow's own limits."""


def end_after_trigger(
    task: CallingTask, context: Context, awaited: Awaited, pipeline_execution_arn: str, *, event: Any, log_lines: int
) -> str | None:
    """End a task whose trigger did not end it: look once more, and end as is seen then.

    :param task: the task.
    :param context: Airflow's.
    :param awaited: what it waited for.
    :param pipeline_execution_arn: the execution.
    :param event: what the trigger said. It decides for a limit of time and where there is no execution; it gives the
        reason of a failure.
    :param log_lines: lines of a step's job log that the task's log shows.
    :return: what the task returns.
    :raises Exception: as :func:`finish` does.
    """
    ending = timed_out(awaited, event) or _nothing_to_look_at(awaited, event)
    if ending is None:
        snapshot = task.act(lambda hook: hook.snapshot(pipeline_execution_arn))
        what = f"{awaited.called(pipeline_execution_arn)} has not ended (execution {snapshot.status})"
        not_over = awaited.failure(f"{what}, although its trigger ended. Clear the task to follow it again.")
        ending = awaited.ending(snapshot) or replace(not_over, snapshot=snapshot)
        reason = event.get("reason") if isinstance(event, Mapping) else None
        if reason and ending.state == "failed":
            # The trigger knows more: why an execution was not resumed, or why it gave up on one that is not over.
            ending = replace(ending, reason=reason)
    return finish(task, context, ending, log_lines)


def is_left_over(event: Any, context: Context) -> bool:
    """Whether an event is that of an earlier try, so that this one has to begin.

    Airflow 3.0 resumes every try of a task with what its first try was resumed with.

    :param event: what the trigger said.
    :param context: Airflow's.
    """
    try_number = event.get("try_number") if isinstance(event, Mapping) else None
    return try_number is not None and try_number < context["ti"].try_number


def timed_out(awaited: Awaited, event: Any) -> Ending | None:
    """Return the end of a task whose trigger says that the time is over.

    :param awaited: what it waited for.
    :param event: what the trigger said.
    """
    if not isinstance(event, Mapping) or event.get("status") != "timeout":
        return None
    return replace(awaited.failure(event["reason"]), limit=event["limit"])


def _nothing_to_look_at(awaited: Awaited, event: Any) -> Ending | None:
    """Return the end of a task whose trigger found no execution."""
    if not isinstance(event, Mapping) or event["pipeline_execution_arn"] not in (None, "", "None"):
        return None
    return (
        Ending(awaited, "skipped", event["reason"])
        if event["status"] == "skipped"
        else awaited.failure(event["reason"])
    )


def finish(task: Any, context: Context, ending: Ending, log_lines: int) -> str | None:
    """End a task.

    :param task: a :class:`~airflow_sm_pipelines.tasks.connected.CallingTask`.
    :param context: Airflow's.
    :param ending: how it ends.
    :param log_lines: lines of a step's job log that the task's log shows.
    :return: what the task returns, when it succeeds.
    :raises AirflowSkipException: when it is skipped.
    :raises PipelineExecutionError: when it fails; Airflow honours the task's retries. Where trying again cannot help it
        is an ``AirflowFailException``, and for a limit of time that is Airflow's own, Airflow's exception.
    :raises SageMakerServiceError: when the service stays unavailable.
    """
    if ending.snapshot is None:
        task.link_addresses = task.link_addresses or _links_so_far(task, context)
    else:
        task.link_addresses = links_of(console_of(task.hook), ending.snapshot, ending.awaited.step(ending.snapshot))
        arn, masked = str(ending.snapshot.arn), task.masked_values(context)
        ending = ending.without(task.act(lambda hook: hook.execution_secrets(arn, masked)))
    for key, value in ending.secrets.hide(ending.xcoms).items():
        context["ti"].xcom_push(key=key, value=value)
    ending = _push_results(task, context, ending)
    for step in ending.reported:
        for line in task.hook.failure_report(step, log_lines):
            task.log.error("%s", ending.secrets.hide(line))
    if ending.state != "success":
        raise_end(ending)
    _tell_success(task, context, ending, log_lines)
    if ending.awaited.skipped_task_ids:
        # Airflow learns by an exception, so nothing can come after it.
        skipper: SkipMixin = task
        skipper.skip(context["ti"], [each for each in task.downstream_list if each.task_id in ending.skipped_task_ids])
    return ending.return_value


def _links_so_far(task: CallingTask, context: Context) -> dict[str, str]:
    """Return the links that the trigger has pushed: Airflow overwrites them by what the task says in the end."""
    instance = context["ti"]
    map_index = -1 if instance.map_index is None else instance.map_index
    found = {
        link.xcom_key: instance.xcom_pull(task.task_id, key=link.xcom_key, map_indexes=map_index)
        for link in task.operator_extra_links
    }
    return {key: address for key, address in found.items() if address}


def _push_results(task: CallingTask, context: Context, ending: Ending) -> Ending:
    from airflow_sm_pipelines.hooks.step_results import step_result

    step = ending.step
    if step is None:
        return ending
    try:
        result = task.persist(lambda hook: step_result(hook, ending, step))
    except PipelineExecutionError as error:
        if isinstance(error, SageMakerServiceError) and error.retryable:
            raise
        return ending.failed_with(str(error))
    for line in result.log_lines():
        task.log.warning("%s", ending.secrets.hide(line))
    for line in result.cache_lines():
        task.log.info("%s", ending.secrets.hide(line))
    xcoms = ending.secrets.hide(result.xcoms())
    for key, value in xcoms.items():
        context["ti"].xcom_push(key=key, value=value)
    task.take_report(xcoms[STEP_REPORT])
    return ending


def _tell_success(task: CallingTask, context: Context, ending: Ending, log_lines: int) -> None:
    from airflow_sm_pipelines.hooks.success import success_report

    report = success_report(task.hook, ending, log_lines)
    for line in ending.secrets.hide(report.lines):
        task.log.info("%s", line)
    for key, value in ending.secrets.hide(report.xcoms).items():
        context["ti"].xcom_push(key=key, value=value)


def raise_end(ending: Ending) -> NoReturn:
    """Raise what ends a task so.

    :param ending: how; no success.
    :raises Exception: as :func:`finish` does.
    """
    if ending.state == "skipped":
        exception: type[BaseException] = AirflowSkipException
    elif ending.limit is not None and ending.limit in _TIMEOUTS:
        exception = _TIMEOUTS[ending.limit]
    else:
        exception = AirflowFailException if ending.final else PipelineExecutionError
    raise exception(ending.reason) from None
