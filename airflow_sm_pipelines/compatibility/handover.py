"""Handing a task back from the triggerer to a worker, and doing something while a trigger is killed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

SETTLED_AFTER: Final = 10.0
"""How long after its start a trigger resumes its task on a worker at the earliest, in seconds.

A task that resumes before the scheduler has heard that its first worker is done is failed by it, as killed from outside
(apache/airflow issues 66374, 71580 and 72716). Nothing tells a trigger when that is.
"""

_under_way: set[asyncio.Task[None]] = set()
"""The work that is seen through. The event loop itself keeps no hold of its tasks."""


async def until_worker_is_done(task_instance: Any, began: float) -> None:
    """Wait until the worker that deferred a task is done with it, as the scheduler sees it.

    :param task_instance: the trigger's; without one, as in ``dag.test()``, there is no scheduler to wait for.
    :param began: when the trigger started, on the event loop's clock.
    """
    if task_instance is not None:
        await asyncio.sleep(max(0.0, began + SETTLED_AFTER - asyncio.get_running_loop().time()))


async def see_through(work: Coroutine[Any, Any, None]) -> None:
    """Do something to its end, also when the trigger that began it is cancelled in the meantime.

    While a trigger is being cancelled Airflow 3.3.2 cancels it again at each of the triggerer's rounds, about once a
    second (``TriggerRunnerSupervisor`` names it in every answer until it is gone). So ``on_kill`` itself has no more
    time than that, whatever ``[triggerer] on_kill_timeout`` says. What is logged after the trigger's end goes to the
    triggerer's log. Does not outlive the triggerer.

    :param work: what to do.
    """
    task = asyncio.get_running_loop().create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    await asyncio.shield(task)
