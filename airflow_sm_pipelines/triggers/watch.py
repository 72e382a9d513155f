"""One watch per execution: one poller that all triggers of its steps share.

A triggerer runs all its triggers in one process on one event loop, so module state is shared by them. The
first trigger that waits for an execution starts the poller, the last one out cancels it. What the poller sees
it hands to the triggers; these decide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import Context
from datetime import datetime, timezone

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.triggers.connections import SharedConnection
from airflow_sm_pipelines.triggers.running_jobs import INTERVALS_PER_LOOK, LookSaver


class Subscription:
    """One waiter's end of a watch. Get it from :func:`watch_execution`.

    :param waiter_delay: the longest wait between two looks that this waiter asks for, in seconds.
    :param looks_begun: how many looks had begun when it subscribed; these do not count for it.
    """

    def __init__(self, waiter_delay: float, looks_begun: int) -> None:
        self.waiter_delay = waiter_delay
        self.looks_begun = looks_begun
        self.has_seen = False
        self._news: ExecutionSnapshot | SageMakerServiceError
        self._error: Exception | None = None
        self._arrived = False
        # Not an asyncio.Event, whose queue of waiters takes 760 bytes; there is one waiter.
        self._waiter: asyncio.Future[None] | None = None

    async def next(self) -> ExecutionSnapshot | SageMakerServiceError:
        """Wait for news: the first look, then every look that shows a change, and every trouble, which may pass.

        Whoever is slow gets the latest only. The first look began after the subscription: what a watch knew
        before may be history, such as the failure of an execution that was resumed since.

        :raises Exception: what ended the watch, such as a :class:`SageMakerServiceError` that will not pass.
        """
        while not self._arrived:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._error is not None:
            # All waiters raise this one object: without what the others added to its traceback.
            raise self._error.with_traceback(None)
        self._arrived = False
        return self._news

    def tell(self, news: ExecutionSnapshot | SageMakerServiceError) -> None:
        """Hand over news.

        :param news: what happened.
        """
        self._news = news
        self._wake()

    def fail(self, error: Exception) -> None:
        """End the subscription.

        :param error: raised by :meth:`next` from now on.
        """
        self._error = error
        self._wake()

    def _wake(self) -> None:
        self._arrived = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class ExecutionWatch:
    """Looks at one execution for as long as someone waits for it.

    :param pipeline_execution_arn: the execution.
    :param connection: where to ask.
    :param pace: how long to wait between two looks.
    :param on_end: called when the watch is over and must not be joined any more.
    """

    def __init__(
        self,
        pipeline_execution_arn: str,
        connection: SharedConnection,
        pace: Pace,
        on_end: Callable[[], None],
    ) -> None:
        self._arn = pipeline_execution_arn
        self._connection = connection
        self._pace = pace
        self._on_end = on_end
        self._subscriptions: set[Subscription] = set()
        self._looks_begun = 0
        self._snapshot: ExecutionSnapshot | None = None
        self._wanted = asyncio.Event()
        self._poller: asyncio.Task[None] | None = None
        self._saver = LookSaver()

    @contextmanager
    def subscribe(self, waiter_delay: float) -> Iterator[Subscription]:
        """Join. The last one to leave cancels the poller.

        :param waiter_delay: the longest wait between two looks, in seconds; the smallest of all holds.
        """
        subscription = Subscription(waiter_delay, self._looks_begun)
        self._subscriptions.add(subscription)
        self._pace.longest = min(other.waiter_delay for other in self._subscriptions)
        self._wanted.set()
        if self._poller is None:
            # In an empty context: the poller belongs to no trigger, its log lines must not either.
            loop = asyncio.get_running_loop()
            self._poller = Context().run(loop.create_task, self._poll())
        poller = self._poller
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            if self._subscriptions:
                self._pace.longest = min(other.waiter_delay for other in self._subscriptions)
            else:
                poller.cancel()
                self._on_end()

    async def _poll(self) -> None:
        try:
            while True:
                self._wanted.clear()
                self._looks_begun += 1
                try:
                    snapshot = await self._connection.run(self._look)
                except SageMakerServiceError as error:
                    if not error.retryable:
                        raise
                    self._tell_trouble(error)
                    await asyncio.sleep(self._pace.after_trouble())
                    continue
                quiet_for = snapshot.quiet_for(datetime.now(timezone.utc)) if self._snapshot is None else 0.0
                changed = snapshot != self._snapshot
                if self._snapshot is None or changed:
                    self._snapshot = snapshot
                else:
                    # Kept instead of an equal one: thousands of objects that live from look to look would set off full
                    # garbage collections, which hold up the event loop.
                    snapshot = self._snapshot
                self._saver.looked(snapshot, changed, quiet_for)
                self._tell_seen(snapshot, changed)
                seconds = self._pace.after_change(quiet_for) if changed else self._pace.after_nothing()
                jobs = self._connection.running_jobs
                if jobs.pay_off and (awaited := self._saver.awaited_jobs):
                    with jobs.waiting(awaited, self._pace.longest, self._woken):
                        await self._pause(seconds * INTERVALS_PER_LOOK)
                else:
                    await self._pause(seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, each waiter raises it in its own task
            self._on_end()
            for subscription in self._subscriptions:
                subscription.fail(error)

    def _woken(self, job_has_ended: bool) -> None:
        if job_has_ended:
            self._saver.job_ended()
            self._pace.after_change()
        self._wanted.set()

    def _look(self, hook: SageMakerPipelineHook) -> ExecutionSnapshot:
        return hook.snapshot(self._arn, previous=self._snapshot)

    def _tell_seen(self, snapshot: ExecutionSnapshot, changed: bool) -> None:
        for subscription in self._subscriptions:
            counts = self._looks_begun > subscription.looks_begun
            if counts and (changed or not subscription.has_seen):
                subscription.has_seen = True
                subscription.tell(snapshot)

    def _tell_trouble(self, error: SageMakerServiceError) -> None:
        for subscription in self._subscriptions:
            # The next look is news even when it shows what was there before: the trouble is over.
            subscription.has_seen = False
            subscription.tell(error)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not long when someone joins; those who join together share the next look."""
        loop = asyncio.get_running_loop()
        earliest = loop.time() + min(self._pace.shortest, seconds)
        # Not asyncio.wait_for, which makes a task each time: thousands of watches pause all the time.
        timer = loop.call_later(seconds, self._wanted.set)
        try:
            await self._wanted.wait()
        finally:
            timer.cancel()
        await asyncio.sleep(max(0.0, earliest - loop.time()))


def watch_execution(
    pipeline_execution_arn: str,
    connection: SharedConnection,
    waiter_delay: float,
    make_pace: Callable[[float], Pace] = Pace,
) -> AbstractContextManager[Subscription]:
    """Join the watch of an execution; it is shared by all who wait for it over the same connection.

    :param pipeline_execution_arn: the execution.
    :param connection: where to ask.
    :param waiter_delay: the longest wait between two looks, in seconds.
    :param make_pace: makes the pace of a new watch from the waiter_delay; a parameter for tests.
    """
    watches, key = connection.watches, pipeline_execution_arn
    watch: ExecutionWatch | None = watches.get(key)
    if watch is None:

        def forget() -> None:
            if watches.get(key) is watch:
                del watches[key]

        watch = ExecutionWatch(pipeline_execution_arn, connection, make_pace(waiter_delay), forget)
        watches[key] = watch
    return watch.subscribe(waiter_delay)
