"""Handing a task back from the triggerer to a worker."""

from __future__ import annotations

import asyncio
from typing import Any

#: How long after its start a trigger resumes its task on a worker at the earliest, in seconds. A task that goes on
#: before the scheduler has heard that its first worker is done is failed by it, as killed from outside (apache/airflow
#: issues 66374, 71580 and 72716). Nothing tells a trigger when that is.
SETTLED_AFTER = 10.0


async def until_worker_is_done(task_instance: Any, began: float) -> None:
    """Wait until the worker that deferred a task is done with it, as the scheduler sees it.

    :param task_instance: the trigger's; without one, as in ``dag.test()``, there is no scheduler to wait for.
    :param began: when the trigger started, on the event loop's clock.
    """
    if task_instance is not None:
        await asyncio.sleep(max(0.0, began + SETTLED_AFTER - asyncio.get_running_loop().time()))
