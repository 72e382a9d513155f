"""Skip reading an execution while it cannot have changed.

Most of the time an execution waits for a job that runs for minutes or hours, and every look at it shows the same. The
list of the jobs that run holds a hundred executions' jobs in one call. While an execution's jobs are all in it, nothing
can have changed there: its next step starts when one of them has ended.

``ListPipelineExecutions`` would not do: its summaries have the execution's status only, no step and no time of change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, Final

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot

FEWEST_WATCHES: Final = 5
"""With fewer executions than this, looking at each costs no more calls than the lists do."""

SETTLED_AFTER: Final = 20.0
"""An execution must have looked the same for so long, in seconds: steps that start together do not appear together, and
the end of a job is seen before that of its step."""

INTERVALS_PER_LOOK: Final = 30
"""An execution is looked at after so many intervals anyway, whatever the lists say."""


@dataclass(frozen=True, eq=False)
class _Waiter:
    """Who is woken when one of some jobs has ended.

    :param jobs: their ARNs by type of resource.
    :param since: when it began to wait, on the event loop's clock.
    :param waiter_delay: how often they are to be looked at, in seconds.
    :param wake: called once, with whether a job has ended.
    """

    jobs: Mapping[str, Collection[str]]
    since: float
    waiter_delay: float
    wake: Callable[[bool], None]

    def still_waits(self, running: Mapping[str, frozenset[str]]) -> bool:
        """Whether all of the jobs run.

        :param running: the ARNs of all jobs that run, by type of resource.
        """
        return all(running[resource_type].issuperset(arns) for resource_type, arns in self.jobs.items())


class RunningJobs:
    """The jobs that run over one connection, listed again and again for all executions that wait for some of them.

    :param run: calls a function with the hook, in a thread.
    :param on_refusal: told why the jobs cannot be listed; they are not asked for again.
    :param watches: the watches of the connection.
    """

    def __init__(
        self,
        run: Callable[[Callable[[Any], Any]], Awaitable[Any]],
        on_refusal: Callable[[SageMakerServiceError], None],
        watches: Sized,
    ) -> None:
        self._watches = watches
        self._run = run
        self._on_refusal = on_refusal
        self._refused = False
        self._waiters: set[_Waiter] = set()
        self._lister: asyncio.Task[None] | None = None
        self._interval = 0.0
        self._in_trouble = False
        self._due = asyncio.Event()

    @property
    def pay_off(self) -> bool:
        """Whether the jobs may be listed, and listing them takes fewer calls than looking at each execution does."""
        return not self._refused and len(self._watches) >= FEWEST_WATCHES

    def allow(self) -> None:
        """Ask for lists again: they were refused to other credentials."""
        self._refused = False

    @contextmanager
    def waiting(self, job_arns: Collection[str], waiter_delay: float, wake: Callable[[bool], None]) -> Iterator[None]:
        """Have oneself woken when one of some jobs is seen not to run any more, or when the jobs cannot be listed.

        Where they may not be listed that is at once. While the service is unavailable it is after two intervals: to
        look at each execution instead would only add to that.

        :param job_arns: processing and training jobs that run. What was listed before does not count.
        :param waiter_delay: how often the jobs are to be looked at, in seconds; the smallest of all holds.
        :param wake: called once at most, within the block, with whether a job has ended.
        """
        jobs: dict[str, list[str]] = {}
        for arn in job_arns:
            jobs.setdefault(ResourceArn.parse(arn).resource_type, []).append(arn)
        waiter = _Waiter(jobs, asyncio.get_running_loop().time(), waiter_delay, wake)
        self._waiters.add(waiter)
        if self._lister is None or self._lister.done():
            # In an empty context: it belongs to no trigger.
            self._lister = Context().run(asyncio.get_running_loop().create_task, self._list_again_and_again())
            self._lister.add_done_callback(self._lister_ended)
        elif waiter_delay < self._interval and not self._in_trouble:
            self._due.set()
        try:
            yield
        finally:
            self._waiters.discard(waiter)
            if not self._waiters and self._lister is not None:
                self._lister.cancel()
                self._lister = None

    async def _list_again_and_again(self) -> None:
        loop, pace = asyncio.get_running_loop(), Pace(SETTLED_AFTER)
        listed_at, took = loop.time(), 0.0
        self._in_trouble = False
        due_at: float | None = None
        while self._waiters and not self._refused:
            self._interval = min(waiter.waiter_delay for waiter in self._waiters)
            # Where a list takes long, at most half of the time is spent on lists.
            await self._until(listed_at + max(self._interval, 2 * took) if due_at is None else due_at)
            waiters, begun = tuple(self._waiters), loop.time()
            try:
                running = await self._list({resource_type for waiter in waiters for resource_type in waiter.jobs})
            except SageMakerServiceError as error:
                self._refused = not error.retryable
                if self._refused:
                    self._on_refusal(error)
                self._in_trouble = True
                self._wake(
                    (
                        each
                        for each in waiters
                        if self._refused or begun - max(listed_at, each.since) > 2 * each.waiter_delay
                    ),
                    job_has_ended=False,
                )
                due_at = max(loop.time() + pace.after_trouble(), listed_at + self._interval)
            else:
                self._wake((each for each in waiters if not each.still_waits(running)), job_has_ended=True)
                pace.after_nothing()
                self._in_trouble = False
                listed_at, took, due_at = begun, loop.time() - begun, None

    async def _until(self, due_at: float) -> None:
        """Wait for a time on the event loop's clock, or for who wants a list sooner."""
        self._due.clear()
        timer = asyncio.get_running_loop().call_at(due_at, self._due.set)
        try:
            await self._due.wait()
        finally:
            timer.cancel()

    async def _list(self, resource_types: Collection[str]) -> dict[str, frozenset[str]]:
        return {each: await self._run(methodcaller("running_job_arns", each)) for each in sorted(resource_types)}

    def _wake(self, waiters: Iterable[_Waiter], job_has_ended: bool) -> None:
        for waiter in self._waiters.intersection(waiters):
            self._waiters.discard(waiter)
            waiter.wake(job_has_ended)

    def _lister_ended(self, lister: asyncio.Task[None]) -> None:
        """Nobody waits for lists that do not come, whatever they ended with: asyncio logs that."""
        if self._lister is lister:
            self._lister = None
            self._wake(self._waiters, job_has_ended=False)


class LookSaver:
    """Says for one execution which jobs it waits for, once nothing else is to be expected of it."""

    def __init__(self) -> None:
        self._snapshot: ExecutionSnapshot | None = None
        self._changed_at = 0.0
        self._unlisted: ExecutionSnapshot | None = None

    def looked(self, snapshot: ExecutionSnapshot, changed: bool, quiet_for: float = 0.0) -> None:
        """Take note of a look.

        :param snapshot: what it showed.
        :param changed: whether that was something new.
        :param quiet_for: for how many seconds it has been as it is, where that is known.
        """
        self._snapshot = snapshot
        if changed:
            self._changed_at = asyncio.get_running_loop().time() - quiet_for

    def job_ended(self) -> None:
        """Expect something: the end of a job is seen before that of its step.

        Until the execution changes it is looked at: a job that is in no list would be seen to end again and again.
        """
        self._changed_at = asyncio.get_running_loop().time()
        self._unlisted = self._snapshot

    @property
    def awaited_jobs(self) -> frozenset[str]:
        """The jobs that have to end before anything changes; empty where something else may come first."""
        if self._snapshot is None or self._snapshot is self._unlisted:
            return frozenset()
        if asyncio.get_running_loop().time() - self._changed_at < SETTLED_AFTER:
            return frozenset()
        return self._snapshot.awaited_jobs
