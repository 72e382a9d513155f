from __future__ import annotations

import asyncio

from airflow_sm_pipelines.execution.quiet import Launched
from airflow_sm_pipelines.triggers import launches
from airflow_sm_pipelines.triggers.launches import read_execution_arn, read_launched
from tests.fake_triggerer import LAUNCH, Triggerer

QUIET = {"at": 2e9, "clears": 0, "listens": False}


async def test_it_is_read_once_for_all_steps_of_an_execution(triggerer: Triggerer):
    """Also when they ask at the same time; another execution is another launch."""
    triggerer.launch_xcoms["launched"] = QUIET
    asking = [read_launched(triggerer.task_instance, LAUNCH, arn) for arn in ("arn-1", "arn-1", "arn-1", "arn-2")]
    assert await asyncio.gather(*asking) == [Launched(**QUIET)] * 4
    assert triggerer.read == ["launched", "launched"]


async def test_what_is_not_there_yet_is_read_again(triggerer: Triggerer):
    """Nothing is known for good before the launch task has left it."""
    assert await read_launched(triggerer.task_instance, LAUNCH, "arn-1") is None
    triggerer.launch_xcoms["launched"] = QUIET
    assert await read_launched(triggerer.task_instance, LAUNCH, "arn-1") == Launched(**QUIET)


async def test_only_so_many_executions_are_known(triggerer: Triggerer, monkeypatch):
    """What was asked for last stays: a triggerer runs for months."""
    monkeypatch.setattr(launches, "MOST_KNOWN", 2)
    triggerer.launch_xcoms["launched"] = QUIET
    for arn in ("arn-1", "arn-2", "arn-1", "arn-3", "arn-1", "arn-2"):
        await read_launched(triggerer.task_instance, LAUNCH, arn)
    assert len(triggerer.read) == 4


async def test_a_triggerer_that_cannot_be_asked_is_asked_again(triggerer: Triggerer, monkeypatch):
    """A failure is that of whoever asked, and is not kept."""
    triggerer.launch_xcoms["launched"] = QUIET
    answer = triggerer.asend

    async def fail(_message):
        raise ConnectionError("the supervisor is gone")

    monkeypatch.setattr(triggerer, "asend", fail)
    [failure] = await asyncio.gather(read_launched(triggerer.task_instance, LAUNCH, "arn-1"), return_exceptions=True)
    assert isinstance(failure, ConnectionError)
    monkeypatch.setattr(triggerer, "asend", answer)
    assert await read_launched(triggerer.task_instance, LAUNCH, "arn-1") == Launched(**QUIET)


async def test_steps_that_become_ready_together_share_a_read(triggerer: Triggerer, monkeypatch):
    """Who asks while an answer is under way gets a later one: meanwhile another execution may have been launched."""
    triggerer.launch_xcoms["return_value"] = "arn-1"
    answer, asked, go_on = triggerer.asend, asyncio.Event(), asyncio.Event()

    async def answer_late(message):
        answered = await answer(message)
        asked.set()
        await go_on.wait()
        return answered

    monkeypatch.setattr(triggerer, "asend", answer_late)

    async def ask():
        return await read_execution_arn(triggerer.task_instance, LAUNCH)

    first = asyncio.create_task(ask())
    await asked.wait()
    triggerer.launch_xcoms["return_value"] = "arn-2"
    others = [asyncio.create_task(ask()) for _ in range(3)]
    await asyncio.sleep(0)
    go_on.set()
    assert (await first, await asyncio.gather(*others)) == ("arn-1", ["arn-2"] * 3)
    assert triggerer.read == ["return_value"] * 2
    assert await ask() == "arn-2"
    assert triggerer.read == ["return_value"] * 3


async def test_a_read_that_fails_is_that_of_one(triggerer: Triggerer, monkeypatch):
    """The others that asked with it ask again."""
    triggerer.launch_xcoms["return_value"] = "arn-1"
    answer = triggerer.asend
    failures = [ConnectionError("the supervisor is busy")]

    async def fail_once(message):
        await asyncio.sleep(0)
        if failures:
            raise failures.pop()
        return await answer(message)

    monkeypatch.setattr(triggerer, "asend", fail_once)
    asking = [read_execution_arn(triggerer.task_instance, LAUNCH) for _ in range(3)]
    failure, *found = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(failure, ConnectionError)
    assert (found, triggerer.read) == (["arn-1", "arn-1"], ["return_value"])
