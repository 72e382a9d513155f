"""Threads of a triggerer that may ask its supervisor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def in_thread(function: Callable[[], Result]) -> Result:
    """Call a function in a thread, from a trigger. The function may read connections, and have secrets masked.

    Both send messages to the triggerer's supervisor and wait for the answers.

    :param function: what to call; it may block.
    """
    # Late, and not while a Dag file is parsed: the module loads much of Airflow.
    from airflow.jobs.triggerer_job_runner import TriggerCommsDecoder

    if hasattr(TriggerCommsDecoder, "start_reader"):
        return await asyncio.to_thread(function)
    # Before Airflow 3.2 a message from any other thread reads the answer to another one. Not later: asgiref drops what
    # a cancellation says, by which Airflow knows a kill.
    from asgiref.sync import sync_to_async

    called: Result = await sync_to_async(function, thread_sensitive=False)()
    return called
