"""Not asking about an execution while it cannot have changed.

Most of the time an execution waits for a job that runs for minutes or hours, and every look at it shows the same. The
list of the jobs that run holds a hundred executions' jobs in one call. While an execution's jobs are all in it, nothing
can have changed there: its next step starts when one of them has ended.

``ListPipelineExecutions`` would not do: its summaries have the execution's status only, no step and no time of change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sized
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.arn import ResourceArn
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot

FEWEST_WATCHES: Final = 5
"""With fewer executions than this, looking at each costs no more calls than the lists do."""

SETTLED_AFTER: Final = 20.0
"""An execution must have looked the same for so long, in seconds: steps that start together do not appear together."""

LOOKS_PER_REAL_LOOK: Final = 10
"""One look in so many is made all the same, whatever the lists say."""


@dataclass(frozen=True)
class _JobList:
    """The ARNs of jobs, when they were listed on the event loop's clock, and how many seconds that took."""

    arns: frozenset[str]
    at: float
    took: float


class RunningJobs:
    """The jobs that run over one connection, listed once for all executions that ask within a short time.

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
        self._lists: dict[str, _JobList] = {}
        self._listing: dict[str, asyncio.Lock] = {}

    @property
    def pay_off(self) -> bool:
        """Whether so many executions are watched that listing the jobs takes fewer calls than looking at each."""
        return len(self._watches) >= FEWEST_WATCHES

    async def include(self, job_arns: Collection[str], waiter_delay: float) -> bool:
        """Whether all of some jobs run. False also where the jobs cannot be listed.

        A list serves for a quarter of the waiter_delay, and one that took long to make for longer, though no more than
        the waiter_delay. So does an older one while the service is in trouble: looking at each execution instead would
        only add to that.

        :param job_arns: processing and training jobs.
        :param waiter_delay: how often a job is to be looked at, in seconds.
        """
        for resource_type in sorted({ResourceArn.parse(arn).resource_type for arn in job_arns}):
            arns = {arn for arn in job_arns if ResourceArn.parse(arn).resource_type == resource_type}
            if not arns <= await self._list(resource_type, waiter_delay):
                return False
        return True

    async def _list(self, resource_type: str, waiter_delay: float) -> frozenset[str]:
        loop = asyncio.get_running_loop()
        async with self._listing.setdefault(resource_type, asyncio.Lock()):
            now = loop.time()
            if self._refused:
                return frozenset()
            known = self._lists.get(resource_type) or _JobList(frozenset(), float("-inf"), 0.0)
            if now - known.at <= max(waiter_delay / 4, min(waiter_delay, 5 * known.took)):
                return known.arns
            try:
                arns = await self._run(lambda hook: hook.running_job_arns(resource_type))
            except SageMakerServiceError as error:
                if not error.retryable:
                    self._refused = True
                    self._on_refusal(error)
                # Trouble of the service is told by the looks that are made once the list is too old.
                return known.arns if error.retryable and now - known.at <= waiter_delay else frozenset()
            self._lists[resource_type] = _JobList(arns, now, loop.time() - now)
            return self._lists[resource_type].arns


class LookSaver:
    """Says for one execution when a look can be left out.

    :param jobs: of the connection.
    """

    def __init__(self, jobs: RunningJobs) -> None:
        self._jobs = jobs
        self._awaited: frozenset[str] = frozenset()
        self._changed_at = 0.0
        self._looked_at = 0.0
        self._left_out = 0

    def looked(self, snapshot: ExecutionSnapshot, changed: bool, quiet_for: float = 0.0) -> None:
        """Take note of a look.

        :param snapshot: what it showed.
        :param changed: whether that was something new.
        :param quiet_for: for how many seconds it has been as it is, where that is known.
        """
        self._looked_at = asyncio.get_running_loop().time()
        if changed:
            self._changed_at = self._looked_at - quiet_for
        self._awaited = snapshot.awaited_jobs
        self._left_out = 0

    async def can_leave_out(self, waiter_delay: float) -> bool:
        """Whether the next look would show what the last one did.

        :param waiter_delay: seconds between two looks.
        """
        if not self._jobs.pay_off or not self._awaited:
            return False
        if self._looked_at - self._changed_at < SETTLED_AFTER or self._left_out >= LOOKS_PER_REAL_LOOK - 1:
            return False
        if not await self._jobs.include(self._awaited, waiter_delay):
            return False
        self._left_out += 1
        return True
