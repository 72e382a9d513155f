"""The trigger that waits for a whole pipeline execution, or for a step of one that was started elsewhere."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.outcome import ExecutionTarget, Fail, Skip, StepTarget, Succeed, Wait, decide
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.hooks.selection import latest_execution
from airflow_sm_pipelines.hooks.step_targets import step_place
from airflow_sm_pipelines.triggers.connections import ConnectionSettings, SharedConnection, shared_connection
from airflow_sm_pipelines.triggers.deadline import within
from airflow_sm_pipelines.triggers.kill import was_failed_by_a_person
from airflow_sm_pipelines.triggers.pace import Pace
from airflow_sm_pipelines.triggers.progress import ExecutionProgress, StepProgress
from airflow_sm_pipelines.triggers.watch import Seen, watch_execution
from airflow_sm_pipelines.triggers.xcoms import XComPusher

_STATUSES: Mapping[type, str] = {Succeed: "success", Fail: "failed", Skip: "skipped"}


class SageMakerPipelineExecutionTrigger(BaseTrigger):
    """
    Follow a pipeline execution, or one step of it, until it is over; then resume the task on a worker.

    The event is ``{"status": "success" | "failed" | "skipped" | "timeout", "reason", "pipeline_execution_arn",
    "limit"}``, with the name of the time limit for a timeout. Writes into the task's log what the steps (or the step)
    do, and pushes the task's links.

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
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, then tell how it ended, once."""
        try:
            async with shared_connection(self._connection_settings()) as connection:
                status, reason = await self._follow(connection)
        except PipelineExecutionError as error:
            status, reason = "failed", str(error)
        # Nothing is held any more: whoever runs this may leave it here for good.
        yield TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "status": status,
                "reason": reason,
                "pipeline_execution_arn": self.pipeline_execution_arn,
                "limit": self._limit.name if status == "timeout" and self._limit is not None else None,
            }
        )

    async def on_kill(self) -> None:
        """Stop the execution when a person failed the task or its Dag run."""
        if not self.stop_on_kill or self.pipeline_execution_arn is None:
            return
        if not await was_failed_by_a_person(self.task_instance):
            self.log.info("The execution is left alone: the task was not failed")
            return
        arn = self.pipeline_execution_arn
        async with shared_connection(self._connection_settings()) as connection:
            asked = await connection.persist(
                lambda hook: hook.stop_execution(arn), Pace(self.waiter_delay), self._in_trouble
            )
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is over", arn)

    def _in_trouble(self, error: PipelineExecutionError) -> None:
        self.log.warning("SageMaker is in trouble, going on: %s", error)

    def _connection_settings(self) -> ConnectionSettings:
        region = self.region_name
        if region is None and self.pipeline_execution_arn is not None:
            region = PipelineExecutionArn.parse(self.pipeline_execution_arn).region
        return ConnectionSettings.of(self.aws_conn_id, region, self.verify, self.botocore_config)

    async def _follow(self, connection: SharedConnection) -> tuple[str, str | None]:
        last_seen = "no execution"
        try:
            arn = self.pipeline_execution_arn = await self._execution(connection)
            target: ExecutionTarget | StepTarget = ExecutionTarget()
            progress: ExecutionProgress | StepProgress = ExecutionProgress(self.log, arn)
            if self.step_name is not None:
                progress = StepProgress(self.log, self.step_name, arn)
                find = functools.partial(step_place, pipeline_execution_arn=arn, step_name=self.step_name)
                place = await within(self._limit, connection.persist(find, Pace(self.waiter_delay), progress.trouble))
                target = place.target
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
                        return _STATUSES[type(decision)], None if isinstance(decision, Succeed) else decision.reason
        except asyncio.TimeoutError:
            if self._limit is None:
                raise
            return "timeout", self._limit.gave_up(self._what, last_seen)

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
