"""Following one step to its end, through everything that may come before that: trouble, old failures, resuming."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from logging import Logger
from typing import Any

from airflow_sm_pipelines.execution.outcome import Fail, Skip, StepTarget, Succeed, Wait, decide
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.progress import StepProgress
from airflow_sm_pipelines.execution.resume import OnRetry, failure_identity
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.time_limit import TimeLimit
from airflow_sm_pipelines.hooks.resumption import go_on
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.deadline import within
from airflow_sm_pipelines.triggers.memory import TaskMemory, TryEnd
from airflow_sm_pipelines.triggers.watch import Seen, watch_execution
from airflow_sm_pipelines.triggers.xcoms import XComPusher

Ending = Succeed | Fail | Skip


@dataclass(frozen=True)
class Found:
    """How a step ended.

    :param ending: what that means for its task.
    :param snapshot: the execution at that moment; ``None`` when it was never seen.
    :param failure: the identity of the failure, where the step or its execution failed.
    """

    ending: Ending
    snapshot: ExecutionSnapshot | None = None
    failure: str | None = None


@dataclass(frozen=True)
class _OldFailure:
    """The execution is over, and in it the failure that an earlier try ended with."""

    snapshot: ExecutionSnapshot
    failure: str


class StepFollower:
    """Waits for one step, and goes on with a failed execution where this is another try of the step's task.

    A failure that an earlier try ended with is history. Once the execution is over (it cannot be resumed before) it is
    resumed, or another is started, once for all tasks that ask for it. Every other failure is this try's own.

    :param connection: where to look.
    :param target: the step.
    :param on_retry: what to do with a failed execution.
    :param waiter_delay: the longest wait between two looks, in seconds.
    :param limit: when to give up; ``None`` for never.
    :param memory: how earlier tries ended.
    :param pusher: pushes the task's links as they become known.
    :param log: the task's log.
    """

    def __init__(
        self,
        *,
        connection: SharedConnection,
        target: StepTarget,
        on_retry: OnRetry,
        waiter_delay: float,
        limit: TimeLimit | None,
        memory: TaskMemory,
        pusher: XComPusher,
        log: Logger | Any,
    ) -> None:
        self._connection = connection
        self._target = target
        self._on_retry = on_retry
        self._waiter_delay = waiter_delay
        self._limit = limit
        self._memory = memory
        self._pusher = pusher
        self._log = log
        self.pipeline_execution_arn = ""
        self.progress: StepProgress

    async def follow(self, pipeline_execution_arn: str) -> Found:
        """Follow the step until it is over, or until the limit.

        :param pipeline_execution_arn: the execution to begin with; :attr:`pipeline_execution_arn` is the one that is
            followed now.
        :raises SageMakerServiceError: when the service refuses.
        :raises PipelineExecutionError: when a failed execution cannot be gone on with.
        """
        self._start_following(pipeline_execution_arn)
        try:
            return await self._follow(await self._earlier_end())
        except asyncio.TimeoutError:
            if self._limit is None:
                raise
            return Found(Fail(self.timeout_reason))

    @property
    def timeout_reason(self) -> str:
        """Why the wait ended without a result, and what was last seen."""
        what = f"step '{self._target.name}' of {self.pipeline_execution_arn}"
        if self._limit is None:
            return ""
        return f"{self._limit.gave_up(what, self.progress.last_seen)}. The execution is left alone"

    async def _follow(self, earlier: TryEnd | None) -> Found:
        pace = Pace(self._waiter_delay)
        gone_on_after: str | None = None
        while True:
            found = await self._wait(earlier)
            if isinstance(found, Found):
                return found
            if found.failure == gone_on_after:
                # Asked for already; the service does not show it yet.
                await within(self._limit, asyncio.sleep(pace.after_nothing()))
            await self._go_on(found, pace)
            gone_on_after = found.failure
            # That the execution was stopped together with an earlier try is used up: another stop is a failure.
            earlier = TryEnd(self._memory.try_number - 1, failure=found.failure)
            await self._memory.keep(earlier)

    async def _wait(self, earlier: TryEnd | None) -> Found | _OldFailure:
        arn = self.pipeline_execution_arn
        async with watch_execution(arn, self._connection, self._waiter_delay) as subscription:
            while True:
                news = await within(self._limit, subscription.next())
                if not isinstance(news, Seen):
                    self.progress.trouble(news.error)
                    continue
                snapshot = news.snapshot
                self.progress.seen(snapshot)
                await self._pusher.push_links(snapshot, snapshot.steps.get(self._target.name))
                decision = decide(snapshot, self._target)
                if isinstance(decision, Wait):
                    continue
                if not isinstance(decision, Fail):
                    return Found(decision, snapshot)
                failure = failure_identity(snapshot, self._target.name)
                if earlier is None or not earlier.explains(snapshot, self._target):
                    return Found(decision, snapshot, failure)
                if snapshot.status.is_terminal:
                    return _OldFailure(snapshot, failure)
                self.progress.old_failure(snapshot)

    async def _go_on(self, old: _OldFailure, pace: Pace) -> None:
        asking = functools.partial(go_on, snapshot=old.snapshot, on_retry=self._on_retry)
        self._log.info(
            "Step '%s' ended an earlier try of this task: asking SageMaker %s",
            self._target.name,
            "to resume the execution" if self._on_retry is OnRetry.RESUME else "for another execution instead",
        )
        arn = await within(self._limit, self._connection.persist(asking, pace, self.progress.trouble))
        if arn != self.pipeline_execution_arn:
            await self._memory.keep_execution(arn)
        self._start_following(arn)

    async def _earlier_end(self) -> TryEnd | None:
        """How an earlier try ended; not how this one did, when it is run once more after a triggerer died."""
        if self._memory.try_number == 1:
            return None
        end = await self._memory.last_end()
        return None if end is None or end.try_number >= self._memory.try_number else end

    def _start_following(self, pipeline_execution_arn: str) -> None:
        self.pipeline_execution_arn = pipeline_execution_arn
        self.progress = StepProgress(self._log, self._target.name, pipeline_execution_arn)
