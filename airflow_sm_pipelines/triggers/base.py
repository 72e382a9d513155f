"""What the triggers do: follow something to its end, and end the task as that ended, whatever happens."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_sm_pipelines.compatibility.states import state_of_run, state_of_task
from airflow_sm_pipelines.compatibility.triggerer import (
    TELLS_OF_KILLS,
    BaseTrigger,
    TriggerEvent,
    end_event,
    see_through,
    until_worker_is_done,
)
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.killing import Kill
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.quiet import EndTasks, State
from airflow_sm_pipelines.execution.resume import failure_identity
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.time_limit import SENSOR_TIMEOUT, TimeLimit
from airflow_sm_pipelines.settings import AwsConnection, WaitSettings, to_dict
from airflow_sm_pipelines.triggers.connections import SharedConnection, shared_connection
from airflow_sm_pipelines.triggers.deadline import within
from airflow_sm_pipelines.triggers.finish import LinkPusher, finish
from airflow_sm_pipelines.triggers.follower import Follower
from airflow_sm_pipelines.triggers.log import ThreadedLog
from airflow_sm_pipelines.triggers.memory import TaskMemory, TryEnd


class BasePipelineTrigger(BaseTrigger):
    """
    A trigger that follows an execution, or a step of one.

    Always ends with one event and a reason, whatever it meets. Ends the task itself (``ends_here``), or resumes it on a
    worker with ``{"status": "success" | "failed" | "skipped" | "timeout", "reason", "pipeline_execution_arn",
    "limit", "try_number"}``; ``limit`` is the name of the limit of time that was over.

    :param pipeline_execution_arn: the execution.
    :param awaited: what is waited for.
    :param connection: by which connection AWS is called; the region is by default the execution's.
    :param wait: how to wait.
    :param ends_here: the states in which the task ends here, without a worker.
    :param deferred_by_worker: the task was on a worker before.
    :param time_limit: when to give up, as :meth:`~airflow_sm_pipelines.execution.time_limit.TimeLimit.to_dict` has it.
    :param launch_task_id: the full id of the task that launched the execution, which keeps what a next try has to know.
        Without it no failure is taken for an old one, and nothing is resumed.
    :param definition_digest: what tells the pipeline definition of the Dag from others, where the Dag has one.
    :param masked: the values of the execution that hold secrets, as Airflow shows them; see
        :mod:`airflow_sm_pipelines.execution.secrets`.
    """

    def __init__(
        self,
        *,
        pipeline_execution_arn: str | None,
        awaited: Awaited | Mapping[str, Any],
        connection: AwsConnection | Mapping[str, Any] | None = None,
        wait: WaitSettings | Mapping[str, Any] | None = None,
        ends_here: Sequence[State] = (),
        deferred_by_worker: bool = True,
        time_limit: Mapping[str, Any] | None = None,
        launch_task_id: str | None = None,
        definition_digest: str | None = None,
        masked: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.pipeline_execution_arn = pipeline_execution_arn
        try:
            self.awaited = awaited if isinstance(awaited, Awaited) else Awaited.from_dict(awaited)
        except (KeyError, ValueError) as error:
            # Airflow fails the task for a TypeError here; any other error would end the triggerer for all tasks.
            raise TypeError(f"another version of the package has written what the task awaits: {error!r}") from error
        self.connection = connection if isinstance(connection, AwsConnection) else AwsConnection(**connection or {})
        self.wait = wait if isinstance(wait, WaitSettings) else WaitSettings(**wait or {})
        self.ends_here = tuple(ends_here)
        self.deferred_by_worker = deferred_by_worker
        self.launch_task_id = launch_task_id
        self.definition_digest = definition_digest
        self.masked = dict(masked or {})
        self._given_limit = None if time_limit is None else TimeLimit(**time_limit)
        self._limit: TimeLimit | None = None
        self._follower: Follower | None = None
        self._threaded_log: ThreadedLog | None = None

    @property
    def log(self) -> ThreadedLog:  # type: ignore[override]  # Airflow itself does not use it
        """The task's log. Made when the trigger runs, as its lines belong to the context that it is made in."""
        if self._threaded_log is None:
            self._threaded_log = ThreadedLog(super().log)
        return self._threaded_log

    def arguments(self) -> dict[str, Any]:
        """Return the keyword arguments to make this trigger again, as JSON."""
        return {
            "pipeline_execution_arn": self.pipeline_execution_arn,
            "awaited": self.awaited.to_dict(),
            "connection": to_dict(self.connection),
            "wait": to_dict(self.wait),
            "ends_here": list(self.ends_here),
            "deferred_by_worker": self.deferred_by_worker,
            "time_limit": None if self._given_limit is None else self._given_limit.to_dict(),
            "masked": self.masked,
        }

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the keyword arguments to make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", self.arguments()

    def time_limit(self) -> TimeLimit | None:
        """Return when to give up; ``None`` for never. Whoever starts over in another triggerer does not count again."""
        return self._given_limit

    @abstractmethod
    async def find(self, connection: SharedConnection) -> str:
        """Return the ARN of the execution to follow.

        :param connection: where to look for it.
        :raises PipelineExecutionError: when there is none.
        :raises asyncio.TimeoutError: when the time is up.
        """

    async def know_execution(self) -> None:
        """Find out which execution was launched for the task, where somebody else knows."""

    def on_look(self, snapshot: ExecutionSnapshot) -> None:
        """Take note of a look at the execution; nothing by default.

        :param snapshot: what was seen.
        """

    async def after_stop(self, connection: SharedConnection, pipeline_execution_arn: str) -> None:
        """Do what an execution needs to stop that was asked to; nothing by default.

        :param connection: where.
        :param pipeline_execution_arn: the execution.
        """

    async def ended_before(self) -> Ending | None:
        """Return the end of a task for which there is nothing to follow. ``None`` by default."""
        return None

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow, then tell how it ended, once."""
        began = asyncio.get_running_loop().time()
        memory = TaskMemory(self.task_instance, self.launch_task_id)
        try:
            ending, here = await self._to_the_end(memory)
            if self._is_remembered(ending, here):
                await memory.keep(TryEnd(memory.try_number, failure=self._failure(ending)))
        except asyncio.CancelledError:
            if not TELLS_OF_KILLS:
                await self.on_kill()
            raise
        except Exception as error:
            # Whatever it is: Airflow would say "Trigger exited without sending an event", and no reason.
            self.log.exception("The trigger failed: %s: %s", type(error).__name__, error)  # noqa: TRY401 - the sentence
            ending = self.awaited.failure(f"the trigger failed: {type(error).__name__}: {error}")
            here = self._may_end_here(ending)
        await self.log.written()
        if here:
            yield end_event(ending.state)
            return
        if self.deferred_by_worker:
            await until_worker_is_done(self.task_instance, began)
        # Nothing is held any more: whoever runs this may leave it here for good.
        yield TriggerEvent(  # type: ignore[no-untyped-call]
            {
                "status": ending.state if ending.limit is None else "timeout",
                "reason": ending.reason,
                "pipeline_execution_arn": self._followed,
                "limit": ending.limit,
                "try_number": None if self.task_instance is None else memory.try_number,
            }
        )

    async def _to_the_end(self, memory: TaskMemory) -> tuple[Ending, bool]:
        """Return how the task ends, and whether it ends here, all done that belongs to it."""
        self._limit = self.time_limit()
        try:
            before = await self.ended_before()
            if before is not None:
                here = await self._ends_here(before)
                if here:
                    self.log.info("Skipping: %s", before.reason)
                return before, here
            async with shared_connection(self._regional_connection()) as connection:
                try:
                    return await self._follow_and_finish(connection, memory)
                except PipelineExecutionError as error:
                    ending = await self._without_secrets(connection, self.awaited.failure(str(error)))
        except PipelineExecutionError as error:
            ending = self.awaited.failure(str(error))
        except asyncio.TimeoutError:
            if self._limit is None:
                raise
            ending = self.awaited.gave_up(self._limit, self._followed, self._what, self._seen)
        here = await self._ends_here(ending)
        if here:
            self.log.error("%s", ending.reason)
        return ending, here

    async def _follow_and_finish(self, connection: SharedConnection, memory: TaskMemory) -> tuple[Ending, bool]:
        arn = await self.find(connection)
        self._follower = Follower(
            connection=connection,
            awaited=self.awaited,
            wait=self.wait,
            limit=self._limit,
            memory=memory,
            links=LinkPusher(self.task_instance, connection),
            log=self.log,
            launch_task_id=self.launch_task_id,
            definition_digest=self.definition_digest,
            on_look=self.on_look,
        )
        ending = await self._without_secrets(connection, await self._follower.follow(arn))
        if not await self._ends_here(ending):
            return ending, False
        trouble = self._follower.progress.trouble
        ending = await within(
            self._limit, finish(self.task_instance, connection, ending, self.wait, log=self.log, on_trouble=trouble)
        )
        return ending, self._may_end_here(ending)

    async def _without_secrets(self, connection: SharedConnection, ending: Ending) -> Ending:
        """Return the same end without the secrets that the execution was started with."""
        masked = await self.masked_values()
        if not masked or self._follower is None:
            return ending
        arn = self._follower.pipeline_execution_arn
        asking = connection.persist(
            lambda hook: hook.execution_secrets(arn, masked), Pace(self.wait.waiter_delay), self._in_trouble
        )
        return ending.without(await within(self._limit, asking))

    async def masked_values(self) -> Mapping[str, str]:
        """Return the values of the execution that hold secrets, as Airflow shows them."""
        return self.masked

    async def is_quiet(self) -> bool:
        """Whether nothing waits for the end of this try; by default whoever deferred the task knew that."""
        return True

    async def _ends_here(self, ending: Ending) -> bool:
        return self._may_end_here(ending) and (self.wait.end_tasks != EndTasks.AUTO or await self.is_quiet())

    def _may_end_here(self, ending: Ending) -> bool:
        # In dag.test() there is no task instance, and nobody listens to the events that end a task. Only a worker can
        # say that a sensor's own time is over, which Airflow tries no sensor again after.
        sensor_timeout = ending.limit == SENSOR_TIMEOUT and ending.state == "failed"
        return ending.state in self.ends_here and self.task_instance is not None and not sensor_timeout

    def _is_remembered(self, ending: Ending, here: bool) -> bool:
        """Whether somebody may have to know how this try ended: a next try, or a triggerer that was paused."""
        somebody = self.launch_task_id is not None or self.wait.stop_on_kill
        return somebody and (ending.state != "success" or not here)

    def _failure(self, ending: Ending) -> str | None:
        """The identity of the failure that the try ends with, where its step or execution failed."""
        if ending.state != "failed" or ending.snapshot is None or self.launch_task_id is None:
            return None
        return failure_identity(ending.snapshot, self.awaited.step_name)

    @property
    def _followed(self) -> str | None:
        """The execution that is followed now: another one, where it was restarted."""
        return self._follower.pipeline_execution_arn if self._follower else self.pipeline_execution_arn

    @property
    def _seen(self) -> str:
        return self._follower.progress.last_seen if self._follower else "no execution"

    @property
    def _what(self) -> str:
        return self.awaited.called(str(self._followed))

    async def on_kill(self) -> None:
        """Stop the execution if a person failed the task or its Dag run."""
        if not self.wait.stop_on_kill or self.task_instance is None:
            return
        await see_through(self._stop_if_failed_by_a_person())
        await self.log.written()

    async def _stop_if_failed_by_a_person(self) -> None:
        kill = await self._kill()
        if kill.stops:
            await self.know_execution()
        try:
            arn = str(PipelineExecutionArn.parse(self._followed))
        except PipelineExecutionError:
            return  # there is none; run() says so
        if not kill.stops:
            self.log.info("Execution %s was not stopped: %s", arn, kill.reason)
            return
        self.log.info("Someone marked the task as failed: stopping execution %s", arn)
        async with shared_connection(self._regional_connection()) as connection:
            try:
                asked = await connection.persist(
                    lambda hook: hook.stop_execution(arn), Pace(self.wait.waiter_delay), self._in_trouble
                )
            except SageMakerServiceError as error:
                self.log.warning("The execution was not stopped: %s", error)
                return
            if not asked:
                self.log.info("Nothing to stop: execution %s is over", arn)
            await self.after_stop(connection, arn)

    async def _kill(self) -> Kill:
        # A limit that is over: another triggerer has given up already, or Airflow has.
        limit = self._limit or self.time_limit()
        out_of_time = limit is not None and time.time() >= limit.at
        task: Any = self.task_instance
        state = await state_of_task(task, task.task_id)
        run_state = await state_of_run(task) if state == "skipped" else None
        kill = Kill(state, run_state, ended_by_itself=out_of_time)
        if not kill.stops:
            # Airflow 3.4 lets a trigger read nothing for a try that was cleared.
            return kill
        memory = TaskMemory(self.task_instance, self.launch_task_id)
        return replace(kill, ended_by_itself=await memory.this_try_ended())

    def _in_trouble(self, error: SageMakerServiceError) -> None:
        self.log.warning("SageMaker is unavailable, retrying: %s", error)

    def _regional_connection(self) -> AwsConnection:
        if self.connection.region_name is not None or self.pipeline_execution_arn is None:
            return self.connection
        return replace(self.connection, region_name=PipelineExecutionArn.parse(self.pipeline_execution_arn).region)
