"""Waiting no longer than a limit allows, in the triggerer itself.

When Airflow ends a wait, the task's log does not say what was last seen, and a worker starts just to fail the task.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import datetime, timezone
from typing import Any, TypeVar

from airflow_sm_pipelines.execution.time_limit import AIRFLOW_SOONER, EXECUTION_TIMEOUT, LONGEST_SOONER, TimeLimit

Result = TypeVar("Result")


async def within(limit: TimeLimit | None, awaitable: Awaitable[Result]) -> Result:
    """Wait for something, but not beyond a limit.

    :param limit: ``None`` for none.
    :param awaitable: what to wait for; cancelled when the time is up.
    :raises asyncio.TimeoutError: when the time is up.
    """
    left = None if limit is None else max(0.0, limit.at - time.time())
    return await asyncio.wait_for(awaitable, left)


def task_limit(trigger: Any, execution_timeout: float | None) -> TimeLimit | None:
    """Return the limit that a task's ``execution_timeout`` sets its trigger, whichever triggerer it runs in.

    A task that started in the triggerer cannot have Airflow's own limit later. So this one is a little sooner:
    Airflow's scheduler would end the wait without saying what was last seen.

    :param trigger: Airflow tells it ``timeout_after``; in ``dag.test()`` it does not.
    :param execution_timeout: the task's, in seconds; ``None`` for none.
    """
    timeout_after: datetime | None = getattr(trigger, "timeout_after", None)
    if execution_timeout is None or timeout_after is None:
        return None
    # SQLite gives times without a zone; they are UTC.
    aware = timeout_after if timeout_after.tzinfo else timeout_after.replace(tzinfo=timezone.utc)
    sooner = min(execution_timeout * AIRFLOW_SOONER, LONGEST_SOONER)
    return TimeLimit(EXECUTION_TIMEOUT, execution_timeout, aware.timestamp() - sooner)
