from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers import connections
from airflow_sm_pipelines.triggers.connections import shared_connection
from airflow_sm_pipelines.triggers.watch import ExecutionWatch, Subscription, watch_execution
from tests.scripted_service import EXECUTION_ARN, Refusal, step

SOON = 0.01
OTHER_EXECUTION = EXECUTION_ARN.replace("abcdef123456", "fedcba654321")


@asynccontextmanager
async def watching(
    arn: str = EXECUTION_ARN, waiter_delay: float = SOON, region: str = "us-east-1", make_pace=Pace
) -> AsyncIterator[Subscription]:
    async with shared_connection(AwsConnection("aws_default", region)) as connection:
        with watch_execution(arn, connection, waiter_delay, make_pace) as subscription:
            yield subscription


async def until_terminal(**arguments) -> ExecutionStatus:
    async with watching(**arguments) as subscription:
        while True:
            news = await subscription.next()
            if isinstance(news, ExecutionSnapshot) and news.status.is_terminal:
                return news.status


def gated(answer, gate: threading.Event, reached: threading.Event | None = None):
    """An answer that is held back until the gate opens."""

    def wait(_request):
        if reached is not None:
            reached.set()
        assert gate.wait(30)
        return answer

    return wait


def watches() -> list[ExecutionWatch]:
    """The watches of the running event loop."""
    here = connections._connections.get(asyncio.get_running_loop(), {})
    return [watch for connection in here.values() for watch in connection.watches.values()]


async def nobody_is_watching() -> bool:
    """Whether the running event loop has no watch, and every task but the test's own comes to its end."""
    assert watches() == []
    others = asyncio.all_tasks() - {asyncio.current_task()}
    done, _ = await asyncio.wait(others, timeout=30) if others else (set(), set())
    return done == others


async def subscribers(number: int) -> None:
    """Wait until the one watch has so many subscribers."""
    while True:
        if sum(len(each._subscriptions) for each in watches()) == number:
            return
        await asyncio.sleep(0)


async def test_many_waiters_one_poller(service):
    """Fifty waiters of one execution cost the calls of one, and all of them see its end."""
    gate = threading.Event()
    service.execution("Executing", "Succeeded")
    service.answers["DescribePipelineExecution"][0] = gated(service.answers["DescribePipelineExecution"][0], gate)
    service.steps([step("train", "Executing")], [step("train", "Executing")], [step("train", "Succeeded")])
    waiters = [asyncio.create_task(until_terminal()) for _ in range(50)]
    await subscribers(50)
    gate.set()
    assert await asyncio.gather(*waiters) == [ExecutionStatus.SUCCEEDED] * 50
    assert [name for name, _ in service.requests] == [
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
        "ListPipelineExecutionSteps",
        "ListPipelineExecutionSteps",
        "DescribePipelineExecution",
        "ListPipelineExecutionSteps",
    ]
    assert await nobody_is_watching()


async def test_the_last_one_out_cancels_the_poller(service):
    """The poller goes on while anybody waits, and ends with the last waiter."""
    service.execution("Executing")
    service.steps([])
    async with watching() as first:
        async with watching() as second:
            await second.next()
        await first.next()
        [only] = watches()
        poller = only._poller
        assert not poller.done()
    with pytest.raises(asyncio.CancelledError):
        await poller
    assert await nobody_is_watching()


async def test_a_cancelled_waiter_leaves(service):
    """A waiter that is cancelled leaves its watch as one that is done."""
    service.execution("Executing")
    service.steps([])
    waiter = asyncio.create_task(until_terminal())
    await subscribers(1)
    waiter.cancel()
    await asyncio.wait([waiter])
    assert await nobody_is_watching()


async def test_unchanged_looks_are_no_news(service):
    """After the first look, only looks that show a change are handed over."""
    service.execution("Executing")
    service.steps(*[[step("train", "Starting")]] * 3, [step("train", "Executing")])
    async with watching() as subscription:
        seen = [await subscription.next() for _ in range(2)]
    assert [str(news.steps["train"].status) for news in seen] == ["Starting", "Executing"]
    assert service.count("ListPipelineExecutionSteps") == 4


async def test_equal_looks_share_one_snapshot(service):
    """Who joins later is given the snapshot that the others have, when nothing has changed: nothing piles up."""
    service.execution("Executing")
    service.steps([step("train", "Executing")])
    async with watching() as first:
        seen = await first.next()
        async with watching() as second:
            assert (await second.next()) is seen


async def test_an_execution_that_has_been_quiet_is_looked_at_seldom(service):
    """A new triggerer finds executions whose steps started long ago: it does not begin with short waits."""
    waits = []

    class Told(Pace):
        def after_change(self, quiet_for: float = 0.0) -> float:
            waits.append(quiet_for)
            return super().after_change(0.0)

    service.execution("Executing", "Executing", "Succeeded")
    service.steps([step("train", "Executing")], [step("train", "Succeeded")])
    assert await until_terminal(make_pace=Told) is ExecutionStatus.SUCCEEDED
    assert waits[0] > 3600
    assert set(waits[1:]) <= {0.0}


async def test_what_was_seen_before_is_history(service):
    """Who joins gets a look that began after it joined: the failure of an execution resumed since is history."""
    gate, reached = threading.Event(), threading.Event()
    service.execution("Failed", "Executing")
    service.steps([step("train", "Failed")], [step("train", "Executing")])
    service.answers["DescribePipelineExecution"][0] = gated(
        service.answers["DescribePipelineExecution"][0], gate, reached
    )
    async with watching() as early:
        await asyncio.to_thread(reached.wait, 30)
        async with watching() as late:
            gate.set()
            first_of_early, first_of_late = await early.next(), await late.next()
    assert first_of_early.status is ExecutionStatus.FAILED
    assert first_of_late.status is ExecutionStatus.EXECUTING


async def test_who_joins_does_not_wait_for_the_long_interval(service):
    """A new waiter gets its look at once, although the watch had settled into long waits."""
    service.execution("Executing")
    service.steps([])

    def long_waits(longest: float) -> Pace:
        pace = Pace(longest, shortest=SOON)
        pace.after_change = pace.after_nothing = lambda *_: 3600.0  # type: ignore[method-assign]
        return pace

    async with watching(waiter_delay=3600, make_pace=long_waits) as first:
        await first.next()
        async with watching(waiter_delay=3600) as second:
            assert (await asyncio.wait_for(second.next(), 30)).status is ExecutionStatus.EXECUTING


async def test_throttling_goes_on(service):
    """Throttling, server errors and silence are told to the waiters and do not end the watch."""
    service.execution("Executing")
    service.answers["DescribePipelineExecution"][:0] = [
        Refusal("ThrottlingException", "Rate exceeded"),
        Refusal("InternalFailure", "sorry", 500),
    ]
    service.steps([])
    async with watching() as subscription:
        news = [await subscription.next() for _ in range(3)]
    assert [each.code for each in news if isinstance(each, SageMakerServiceError)] == [
        "ThrottlingException",
        "InternalFailure",
    ]
    assert isinstance(news[2], ExecutionSnapshot)


async def test_the_end_of_trouble_is_news(service):
    """The look after trouble is handed over although it shows what was there before."""
    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [
        {"PipelineExecutionSteps": [step("train", "Executing")]},
        Refusal("ThrottlingException", "Rate exceeded"),
        {"PipelineExecutionSteps": [step("train", "Executing")]},
    ]
    async with watching() as subscription:
        news = [await subscription.next() for _ in range(3)]
    assert [type(each) for each in news] == [ExecutionSnapshot, SageMakerServiceError, ExecutionSnapshot]
    assert news[0] == news[2]


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("AccessDeniedException", "not authorized"),
        Refusal("ResourceNotFound", "no such execution"),
        Refusal("ValidationException", "bad ARN"),
    ],
)
async def test_a_refusal_fails_all_waiters_at_once(service, refusal):
    """What will not pass fails every waiter with the service's words, and the watch is over."""
    gate = threading.Event()
    service.answers["DescribePipelineExecution"] = [gated(refusal, gate)]
    waiters = [asyncio.create_task(until_terminal()) for _ in range(5)]
    await subscribers(5)
    gate.set()
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    assert [type(error) for error in errors] == [SageMakerServiceError] * 5
    assert {error.code for error in errors} == {refusal.code}
    assert all(f"{refusal.code}: {refusal.message}" in str(error) for error in errors)
    assert service.count("DescribePipelineExecution") == 1
    assert await nobody_is_watching()


async def test_a_failed_watch_is_not_joined(service):
    """Who comes after a watch has failed starts a new one, also while others still leave the old one."""
    service.execution("Succeeded")
    service.answers["DescribePipelineExecution"].insert(0, Refusal("AccessDeniedException", "no"))
    service.steps([])
    async with watching() as failing:
        with pytest.raises(SageMakerServiceError, match="AccessDeniedException: no"):
            await failing.next()
        assert await until_terminal() is ExecutionStatus.SUCCEEDED
        with pytest.raises(SageMakerServiceError, match="AccessDeniedException: no"):
            await failing.next()
    assert await nobody_is_watching()


async def test_an_answer_nobody_understands_fails_all_waiters(service):
    """An error of any other kind reaches every waiter, too; nobody waits for a poller that has died."""
    service.answers["DescribePipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    service.steps([])
    errors = await asyncio.gather(*(until_terminal() for _ in range(3)), return_exceptions=True)
    assert [repr(error) for error in errors] == ["KeyError('PipelineExecutionStatus')"] * 3


async def test_other_executions_and_connections_are_watched_apart(service):
    """Another execution, and another connection or region, has a watch of its own."""
    service.answers["DescribePipelineExecution"] = [
        lambda request: {
            "PipelineExecutionArn": request["PipelineExecutionArn"],
            "PipelineExecutionStatus": "Succeeded" if request["PipelineExecutionArn"] == EXECUTION_ARN else "Stopped",
        }
    ]
    service.steps([])
    assert await asyncio.gather(
        until_terminal(), until_terminal(arn=OTHER_EXECUTION), until_terminal(region="eu-west-1")
    ) == [ExecutionStatus.SUCCEEDED, ExecutionStatus.STOPPED, ExecutionStatus.SUCCEEDED]
    assert service.count("DescribePipelineExecution") == 3


async def test_the_smallest_waiter_delay_holds(service):
    """The watch never waits longer than the most impatient of its waiters asks for."""
    service.execution("Executing")
    service.steps([])
    paces: list[Pace] = []

    def make_pace(longest: float) -> Pace:
        paces.append(Pace(longest))
        return paces[-1]

    async with watching(waiter_delay=60, make_pace=make_pace):
        longest = [paces[0].longest]
        async with watching(waiter_delay=5, make_pace=make_pace):
            longest.append(paces[0].longest)
        longest.append(paces[0].longest)
    assert (longest, len(paces)) == ([60, 5, 60], 1)


async def test_the_poller_belongs_to_no_trigger(service):
    """The poller runs in no trigger's context: what it logs must not go to the first trigger's log."""
    owner: ContextVar[str] = ContextVar("owner", default="nobody")
    owners: list[str] = []

    noted = asyncio.Event()

    class Noting(Pace):
        def after_change(self, quiet_for: float = 0.0) -> float:
            owners.append(owner.get())
            noted.set()
            return super().after_change(quiet_for)

    service.execution("Executing")
    service.steps([])
    owner.set("the first trigger")
    async with watching(make_pace=Noting):
        await asyncio.wait_for(noted.wait(), 30)
    assert owners == ["nobody"]


def test_several_event_loops(service):
    """Watches in several event loops, one after the other and at the same time, do not meet."""
    service.execution("Succeeded")
    service.steps([])
    for _ in range(3):
        assert asyncio.run(until_terminal()) is ExecutionStatus.SUCCEEDED
    seen: list[ExecutionStatus] = []
    threads = [threading.Thread(target=lambda: seen.append(asyncio.run(until_terminal()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [ExecutionStatus.SUCCEEDED] * 3


def test_an_event_loop_that_ends_early(service):
    """An event loop that is closed while somebody waits leaves nothing that a next one trips over."""
    service.execution("Executing", "Succeeded")
    service.steps([])

    async def leave_waiting() -> None:
        asyncio.get_running_loop().waiter = asyncio.create_task(until_terminal())  # type: ignore[attr-defined]
        await subscribers(1)

    asyncio.run(leave_waiting())
    assert asyncio.run(until_terminal()) is ExecutionStatus.SUCCEEDED
    kept = connections._connections.items()
    assert [loop for loop, each in kept if loop.is_closed() and any(one.watches for one in each.values())] == []
