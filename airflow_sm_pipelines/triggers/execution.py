"""The trigger that waits for a whole pipeline execution, or for a step of one that was started elsewhere."""

from __future__ import annotations

import asyncio
import functools
from datetime import datetime
from typing import Any

from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.hooks.selection import latest_execution, step_place
from airflow_sm_pipelines.triggers.base import BasePipelineTrigger
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.deadline import within


class SageMakerPipelineExecutionTrigger(BasePipelineTrigger):
    """
    Follow a pipeline execution, or one step of it, until it is over.

    Ends the task with the execution's ARN as its return value and, for a step, the XComs of a step's task. Resumes a
    task on a worker not before the scheduler has had time to notice that it deferred. Writes into the task's log what
    the steps (or the step) do, and pushes the task's links; when the task ends here also why it fails, with jobs and
    ends of logs.

    All triggers that wait for one execution share one poller with those of its steps. A trigger that starts over in
    another triggerer loses nothing: it looks at the execution again.

    Does not resume or restart anything. Stops the execution only with ``stop_on_kill``, and only when a person failed
    the task or its Dag run: not when the task is cleared, nor when a triggerer dies or hands over.

    :param pipeline_execution_arn: the execution; or else
    :param pipeline_name: the pipeline whose latest execution is meant. While there is none it is waited for.
    :param started_from: of the pipeline's executions, leave out those started earlier; ISO 8601.
    :param started_before: leave out those started then or later; ISO 8601. Must not lie in the past, for no execution
        could come any more.
    :param kwargs: see :class:`BasePipelineTrigger`. A step that is awaited is looked up in the execution's definition.
    """

    def __init__(
        self,
        *,
        pipeline_execution_arn: str | None = None,
        pipeline_name: str | None = None,
        started_from: str | None = None,
        started_before: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pipeline_execution_arn=pipeline_execution_arn, **kwargs)
        self.pipeline_name = pipeline_name
        self.started_from = started_from
        self.started_before = started_before

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments to make this trigger again, as JSON."""
        return {
            **super().arguments(),
            "pipeline_name": self.pipeline_name,
            "started_from": self.started_from,
            "started_before": self.started_before,
        }

    async def find(self, connection: SharedConnection) -> str:
        """Return the execution to follow, and look the step up in its definition; wait for one where none is named.

        :param connection: where.
        :raises PipelineExecutionError: when the execution has no such step.
        """
        arn = self.pipeline_execution_arn
        if arn is None:
            arn = self.pipeline_execution_arn = await self._latest(connection)
        if isinstance(self.awaited.target, StepTarget):
            place = functools.partial(step_place, pipeline_execution_arn=arn, awaited=self.awaited)
            pace = Pace(self.wait.waiter_delay)
            self.awaited = await within(self._limit, connection.persist(place, pace, self._in_trouble))
        return arn

    async def _latest(self, connection: SharedConnection) -> str:
        name = str(self.pipeline_name)
        find = functools.partial(
            latest_execution,
            pipeline_name=name,
            started_from=_time(self.started_from),
            started_before=_time(self.started_before),
        )
        pace = Pace(self.wait.waiter_delay)
        told = False
        while True:
            arn = await within(self._limit, connection.persist(find, Pace(self.wait.waiter_delay), self._in_trouble))
            if arn is not None:
                return arn
            if not told:
                self.log.info("Pipeline '%s' has no such execution yet: waiting for one", name)
                told = True
            await within(self._limit, asyncio.sleep(pace.after_nothing()))

    @property
    def _what(self) -> str:
        if self.pipeline_execution_arn is not None:
            return super()._what
        execution = f"an execution of pipeline '{self.pipeline_name}'"
        return execution if self.awaited.step_name is None else f"step '{self.awaited.step_name}' of {execution}"


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
