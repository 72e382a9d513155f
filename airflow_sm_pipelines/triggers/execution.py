"""The trigger that waits for a whole pipeline execution, or for a step of one that was started elsewhere."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, Fail, Skip, StepTarget, Succeed, Wait, decide
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.progress import ExecutionProgress, StepProgress
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.results import StepResult
from airflow_sm_pipelines.hooks.selection import latest_execution
from airflow_sm_pipelines.hooks.step_targets import step_place
from airflow_sm_pipelines.triggers.connections import ConnectionSettings, SharedConnection, shared_connection
from airflow_sm_pipelines.triggers.deadline import within
from airflow_sm_pipelines.triggers.handover import until_worker_is_done
from airflow_sm_pipelines.triggers.kill import see_through, was_failed_by_a_person
from airflow_sm_pipelines.triggers.watch import Seen, watch_execution
from airflow_sm_pipelines.triggers.xcoms import XComPusher

#: Of how many failed steps the log's end is shown.
STEPS_REPORTED = 5

#: The name of the limit that is a sensor's own. Airflow tries no sensor again that ran into it, and only a worker can
#: say so.
SENSOR_TIMEOUT = "timeout"

LEFT_ALONE = "The execution is left alone"

_STATUSES: Mapping[type, str] = {Succeed: "success", Fail: "failed", Skip: "skipped"}


@dataclass(frozen=True)
class _Found:
    """How a wait ended.

    :param status: ``success``, ``failed``, ``skipped`` or ``timeout``.
    :param reason: why; ``None`` for a success.
    :param snapshot: what was last seen, where it decided.
    :param property_file_places: of the step waited for.
    """

    status: str
    reason: str | None = None
    snapshot: ExecutionSnapshot | None = None
    property_file_places: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class SageMakerPipelineExecutionTrigger(BaseTrigger):
    """
    Follow a pipeline execution, or one step of it, until it is over.

    Ends the task from the triggerer (``end_from_trigger``), with the execution's ARN as its return value and, for a
    step, the XComs of a step's task. Or else resumes the task on a worker, not before the scheduler has had time to
    notice that it deferred, with ``{"status": "success" | "failed" | "skipped" | "timeout", "reason",
    "pipeline_execution_arn", "limit"}``; the last is the name of the time limit for a timeout. Writes into the task's
    log what the steps (or the step) do, and pushes the task's links; when the task ends here also why it fails, with
    jobs and ends of logs.

    All triggers that wait for one execution share one poller with those of its steps. A trigger that starts over in
    another triggerer loses nothing: it looks at the execution again.

    Does not resume or restart anything. Stops the execution only with ``stop_on_kill``, and only when a person failed
    the task or its Dag run: not when the task is cleared, nor when a triggerer dies or hands over.

    :param pipeline_execution_arn: the execution; or else
    :param pipeline_name: the pipeline whose latest execution is meant. While there is none it is waited for.
    :param started_from: of the pipeline's executions, leave out those started earlier; ISO 8601.
    :param started_before: leave out those started then or later; ISO 8601. Must not lie in the past, for no execution
        could come any more.
    :param step_name: the step to wait for; ``None`` for the whole execution.
    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: the region; by default that of the ARN, or else the connection's.
    :param verify: overrides whether certificates are verified.
    :param botocore_config: the arguments of botocore's ``Config``.
    :param waiter_delay: the longest wait between two looks, in seconds. They begin much shorter.
    :param time_limit: when to give up, as :meth:`~airflow_sm_pipelines.execution.time_limit.TimeLimit.to_dict` has it.
    :param stop_on_kill: stop the execution when a person fails the task or the Dag run.
    :param end_from_trigger: end the task here, without a worker.
    :param skip_on_failure: when the task ends here: skip it instead of failing it, as ``soft_fail`` has it.
    :param log_lines: how many of the last lines of a failed step's job log to show.
    """

    def __init__(
        self,
        *,
        pipeline_execution_arn: str | None = None,
        pipeline_name: str | None = None,
        started_from: str | None = None,
        started_before: str | None = None,
        step_name: str | None = None,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        verify: bool | str | None = None,
        botocore_config: Mapping[str, Any] | None = None,
        waiter_delay: float = 30,
        time_limit: Mapping[str, Any] | None = None,
        stop_on_kill: bool = False,
        end_from_trigger: bool = False,
        skip_on_failure: bool = False,
        log_lines: int = 20,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pipeline_execution_arn = pipeline_execution_arn
        self.pipeline_name = pipeline_name
        self.started_from = started_from
        self.started_before = started_before
        self.step_name = step_name
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.verify = verify
        self.botocore_config = botocore_config
        self.waiter_delay = waiter_delay
        self.time_limit = time_limit
        self.stop_on_kill = stop_on_kill
        self.end_from_trigger = end_from_trigger
        self.skip_on_failure = skip_on_failure
        self.log_lines = log_lines
        self._limit = TimeLimit.from_dict(time_limit)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "pipeline_execution_arn": self.pipeline_execution_arn,
                "pipeline_name": self.pipeline_name,
                "started_from": self.started_from,
                "started_before": self.started_before,
                "step_name": self.step_name,
                "aws_conn_id": self.aws_conn_id,
                "region_name": self.region_name,
                "verify": self.verify,
                "botocore_config": None if self.botocore_config is None else dict(self.botocore_config),
                "waiter_delay": self.waiter_delay,
                "time_limit": None if self.time_limit is None else dict(self.time_limit),
                "stop_on_kill": self.stop_on_kill,
                "end_from_trigger": self.end_from_trigger,
                "skip_on_failure": self.skip_on_failure,
                "log_lines": self.log_lines,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then tell how it ended, once."""
        began = asyncio.get_running_loop().time()
        try:
            async with shared_connection(self._connection_settings()) as connection:
                found = await self._follow(connection)
                if self._ends_here(found):
                    await self._end(connection, found)
        except PipelineExecutionError as error:
            found = _Found("failed", str(error))
            if self._ends_here(found):
                self.log.error("%s", found.reason)  # noqa: TRY400 - the message says it all, a traceback nothing
        # Nothing is held any more: whoever runs this may leave it here for good.
        if self._ends_here(found):
            yield self._end_event(found)
            return
        await until_worker_is_done(self.task_instance, began)
        yield TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "status": found.status,
                "reason": found.reason,
                "pipeline_execution_arn": self.pipeline_execution_arn,
                "limit": self._limit.name if found.status == "timeout" and self._limit is not None else None,
            }
        )

    def _ends_here(self, found: _Found) -> bool:
        sensor_timeout = found.status == "timeout" and self._limit is not None and self._limit.name == SENSOR_TIMEOUT
        # In dag.test() there is no task instance, and nobody listens to the events that end a task.
        return self.end_from_trigger and self.task_instance is not None and not sensor_timeout

    async def _end(self, connection: SharedConnection, found: _Found) -> None:
        """Do what else a worker would do: the last words in the log, and the XComs."""
        if found.status == "skipped":
            self.log.info("Skipping: %s", found.reason)
        elif found.status != "success":
            self.log.error("%s", found.reason)
        if found.snapshot is None:
            return
        step = None if self.step_name is None else found.snapshot.steps.get(self.step_name)
        if found.status == "success":
            pusher = XComPusher(self.task_instance)
            if step is not None:
                collect = functools.partial(_collect, step=step, places=found.property_file_places)
                result = await connection.persist(collect, Pace(self.waiter_delay), self._in_trouble)
                await pusher.push(result.xcoms())
            await pusher.push({"return_value": self.pipeline_execution_arn})
        elif found.status == "failed":
            failed = found.snapshot.failed_steps or found.snapshot.stopped_steps if step is None else (step,)
            for each in failed[:STEPS_REPORTED]:
                for line in await connection.run(functools.partial(_report, step=each, lines=self.log_lines)):
                    self.log.error("%s", line)

    def _end_event(self, found: _Found) -> TriggerEvent:
        if found.status == "success":
            return TaskSuccessEvent()
        return TaskSkippedEvent() if found.status == "skipped" or self.skip_on_failure else TaskFailedEvent()

    async def on_kill(self) -> None:
        """Stop the execution when a person failed the task or its Dag run.

        Not when the time is up: then the task has failed by itself, in another triggerer.
        """
        out_of_time = self._limit is not None and time.time() >= self._limit.at
        if self.stop_on_kill and self.pipeline_execution_arn is not None and not out_of_time:
            await see_through(self._stop_if_failed_by_a_person(self.pipeline_execution_arn))

    async def _stop_if_failed_by_a_person(self, arn: str) -> None:
        if not await was_failed_by_a_person(self.task_instance):
            self.log.info("The execution is left alone: the task was not failed")
            return
        async with shared_connection(self._connection_settings()) as connection:
            try:
                asked = await connection.persist(
                    lambda hook: hook.stop_execution(arn), Pace(self.waiter_delay), self._in_trouble
                )
            except SageMakerServiceError as error:
                self.log.warning("The execution was not stopped: %s", error)
                return
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is over", arn)

    def _in_trouble(self, error: PipelineExecutionError) -> None:
        self.log.warning("SageMaker is in trouble, going on: %s", error)

    def _connection_settings(self) -> ConnectionSettings:
        region = self.region_name
        if region is None and self.pipeline_execution_arn is not None:
            region = PipelineExecutionArn.parse(self.pipeline_execution_arn).region
        return ConnectionSettings.of(self.aws_conn_id, region, self.verify, self.botocore_config)

    async def _follow(self, connection: SharedConnection) -> _Found:
        last_seen = "no execution"
        places: Mapping[str, Mapping[str, str]] = {}
        try:
            arn = self.pipeline_execution_arn = await self._execution(connection)
            target: ExecutionTarget | StepTarget = ExecutionTarget()
            progress: ExecutionProgress | StepProgress
            if self.step_name is None:
                progress = ExecutionProgress(self.log, arn)
            else:
                progress = StepProgress(self.log, self.step_name, arn)
                find = functools.partial(step_place, pipeline_execution_arn=arn, step_name=self.step_name)
                place = await within(self._limit, connection.persist(find, Pace(self.waiter_delay), progress.trouble))
                target, places = place.target, place.property_file_places
            last_seen = progress.last_seen
            pusher = XComPusher(self.task_instance)
            async with watch_execution(arn, connection, self.waiter_delay) as subscription:
                while True:
                    news = await within(self._limit, subscription.next())
                    if not isinstance(news, Seen):
                        progress.trouble(news.error)
                        continue
                    progress.seen(news.snapshot)
                    last_seen = progress.last_seen
                    step = None if self.step_name is None else news.snapshot.steps.get(self.step_name)
                    await pusher.push_links(news.snapshot, step)
                    decision = decide(news.snapshot, target)
                    if not isinstance(decision, Wait):
                        reason = None if isinstance(decision, Succeed) else decision.reason
                        return _Found(_STATUSES[type(decision)], reason, news.snapshot, places)
        except asyncio.TimeoutError:
            if self._limit is None:
                raise
            gave_up = self._limit.gave_up(self._what, last_seen)
            return _Found("timeout", gave_up if self.pipeline_execution_arn is None else f"{gave_up}. {LEFT_ALONE}")

    @property
    def _what(self) -> str:
        execution = (
            f"an execution of pipeline '{self.pipeline_name}'"
            if self.pipeline_execution_arn is None
            else f"execution {self.pipeline_execution_arn}"
        )
        return execution if self.step_name is None else f"step '{self.step_name}' of {execution}"

    async def _execution(self, connection: SharedConnection) -> str:
        """The execution to follow; waits for one where none is named."""
        if self.pipeline_execution_arn is not None:
            return self.pipeline_execution_arn
        name = str(self.pipeline_name)
        find = functools.partial(
            latest_execution,
            pipeline_name=name,
            started_from=_time(self.started_from),
            started_before=_time(self.started_before),
        )
        pace = Pace(self.waiter_delay)
        told = False
        while True:
            arn = await within(self._limit, connection.persist(find, Pace(self.waiter_delay), self._in_trouble))
            if arn is not None:
                return arn
            if not told:
                self.log.info("Pipeline '%s' has no such execution yet: waiting for one", name)
                told = True
            await within(self._limit, asyncio.sleep(pace.after_nothing()))


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _collect(hook: SageMakerPipelineHook, step: StepSnapshot, places: Mapping[str, Mapping[str, str]]) -> StepResult:
    return hook.collect_step_result(step, places)


def _report(hook: SageMakerPipelineHook, step: StepSnapshot, lines: int) -> list[str]:
    return hook.failure_report(step, lines)
