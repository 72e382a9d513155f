"""The trigger of a step task: it follows one step of the execution that the Dag run launched."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from airflow_sm_pipelines.compatibility.states import state_of_task
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.ending import Ending
from airflow_sm_pipelines.execution.quiet import Launched, nothing_launched
from airflow_sm_pipelines.execution.time_limit import (
    AIRFLOW_SOONER,
    EXECUTION_TIMEOUT,
    LONGEST_SOONER,
    TimeLimit,
    earliest,
    waiter_limit,
)
from airflow_sm_pipelines.triggers.base import BasePipelineTrigger
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.launches import read_execution_arn, read_launched


class SageMakerPipelineStepTrigger(BasePipelineTrigger):
    """
    Follow one step of a pipeline execution until it is over.

    Pushes the XComs of a step's task (``step_report``, ``property_files``), the extra links and, for a
    Condition step, the branch not taken. Writes into the task's log what the step does; when the step fails and the
    task ends here, also the reason, the job and the last lines of the job's log.

    All triggers of one execution share one poller. A trigger that starts over in another triggerer loses
    nothing: it looks at the execution again.

    When this is another try of its task and the step failed in the try before, the execution is resumed first
    (``on_retry``). When a person marks the task or its Dag run failed, the execution is stopped (``stop_on_kill``);
    clearing the task, marking it successful, timeouts and the end of a triggerer stop nothing.

    :param execution_timeout: of a task that starts in the triggerer, in seconds. Airflow says when it is over.
    :param pipeline_execution_arn: the execution; by default the one that the launch task has launched.
    :param kwargs: see :class:`BasePipelineTrigger`.
    """

    def __init__(
        self, *, execution_timeout: float | None = None, pipeline_execution_arn: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(pipeline_execution_arn=pipeline_execution_arn, **kwargs)
        self.execution_timeout = execution_timeout

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments to make this trigger again, as JSON."""
        return {
            **super().arguments(),
            "launch_task_id": self.launch_task_id,
            "definition_digest": self.definition_digest,
            "execution_timeout": self.execution_timeout,
        }

    def time_limit(self) -> TimeLimit | None:
        """Return when to give up: ``waiter_max_attempts`` count from the start in this triggerer."""
        waiter = waiter_limit(time.time(), self.wait.waiter_delay, self.wait.waiter_max_attempts)
        return earliest([waiter, self._airflow_limit(), super().time_limit()])

    def _airflow_limit(self) -> TimeLimit | None:
        """The task's ``execution_timeout``, whichever triggerer it runs in, a little sooner than Airflow's scheduler.

        That would end the wait without saying what was last seen.
        """
        # In dag.test() Airflow does not say when. SQLite gives times without a zone; they are UTC.
        timeout_after: datetime | None = getattr(self, "timeout_after", None)
        if self.execution_timeout is None or timeout_after is None:
            return None
        aware = timeout_after if timeout_after.tzinfo else timeout_after.replace(tzinfo=timezone.utc)
        sooner = min(self.execution_timeout * AIRFLOW_SOONER, LONGEST_SOONER)
        return TimeLimit(EXECUTION_TIMEOUT, self.execution_timeout, aware.timestamp() - sooner)

    async def find(self, connection: SharedConnection) -> str:  # noqa: ARG002 - it is given
        """Return the execution that was launched.

        :param connection: not needed.
        """
        return str(self.pipeline_execution_arn)

    async def is_quiet(self) -> bool:
        """Whether this is the task's first try, never cleared, and no plugin listens where the launch task ran."""
        if self.task_instance is None or int(self.task_instance.try_number) != 1:
            return False
        launched = await self._what_was_launched()
        return launched is not None and launched.is_quiet(self.task_instance.id)

    async def masked_values(self) -> Mapping[str, str]:
        """Return the values that the launch task started the execution with and that hold secrets."""
        launched = await self._what_was_launched()
        return {} if launched is None else launched.masked

    async def _what_was_launched(self) -> Launched | None:
        if self.task_instance is None:
            return None
        return await read_launched(self.task_instance, self.launch_task_id, self.pipeline_execution_arn)

    async def know_execution(self) -> None:
        """Ask for the ARN that the launch task has left, unless it was given."""
        if self.pipeline_execution_arn is None and self.task_instance is not None:
            self.pipeline_execution_arn = await read_execution_arn(self.task_instance, self.launch_task_id)

    async def ended_before(self) -> Ending | None:
        """Return the end of a task that Airflow starts although nothing was launched, since the launch was skipped.

        :raises PipelineExecutionError: when nothing was launched for another reason.
        """
        await self.know_execution()
        if self.pipeline_execution_arn is not None:
            return None
        launch = self.launch_task_id
        if launch and self.task_instance is not None and await state_of_task(self.task_instance, launch) == "skipped":
            return Ending(self.awaited, "skipped", f"task '{launch}' was skipped, so there is no execution")
        raise PipelineExecutionError(nothing_launched(launch, self.awaited.step_name))
