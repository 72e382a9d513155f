"""Waiting for an execution in any mode: find the one that is meant, look at it, and end as it did."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk import XComArg

from airflow_sm_pipelines.compatibility.task_state_store import TaskStateStore
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.outcome import ExecutionTarget
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.time_limit import SENSOR_TIMEOUT, TimeLimit
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, console_of, links_of
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.tasks.connected import ConnectedTask

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

LATEST = "latest"
LATEST_IN_DATA_INTERVAL = "latest_in_data_interval"


class BasePipelineExecutionSensor(ConnectedTask, BaseSensorOperator):
    """
    Waits for something about a pipeline execution that it did not start; returns the execution's ARN.

    An execution given by its pipeline's name may not exist yet, nor need the pipeline: that is waited for. Once found,
    the sensor stays with it, even when a later one starts. Throttling and server errors are waited out in every mode.

    :param pipeline_execution_arn: the execution. Templated. Or else
    :param pipeline_name: the pipeline one of whose executions is meant. Templated.
    :param which: which one: ``"latest"``, the latest when the sensor first looks, or ``"latest_in_data_interval"``, the
        latest of those that started in the Dag run's data interval.
    :param deferrable: wait in the triggerer, without a worker. Otherwise ``mode`` says how, ``poke`` or ``reschedule``.
    :param poke_interval: seconds between two looks of a worker.
    :param waiter_delay: seconds between two looks in the triggerer, at most: they come more often at first. By default
        ``poke_interval``.
    :param log_lines: lines of a step's job log that the task's log shows.
    :param end_tasks: where the sensor ends after a wait in the triggerer. ``"auto"``: on a worker, unless it does not
        fail and nothing waits for its end: no callback, no listener. ``"worker"``, ``"triggerer"``: always there.
    :param kwargs: the connection (see :class:`~airflow_sm_pipelines.tasks.connected.ConnectedTask`), ``timeout``,
        ``soft_fail``, ``mode`` and what else Airflow's sensors take.
    :raises TranslationError: when it is not said, or said twice, which execution is meant.
    """

    template_fields: Sequence[str] = ("pipeline_execution_arn", "pipeline_name")
    operator_extra_links: Any = (SageMakerPipelineExecutionLink(),)
    ui_color = "#e6f1f2"

    def __init__(
        self,
        *,
        pipeline_execution_arn: str | XComArg | None = None,
        pipeline_name: str | None = None,
        which: str = LATEST,
        deferrable: bool = True,
        waiter_delay: float | None = None,
        log_lines: int = 20,
        end_tasks: str = "auto",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_execution_arn: Any = pipeline_execution_arn
        self.pipeline_name = pipeline_name
        self.which = which
        self.deferrable = deferrable
        self.waiter_delay = waiter_delay
        self.log_lines = log_lines
        self.end_tasks = end_tasks
        self._looked_up: Awaited | None = None
        self._found: str | None = None
        self._told: str | None = None
        if (pipeline_execution_arn is None) == (pipeline_name is None):
            raise self.error("give either pipeline_execution_arn or pipeline_name.")
        if self.poke_interval <= 0:
            raise self.error(f"poke_interval must be greater than 0 seconds, got {self.poke_interval!r}.")
        if problem := self._wait.problem:
            raise self.error(problem)
        if which not in (LATEST, LATEST_IN_DATA_INTERVAL):
            raise self.error(f"which={which!r} is neither '{LATEST}' nor '{LATEST_IN_DATA_INTERVAL}'.")
        if which != LATEST and pipeline_name is None:
            raise self.error(f"which={which!r} chooses among a pipeline's executions. Give pipeline_name.")

    @property
    @abstractmethod
    def awaited(self) -> Awaited:
        """What the sensor waits for, as far as its arguments say it."""

    def look_up(self, hook: SageMakerPipelineHook, pipeline_execution_arn: str) -> Awaited:  # noqa: ARG002 - for steps
        """Return what the sensor waits for in an execution.

        :param hook: to ask more.
        :param pipeline_execution_arn: the execution.
        :raises PipelineExecutionError: when the execution has no such thing.
        """
        return self.awaited

    @property
    def _wait(self) -> WaitSettings:
        delay = self.poke_interval if self.waiter_delay is None else self.waiter_delay
        return WaitSettings(delay, log_lines=self.log_lines, stop_on_kill=False, end_tasks=self.end_tasks)

    def execute(self, context: Context) -> Any:
        """Look once, and then wait as asked.

        :param context: Airflow's.
        """
        if not self.deferrable:
            return super().execute(context)
        return self._begin(context)

    def _begin(self, context: Context) -> Any:
        seen = self.poke(context)
        return seen.xcom_value if isinstance(seen, PokeReturnValue) else self._defer(context)

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Look once.

        :param context: Airflow's.
        :raises PipelineExecutionError: when what is waited for did not work, or will never be.
        :raises AirflowSkipException: when it was never to be; with ``soft_fail`` also when it failed.
        """
        try:
            arn = self._execution(context)
            if arn is None:
                self._tell(f"Pipeline '{self.pipeline_name}' has no such execution yet: waiting for one")
                return False
            return self._look(context, arn)
        except SageMakerServiceError as error:
            if not error.retryable:
                self._fail(str(error))
            self.log.warning("SageMaker is unavailable, retrying: %s", error)
            return False

    def _look(self, context: Context, arn: str) -> bool | PokeReturnValue:
        from airflow_sm_pipelines.tasks.finish import finish

        snapshot = self.ask(lambda hook: hook.snapshot(arn))
        try:
            awaited = self._looked_up = self._looked_up or self.ask(lambda hook: self.look_up(hook, arn))
        except SageMakerServiceError:
            raise
        except PipelineExecutionError as error:
            awaited = self.awaited
            ending: Ending | None = replace(awaited.failure(str(error)), snapshot=snapshot)
        else:
            ending = awaited.ending(snapshot)
        self._tell(_description(snapshot, awaited))
        if ending is None:
            self.link_addresses = links_of(console_of(self.hook), snapshot, awaited.step(snapshot))
            return False
        return PokeReturnValue(is_done=True, xcom_value=finish(self, context, ending, self.log_lines))

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Look once more, on a worker, and end as is seen then.

        :param context: Airflow's.
        :param event: what the trigger said; only for the ARN, and for what was not seen.
        """
        from airflow_sm_pipelines.tasks.finish import is_left_over, raise_end, timed_out

        if is_left_over(event, context):
            return self._begin(context)
        if (ending := timed_out(self.awaited, event)) is not None:
            raise_end(ending)
        self._found = event["pipeline_execution_arn"]
        if self._found is None:
            self._fail(event["reason"])
        return self._begin(context)  # It may have been resumed meanwhile, or the service be unavailable.

    def _defer(self, context: Context) -> NoReturn:
        started_from, started_before = self._interval(context)
        self.defer_to_trigger(
            self.awaited,
            self._wait,
            limit=TimeLimit(SENSOR_TIMEOUT, self.timeout, time.time() + self.timeout),
            timeout=timedelta(seconds=self.timeout),
            pipeline_execution_arn=self._found or self.pipeline_execution_arn,
            pipeline_name=self.pipeline_name,
            started_from=None if started_from is None else started_from.isoformat(),
            started_before=None if started_before is None else started_before.isoformat(),
        )

    def _execution(self, context: Context) -> str | None:
        """The execution that is meant; ``None`` while there is none."""
        if self.pipeline_execution_arn is not None:
            try:
                return str(PipelineExecutionArn.parse(self.pipeline_execution_arn))
            except PipelineExecutionError as error:
                self._fail(str(error))
        if self.pipeline_name is None:
            self._fail("pipeline_execution_arn is None: the task it comes from left no ARN")
        if self._found is None:
            # Each poke is a separate process in this mode, so what the first one found is kept for the others.
            memory = TaskStateStore(context) if self.reschedule else None
            key = f"execution of try {context['ti'].try_number}" if memory is not None else ""
            self._found = None if memory is None else memory.get(key)
            if self._found is None:
                self._found = self._find(context)
                if memory is not None and self._found is not None:
                    memory.set(key, self._found)
        return self._found

    def _find(self, context: Context) -> str | None:
        from airflow_sm_pipelines.hooks.selection import latest_execution

        started_from, started_before = self._interval(context)
        name = str(self.pipeline_name)
        # Before it is looked for: what starts between the two is found.
        interval_is_over = started_before is not None and datetime.now(timezone.utc) >= started_before
        found = self.ask(lambda hook: latest_execution(hook, name, started_from, started_before))
        if found is None and interval_is_over:
            self._fail(
                f"no execution of pipeline '{name}' started in the data interval from {started_from} to "
                f"{started_before}, and none can any more"
            )
        return found

    def _interval(self, context: Context) -> tuple[datetime | None, datetime | None]:
        if self.which == LATEST:
            return None, None
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        if start is None or end is None or start >= end:
            self._fail(
                f"which='{LATEST_IN_DATA_INTERVAL}' needs a Dag run with a data interval, and this one has "
                f"{'none' if start is None else f'an empty one at {start}'}. Give the Dag a schedule with data "
                "intervals, such as CronDataIntervalTimetable"
            )
        return start, end

    def _fail(self, reason: str) -> NoReturn:
        """Fail for good, or skip where the sensor was told to."""
        from airflow_sm_pipelines.tasks.finish import raise_end

        raise_end(self.awaited.failure(reason, final=True))

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self.log.info("%s", line)


class SageMakerPipelineExecutionSensor(BasePipelineExecutionSensor):
    """
    Waits until a pipeline execution is over; succeeds when it Succeeded, and returns its ARN.

    Fails when it ended Failed, Stopped or CompletedWithFailures, with the failed steps and their reasons. Does not
    start, stop or resume anything.

    :param kwargs: which execution, and how to wait; see :class:`BasePipelineExecutionSensor`.
    """

    custom_operator_name = "Execution sensor"

    @property
    def awaited(self) -> Awaited:
        """What the sensor waits for."""
        return Awaited(ExecutionTarget(), skip_on_failure=self.soft_fail or self.never_fail)


def _description(snapshot: ExecutionSnapshot, awaited: Awaited) -> str:
    """Return the text of a look."""
    name, step = awaited.step_name, awaited.step(snapshot)
    if name is None:
        running = [f"'{each}'" for each, step in snapshot.steps.items() if not step.status.is_terminal]
        return f"Execution {snapshot.arn} is {snapshot.status}" + (f", running {', '.join(running)}" if running else "")
    if step is None:
        return f"Step '{name}' of {snapshot.arn} has not started; the execution is {snapshot.status}"
    return f"Step '{name}' of {snapshot.arn} is {step.status}"
