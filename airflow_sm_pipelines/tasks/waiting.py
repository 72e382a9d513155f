"""Waiting for an execution on a worker."""

from __future__ import annotations

import operator
import time
from typing import Any, Final

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_sm_pipelines.compatibility.states import heartbeat_timeout, own_run_state, own_state
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.ending import NOT_STOPPED, Awaited, Ending
from airflow_sm_pipelines.execution.killing import Kill
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.progress import progress_of
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.tasks.connected import CallingTask, raise_for_airflow

_SIGNS_OF_LIFE: Final = 4
"""How often, in the time after which Airflow takes a silent task for dead, a waiting task sees that it is alive."""


class WorkerWait:
    """One wait for an execution. Throttling and server errors are waited out.

    Airflow fails a task whose process, or that process's supervisor, stands still for too long. When it runs again it
    is killed, just as one that a person failed. So the wait asks the supervisor for the task's state now and then:
    where no answer came for as long as Airflow waits, a kill may be Airflow's own.

    :param task: asks AWS.
    :param pipeline_execution_arn: the execution.
    :param awaited: what is waited for.
    :param wait: how to wait.
    :param limit: when to give up; Airflow's ``execution_timeout`` ends the wait besides.
    :param task_instance: of the task's context; ``None`` for a wait that nobody is to tell a kill about.
    """

    def __init__(
        self,
        task: CallingTask,
        pipeline_execution_arn: str,
        awaited: Awaited,
        wait: WaitSettings,
        *,
        limit: TimeLimit | None = None,
        task_instance: Any = None,
    ) -> None:
        self._task = task
        self._arn = pipeline_execution_arn
        self._awaited = awaited
        self._wait = wait
        self._limit = limit
        self._task_instance = task_instance
        self._longest_silence = heartbeat_timeout() / _SIGNS_OF_LIFE
        self._alive_at = _clocks()
        self._asking = False

    def until_over(self) -> Ending:
        """Look at the execution until the wait is over; return how it ends the task.

        :raises AirflowFailException: when the service refuses; in its words.
        :raises AirflowTaskTimeout: when the task's ``execution_timeout`` is over; says what was last seen.
        """
        progress = progress_of(self._awaited.step_name, self._arn, self._task.log)
        pace = Pace(self._wait.waiter_delay)
        previous: ExecutionSnapshot | None = None
        try:
            while True:
                try:
                    snapshot = self._task.ask(operator.methodcaller("snapshot", self._arn, previous))
                except SageMakerServiceError as error:
                    if not error.retryable:
                        raise_for_airflow(error)
                    progress.trouble(error)
                    pause = pace.after_trouble()
                else:
                    progress.seen(snapshot)
                    if (ending := self._awaited.ending(snapshot)) is not None:
                        return ending
                    pause = pace.after_nothing() if snapshot == previous else pace.after_change()
                    previous = snapshot
                if self._limit is not None:
                    left = self._limit.at - time.time()
                    if left <= 0:
                        what = self._awaited.called(self._arn)
                        return self._awaited.gave_up(self._limit, self._arn, what, progress.last_seen)
                    pause = min(pause, left)
                self._pause(pause)
        except AirflowTaskTimeout:
            raise AirflowTaskTimeout(
                f"the task's execution_timeout has passed; {self._awaited.called(self._arn)} was last seen: "
                f"{progress.last_seen}. {NOT_STOPPED}"
            ) from None

    def _pause(self, seconds: float) -> None:
        """Wait, and see now and then that the task is alive."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, self._longest_silence))
            if self._task_instance is not None and self._silence() >= self._longest_silence:
                self._asking = True
                if own_state(self._task_instance) == "running":
                    self._alive_at = _clocks()
                self._asking = False

    def kill(self) -> Kill:
        """Return what is known about the task, which is being killed. Called in a signal handler."""
        # Less one sign of life: Airflow counts from the supervisor's last heartbeat, which came before the last sign.
        # Amid a question to the supervisor no other can be asked; the answer to it is late.
        if self._asking or self._silence() >= heartbeat_timeout() - self._longest_silence:
            return Kill(None, stood_still=True)
        state = own_state(self._task_instance)
        return Kill(state, own_run_state(self._task_instance) if state == "skipped" else None)

    def _silence(self) -> float:
        return max(now - then for now, then in zip(_clocks(), self._alive_at, strict=True))


def settled(task: CallingTask, pipeline_execution_arn: str, awaited: Awaited, wait: WaitSettings) -> ExecutionSnapshot:
    """Look at an execution. One that is stopping is waited for: it can be resumed only when it is over.

    :param task: asks AWS.
    :param pipeline_execution_arn: the execution.
    :param awaited: what is waited for.
    :param wait: how to wait.
    :raises SageMakerServiceError: when trying again cannot help; in the service's words.
    """
    snapshot = task.persist(lambda hook: hook.snapshot(pipeline_execution_arn))
    if snapshot.status is not ExecutionStatus.STOPPING:
        return snapshot
    return WorkerWait(task, pipeline_execution_arn, awaited, wait).until_over().snapshot or snapshot


def _clocks() -> tuple[float, float]:
    """Return the time of day, and the time since the machine started: it may have been asleep, or its clock set."""
    return time.time(), time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
