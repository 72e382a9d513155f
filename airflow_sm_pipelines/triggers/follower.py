"""Following a step or an execution to its end, through all that may come before: trouble, old failures, resuming."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from logging import Logger
from typing import Any

from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.ending import Awaited, Ending
from airflow_sm_pipelines.execution.outcome import Fail, decide
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.progress import Progress, progress_of
from airflow_sm_pipelines.execution.resume import OnRetry, definition_digest, failure_identity, is_stopped
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.hooks.starting import continue_after_failure
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.deadline import within
from airflow_sm_pipelines.triggers.finish import LinkPusher
from airflow_sm_pipelines.triggers.memory import TaskMemory, TryEnd
from airflow_sm_pipelines.triggers.watch import watch_execution


@dataclass(kw_only=True, eq=False)
class Follower:
    """Waits for a step or an execution. Where an earlier try of the task ended with a failure, resumes the execution.

    Once the execution is over (it cannot be resumed before) it is resumed, or another is started, once for all tasks
    that ask for it. Every failure that no earlier try ended with is this try's own. A stop is not, where another try
    finds it at its first look: who stops the execution by failing its task could not always say so in the memory.

    :param connection: where to look.
    :param awaited: what is waited for.
    :param wait: how to wait.
    :param limit: when to give up; ``None`` for never.
    :param memory: how earlier tries ended.
    :param links: pushes the task's links as they become known.
    :param log: the task's log.
    :param launch_task_id: the task that launches executions of the Dag as it is.
    :param definition_digest: what tells the Dag's pipeline definition from others; ``None`` where it has none.
    :param on_look: told of each look at the execution; ``None`` for nobody.
    """

    connection: SharedConnection
    awaited: Awaited
    wait: WaitSettings
    limit: TimeLimit | None
    memory: TaskMemory
    links: LinkPusher
    log: Logger | Any
    launch_task_id: str | None = None
    definition_digest: str | None = None
    on_look: Callable[[ExecutionSnapshot], None] | None = None
    pipeline_execution_arn: str = field(default="", init=False)
    progress: Progress = field(init=False)

    async def follow(self, pipeline_execution_arn: str) -> Ending:
        """Follow until it is over.

        :param pipeline_execution_arn: the execution to begin with; :attr:`pipeline_execution_arn` is the one that is
            followed now.
        :raises SageMakerServiceError: when the service refuses.
        :raises PipelineExecutionError: when a failed execution cannot be resumed.
        :raises asyncio.TimeoutError: when the time is up.
        """
        self._start_following(pipeline_execution_arn)
        old = await self.memory.earlier_failure()
        old_stop = self.memory.is_another_try
        pace = Pace(self.wait.waiter_delay)
        resumed_after: str | None = None
        while True:
            found = await self._until_over(old, old_stop=old_stop)
            if isinstance(found, Ending):
                return found
            old = failure_identity(found, self.awaited.step_name)
            if old == resumed_after:
                # Asked for already; the service does not show it yet.
                await within(self.limit, asyncio.sleep(pace.after_nothing()))
            await self._continue(found, pace)
            resumed_after = old
            old_stop = False
            await self.memory.keep(TryEnd(self.memory.try_number - 1, failure=old))

    async def _until_over(self, old: str | None, *, old_stop: bool) -> Ending | ExecutionSnapshot:
        """Return how the task ends; or the execution, over, with an old failure in it.

        :param old: the identity of the failure that an earlier try ended with.
        :param old_stop: a stop that is there at the first look is old, too.
        """
        target, name = self.awaited.target, self.awaited.step_name
        with watch_execution(self.pipeline_execution_arn, self.connection, self.wait.waiter_delay) as subscription:
            while True:
                snapshot = await within(self.limit, subscription.next())
                if isinstance(snapshot, SageMakerServiceError):
                    self.progress.trouble(snapshot)
                    continue
                self.progress.seen(snapshot)
                if self.on_look is not None:
                    self.on_look(snapshot)
                await self.links.push(snapshot, self.awaited.step(snapshot))
                decision = decide(snapshot, target)
                if old_stop and isinstance(decision, Fail) and is_stopped(snapshot, name):
                    old = failure_identity(snapshot, name)
                old_stop = old_stop and snapshot.status is ExecutionStatus.STOPPING
                if isinstance(decision, Fail) and old == failure_identity(snapshot, name):
                    if snapshot.status.is_terminal:
                        return snapshot
                    self.progress.old_failure(snapshot)
                    continue
                ending = self.awaited.ending(snapshot, decision)
                if ending is not None:
                    return ending

    async def _continue(self, failed: ExecutionSnapshot, pace: Pace) -> None:
        on_retry = OnRetry(self.wait.on_retry)
        asking = functools.partial(continue_after_failure, snapshot=failed, on_retry=on_retry, log=self.log)
        self.log.info(
            "Step '%s' failed in an earlier try of this task: asking SageMaker %s",
            self.awaited.step_name,
            "to resume the execution" if on_retry is OnRetry.RESUME else "for another execution instead",
        )
        arn = await within(self.limit, self.connection.persist(asking, pace, self.progress.trouble))
        if arn != self.pipeline_execution_arn:
            await self.memory.keep_execution(arn, await self.links.of_execution(arn))
        await self._warn_of_another_definition(arn)
        self._start_following(arn)

    async def _warn_of_another_definition(self, pipeline_execution_arn: str) -> None:
        """Warn when the Dag has a new definition: the execution keeps the one it was started with."""
        if self.definition_digest is None:
            return
        asking = self.connection.persist(
            lambda hook: hook.execution_definition(pipeline_execution_arn),
            Pace(self.wait.waiter_delay),
            self.progress.trouble,
        )
        try:
            definition = await within(self.limit, asking)
        except SageMakerServiceError as error:
            self.log.info("Cannot tell whether the Dag has a new definition: %s", error)
            return
        if definition_digest(definition) != self.definition_digest:
            self.log.warning(
                "The execution continues with the code and the definition it was started with, but the Dag has new "
                "ones now. To run those, clear '%s' with its downstream tasks. %s",
                self.launch_task_id,
                see("the-old-script-runs"),
            )

    def _start_following(self, pipeline_execution_arn: str) -> None:
        self.pipeline_execution_arn = pipeline_execution_arn
        self.progress = progress_of(self.awaited.step_name, pipeline_execution_arn, self.log)
