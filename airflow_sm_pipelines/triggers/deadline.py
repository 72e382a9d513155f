"""Waiting no longer than a limit allows, in the triggerer itself.

When Airflow ends a wait, the task's log does not say what was last seen, and a worker starts just to fail the task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from airflow_sm_pipelines.execution.time_limit import TimeLimit

Result = TypeVar("Result")


async def within(limit: TimeLimit | None, awaitable: Awaitable[Result]) -> Result:
    """Wait for something, but not beyond a limit.

    :param limit: ``None`` for none.
    :param awaitable: what to wait for; cancelled when the time is up.
    :raises asyncio.TimeoutError: when the time is up.
    """
    left = None if limit is None else max(0.0, limit.at - time.time())
    return await asyncio.wait_for(awaitable, left)
