"""What the sensors do: find the execution that is meant, look at it, and end as it did, in any mode."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import XComArg
from airflow.sdk.bases.sensor import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

from airflow_sm_pipelines.connection import ConnectedTask
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import Decision, Fail, Skip, Wait
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.time_limit import TimeLimit, earliest
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink, link_xcoms

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

LATEST = "latest"
LATEST_IN_DATA_INTERVAL = "latest_in_data_interval"

#: How much later than our own trigger Airflow may end a deferred sensor: it cannot say what was last seen.
_AIRFLOW_LATER = timedelta(minutes=5)


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
    :param poke_interval: seconds between two looks; in the triggerer at most, where they come more often at first.
    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    :param kwargs: ``timeout``, ``soft_fail``, ``mode`` and what else Airflow's sensors take.
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
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_execution_arn: Any = pipeline_execution_arn
        self.pipeline_name = pipeline_name
        self.which = which
        self.deferrable = deferrable
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.link_addresses: dict[str, str] = {}
        self._found: str | None = None
        self._told: str | None = None
        if (pipeline_execution_arn is None) == (pipeline_name is None):
            raise self.error("give pipeline_execution_arn or pipeline_name, one of them.")
        if self.poke_interval <= 0:
            raise self.error(f"poke_interval={self.poke_interval!r} is no number of seconds above 0.")
        if which not in (LATEST, LATEST_IN_DATA_INTERVAL):
            raise self.error(f"which={which!r} is neither '{LATEST}' nor '{LATEST_IN_DATA_INTERVAL}'.")
        if which != LATEST and pipeline_name is None:
            raise self.error(f"which={which!r} chooses among a pipeline's executions. Give pipeline_name.")

    @abstractmethod
    def decide(self, hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> Decision:
        """Say what a look at the execution means for this sensor.

        :param hook: to ask more.
        :param snapshot: what was seen.
        """

    def trigger_arguments(self) -> dict[str, Any]:
        """Return further arguments of the trigger. None by default."""
        return {}

    def finish(self, context: Context, snapshot: ExecutionSnapshot) -> None:
        """Do what there is to do before the sensor succeeds. Nothing by default.

        :param context: Airflow's.
        :param snapshot: what was seen.
        """

    def describe(self, snapshot: ExecutionSnapshot) -> str:
        """Return what a look is told as.

        :param snapshot: what was seen.
        """
        running = [f"'{name}'" for name, step in snapshot.steps.items() if not step.status.is_terminal]
        return f"Execution {snapshot.arn} is {snapshot.status}" + (f", running {', '.join(running)}" if running else "")

    def report(self, snapshot: ExecutionSnapshot) -> None:
        """Tell the log more about a failure. Nothing by default.

        :param snapshot: what was seen.
        """

    def execute(self, context: Context) -> Any:
        """Look once, and then wait as asked.

        :param context: Airflow's.
        """
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if isinstance(seen, PokeReturnValue):
            return seen.xcom_value
        return self._defer(context)

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
                self._fail(str(error), AirflowFailException)
            self.log.warning("SageMaker is in trouble, going on: %s", error)
            return False

    def _look(self, context: Context, arn: str) -> bool | PokeReturnValue:
        snapshot = self.ask(lambda hook: hook.snapshot(arn))
        self.link_addresses = link_xcoms(arn, studio_domain=snapshot.created_by_domain)
        try:
            decision = self.ask(lambda hook: self.decide(hook, snapshot))
        except SageMakerServiceError:
            raise
        except PipelineExecutionError as error:
            decision = Fail(str(error))
        self._tell(self.describe(snapshot))
        if isinstance(decision, Wait):
            return False
        if isinstance(decision, Skip):
            raise AirflowSkipException(decision.reason)
        if isinstance(decision, Fail):
            self.report(snapshot)
            self._fail(decision.reason, PipelineExecutionError)
        self.finish(context, snapshot)
        return PokeReturnValue(is_done=True, xcom_value=arn)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Look once more, on a worker, and end as is seen then.

        :param context: Airflow's.
        :param event: what the trigger said; only for the ARN, and for what was not seen.
        """
        if event["status"] == "timeout":
            raise AirflowSensorTimeout(event["reason"])
        self._found = event["pipeline_execution_arn"]
        if self._found is None:
            self._fail(event["reason"], AirflowFailException)
        seen = self.poke(context)
        if isinstance(seen, PokeReturnValue):
            return seen.xcom_value
        return self._defer(context)  # Resumed in the meantime, or the service is in trouble.

    def _defer(self, context: Context) -> NoReturn:
        from airflow_sm_pipelines.triggers.execution import SENSOR_TIMEOUT, SageMakerPipelineExecutionTrigger

        now = time.time()
        limits = [TimeLimit.starting(now, SENSOR_TIMEOUT, self.timeout)]
        if self.execution_timeout is not None:
            seconds = self.execution_timeout.total_seconds()
            limits.append(TimeLimit.starting(now, "execution_timeout", seconds))
        limit = earliest(limits)
        started_from, started_before = self._interval(context)
        self.defer(
            trigger=SageMakerPipelineExecutionTrigger(
                pipeline_execution_arn=self._found or self.pipeline_execution_arn,
                pipeline_name=self.pipeline_name,
                started_from=None if started_from is None else started_from.isoformat(),
                started_before=None if started_before is None else started_before.isoformat(),
                waiter_delay=self.poke_interval,
                time_limit=None if limit is None else limit.to_dict(),
                # Airflow registers asset events of outlets on workers only.
                end_from_trigger=self.do_xcom_push and not self.outlets,
                skip_on_failure=self.soft_fail or self.never_fail,
                **self.trigger_arguments(),
                **self.connection_arguments,
            ),
            method_name="execute_complete",
            timeout=timedelta(seconds=self.timeout) + _AIRFLOW_LATER,
        )

    def _execution(self, context: Context) -> str | None:
        """The execution that is meant; ``None`` while there is none."""
        if self.pipeline_execution_arn is not None:
            try:
                return str(PipelineExecutionArn.parse(self.pipeline_execution_arn))
            except PipelineExecutionError as error:
                self._fail(str(error), AirflowFailException)
        if self.pipeline_name is None:
            self._fail("pipeline_execution_arn is None: the task it comes from left no ARN", AirflowFailException)
        if self._found is None:
            self._found = self._remembered(context)
        if self._found is None:
            self._found = self._find(context)
            self._remember(context)
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
                f"{started_before}, and none can any more",
                AirflowFailException,
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
                "intervals, such as CronDataIntervalTimetable",
                AirflowFailException,
            )
        return start, end

    def _remembered(self, context: Context) -> str | None:
        """The execution that an earlier poke of this try found, where each poke is a process of its own."""
        store: Any = context.get("task_state_store")
        return store.get(self._memory_key(context)) if self.reschedule and store is not None else None

    def _remember(self, context: Context) -> None:
        store: Any = context.get("task_state_store")
        if self.reschedule and store is not None and self._found is not None:
            store.set(self._memory_key(context), self._found)

    @staticmethod
    def _memory_key(context: Context) -> str:
        return f"execution of try {context['ti'].try_number}"

    def _fail(self, reason: str, exception: type[Exception]) -> NoReturn:
        """Fail, or skip where the sensor was told to: Airflow's base class does that for its own exceptions only."""
        if self.soft_fail or self.never_fail:
            raise AirflowSkipException(reason) from None
        raise exception(reason) from None

    def _tell(self, line: str) -> None:
        if line != self._told:
            self._told = line
            self.log.info("%s", line)
