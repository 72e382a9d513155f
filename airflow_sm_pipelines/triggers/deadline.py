"""When a trigger gives up waiting, and why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timezone
from typing import TypeVar

Result = TypeVar("Result")


class Deadline:
    """The earliest of the limits of one wait; there may be none.

    Ends the wait in the triggerer itself: when Airflow ends it, the task's log does not say what was last seen, and a
    worker has to start just to fail the task.

    :param waiter_delay: seconds.
    :param waiter_max_attempts: the wait has ``waiter_delay`` times this from now on; ``None`` for no such limit.
    :param timeout_after: when the task runs into its ``execution_timeout``, as Airflow tells triggers; ``None`` for
        no such limit.
    """

    def __init__(
        self, waiter_delay: float, waiter_max_attempts: int | None, timeout_after: datetime | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._at: float | None = None
        self.reason = ""
        if waiter_max_attempts is not None:
            seconds = waiter_delay * waiter_max_attempts
            how = f"waiter_delay {waiter_delay:g} x waiter_max_attempts {waiter_max_attempts}"
            self._limit(seconds, f"after {seconds:g} seconds ({how})")
        if timeout_after is not None:
            # Airflow's own database gives times without a zone for SQLite; they are UTC.
            aware = timeout_after if timeout_after.tzinfo else timeout_after.replace(tzinfo=timezone.utc)
            left = (aware - datetime.now(timezone.utc)).total_seconds()
            self._limit(max(0.0, left), "since its execution_timeout ran out")

    def _limit(self, seconds: float, reason: str) -> None:
        at = self._loop.time() + seconds
        if self._at is None or at < self._at:
            self._at, self.reason = at, reason

    async def bound(self, awaitable: Awaitable[Result]) -> Result:
        """Wait for something, but not beyond the deadline.

        :param awaitable: what to wait for; cancelled when the time is up.
        :raises asyncio.TimeoutError: when the time is up.
        """
        left = None if self._at is None else max(0.0, self._at - self._loop.time())
        return await asyncio.wait_for(awaitable, left)
