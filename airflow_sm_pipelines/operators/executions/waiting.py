"""Waiting for an execution on a worker."""

from __future__ import annotations

import functools
import time
from logging import Logger
from typing import Any

from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_sm_pipelines.connection import ConnectedTask
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, Wait, decide
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.progress import ExecutionProgress
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.hooks.executions import PipelineExecutionsHook
from airflow_sm_pipelines.triggers.execution import LEFT_ALONE


def wait_on_worker(
    task: ConnectedTask,
    pipeline_execution_arn: str,
    *,
    waiter_delay: float,
    time_limit: TimeLimit | None,
    log: Logger | Any,
) -> ExecutionSnapshot:
    """Look at an execution until it is over. Throttling and server errors are waited out.

    :param task: asks AWS.
    :param pipeline_execution_arn: the execution.
    :param waiter_delay: the longest wait between two looks, in seconds.
    :param time_limit: when to give up; Airflow's ``execution_timeout`` ends the wait besides.
    :param log: the task's log.
    :raises SageMakerServiceError: when trying again cannot help; in the service's words.
    :raises PipelineExecutionError: when the time limit is over.
    :raises AirflowTaskTimeout: when the task's ``execution_timeout`` is over; says what was last seen.
    """
    progress = ExecutionProgress(log, pipeline_execution_arn)
    pace = Pace(waiter_delay)
    previous: ExecutionSnapshot | None = None
    try:
        while True:
            try:
                snapshot = task.ask(functools.partial(_look, arn=pipeline_execution_arn, previous=previous))
            except SageMakerServiceError as error:
                if not error.retryable:
                    raise
                progress.trouble(error)
                pause = pace.after_trouble()
            else:
                progress.seen(snapshot)
                if not isinstance(decide(snapshot, ExecutionTarget()), Wait):
                    return snapshot
                pause = pace.after_nothing() if snapshot == previous else pace.after_change()
                previous = snapshot
            if time_limit is not None:
                left = time_limit.at - time.time()
                if left <= 0:
                    what = f"execution {pipeline_execution_arn}"
                    raise PipelineExecutionError(f"{time_limit.gave_up(what, progress.last_seen)}. {LEFT_ALONE}")
                pause = min(pause, left)
            time.sleep(pause)
    except AirflowTaskTimeout:
        raise AirflowTaskTimeout(
            f"the task's execution_timeout is over; execution {pipeline_execution_arn} was last seen: "
            f"{progress.last_seen}. {LEFT_ALONE}"
        ) from None


def settled(
    task: ConnectedTask, pipeline_execution_arn: str, *, waiter_delay: float, log: Logger | Any
) -> ExecutionSnapshot:
    """Look at an execution. One that is stopping is waited for: it can be resumed only when it is over.

    :param task: asks AWS.
    :param pipeline_execution_arn: the execution.
    :param waiter_delay: the longest wait between two looks, in seconds.
    :param log: the task's log.
    :raises SageMakerServiceError: when trying again cannot help; in the service's words.
    """
    snapshot = task.persist(lambda hook: hook.snapshot(pipeline_execution_arn))
    if snapshot.status is not ExecutionStatus.STOPPING:
        return snapshot
    return wait_on_worker(task, pipeline_execution_arn, waiter_delay=waiter_delay, time_limit=None, log=log)


def _look(hook: PipelineExecutionsHook, arn: str, previous: ExecutionSnapshot | None) -> ExecutionSnapshot:
    return hook.snapshot(arn, previous)
