from __future__ import annotations

import asyncio
import threading

import pytest

from airflow_sm_pipelines.compatibility.threads import in_thread
from tests.versions import in_triggerer


async def test_a_function_is_called_in_another_thread():
    """Its result and its exceptions are the caller's."""
    assert await in_thread(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0)


@in_triggerer
async def test_a_cancellation_says_why():
    """By the message Airflow tells a kill from a triggerer that ends, also while a connection is read."""
    begun, done = threading.Event(), threading.Event()

    def read():
        begun.set()
        done.wait(10)

    async def look():
        # Where the trigger's task sees it, as Airflow does: before Python 3.11 who awaits the task is told nothing.
        with pytest.raises(asyncio.CancelledError) as caught:
            await in_thread(read)
        return caught.value.args

    looking = asyncio.create_task(look())
    assert await asyncio.to_thread(begun.wait, 10)
    looking.cancel("killed")
    said = await looking
    done.set()
    assert said == ("killed",)
