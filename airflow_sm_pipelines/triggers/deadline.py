"""Time limits of waits, applied in the triggerer.

When Airflow ends a wait, the task's log does not say what was last seen, and a worker starts just to fail the task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from airflow_sm_pipelines.execution.time_limit import TimeLimit

Result = TypeVar("Result")


def within(limit: TimeLimit | None, awaitable: Awaitable[Result]) -> Awaitable[Result]:
    """Return what waits for something, but not beyond a limit. To be awaited at once.

    Without a limit that is the thing itself: a coroutine around it would cost memory for as long as each trigger waits.

    :param limit: ``None`` for none.
    :param awaitable: what to wait for; cancelled when the time is up.
    :raises asyncio.TimeoutError: when the time is up.
    """
    if limit is None:
        return awaitable
    return asyncio.wait_for(awaitable, max(0.0, limit.at - time.time()))
