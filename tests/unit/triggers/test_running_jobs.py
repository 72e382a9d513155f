from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass

import pytest

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers import running_jobs, watch
from airflow_sm_pipelines.triggers.connections import shared_connection
from tests.scripted_service import EXECUTION_ARN, Refusal, step

JOBS = "arn:aws:sagemaker:us-east-1:123456789012:"
TRAINING = f"{JOBS}training-job/pipelines-abc-train"
PROCESSING = f"{JOBS}processing-job/pipelines-abc-prepare"


def training(name: str = "train", status: str = "Executing", arn: str = TRAINING) -> dict:
    return step(name, status, Metadata={"TrainingJob": {"Arn": arn}})


def processing(status: str = "Executing") -> dict:
    return step("prepare", status, Metadata={"ProcessingJob": {"Arn": PROCESSING}})


@pytest.mark.parametrize(
    ("steps", "awaited"),
    [
        ([], set()),
        ([training()], {TRAINING}),
        ([training(), processing()], {TRAINING, PROCESSING}),
        ([training(status="Succeeded"), processing()], {PROCESSING}),
        ([training(status="Succeeded")], set()),
        ([training(), step("ask", "Executing", Metadata={"Callback": {}})], set()),
        ([training(), step("next", "Starting")], set()),
        ([training(), processing("Stopping")], set()),
        ([step("tune", "Executing", Metadata={"TuningJob": {"Arn": f"{JOBS}hyper-parameter-tuning-job/t"}})], set()),
    ],
)
def test_what_an_execution_waits_for(steps, awaited):
    """Only where every step that is not over runs a processing or training job does one of these have to end first."""
    description = {"PipelineExecutionArn": EXECUTION_ARN, "PipelineExecutionStatus": "Executing"}
    assert ExecutionSnapshot.from_responses(description, steps).awaited_jobs == awaited


def listed(*arns: str) -> dict:
    return {"TrainingJobSummaries": [{"TrainingJobArn": arn} for arn in arns]}


WAIT = 0.01


class Waiters:
    """Who waits for jobs over a connection: woken with what, in which order."""

    def __init__(self) -> None:
        self.woken: list[tuple[str, bool]] = []
        self._any = asyncio.Event()

    def wake(self, name: str):
        def woken(job_has_ended: bool) -> None:
            self.woken.append((name, job_has_ended))
            self._any.set()

        return woken

    async def until(self, count: int) -> list[tuple[str, bool]]:
        while len(self.woken) < count:
            self._any.clear()
            await asyncio.wait_for(self._any.wait(), 30)
        return self.woken


async def test_the_jobs_that_run_are_listed_once_for_all(service):
    """One list of all pages tells it for all; who waits for a job that is not in it is woken, once."""
    second = TRAINING + "2"
    service.answers["ListTrainingJobs"] = [{**listed(TRAINING), "NextToken": "more"}, listed(second)]
    waiters = Waiters()
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        with ExitStack() as stack:
            for name, arns in {
                "one": {TRAINING},
                "other": {second},
                "both": {TRAINING, second},
                "gone": {TRAINING, TRAINING + "3"},
            }.items():
                stack.enter_context(connection.running_jobs.waiting(arns, WAIT, waiters.wake(name)))
            assert await waiters.until(1) == [("gone", True)]
            assert service.requests_of("ListTrainingJobs") == [
                {"StatusEquals": "InProgress", "NameContains": "pipelines-", "MaxResults": 100},
                {"StatusEquals": "InProgress", "NameContains": "pipelines-", "MaxResults": 100, "NextToken": "more"},
            ]
            service.answers["ListTrainingJobs"] = [listed(TRAINING)]
            assert sorted(await waiters.until(3)) == [("both", True), ("gone", True), ("other", True)]


async def test_both_kinds_of_jobs_are_listed_where_both_are_awaited(service):
    """An execution that trains and processes at once waits for whichever ends first."""
    service.answers["ListTrainingJobs"] = [listed(TRAINING)]
    service.answers["ListProcessingJobs"] = [
        {"ProcessingJobSummaries": [{"ProcessingJobArn": PROCESSING}]},
        {"ProcessingJobSummaries": []},
    ]
    waiters = Waiters()
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        with connection.running_jobs.waiting({TRAINING, PROCESSING}, WAIT, waiters.wake("both")):
            assert await waiters.until(1) == [("both", True)]
    assert service.count("ListProcessingJobs") == 2


class Lists:
    """Lists of running jobs, on a clock that jumps to whatever is waited for next."""

    def __init__(self, monkeypatch) -> None:
        self.now = 0.0
        self.takes = 0.0
        self.error: SageMakerServiceError | None = None
        self.refusals: list[SageMakerServiceError] = []
        self.begun: list[float] = []
        self._timers: list[tuple[float, object]] = []
        self.jobs = running_jobs.RunningJobs(self._run, self.refusals.append, range(running_jobs.FEWEST_WATCHES))
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: self.now)
        monkeypatch.setattr(loop, "call_at", self._call_at)

    async def _run(self, _function):
        self.begun.append(self.now)
        self.now += self.takes
        if self.error is not None:
            raise self.error
        return frozenset({TRAINING})

    def _call_at(self, when, callback):
        timer = FakeTimer(when, callback)
        self._timers.append(timer)
        return timer

    async def next(self, count: int = 1) -> list[float]:
        """Let so many lists be made, and return when each of them began."""
        for _ in range(count):
            before = len(self.begun)
            while len(self.begun) == before:
                await settled()
                [timer] = [timer for timer in self._timers if not timer.cancelled]
                self._timers.clear()
                self.now = max(self.now, timer.when)
                timer.callback()
                await settled()
        return self.begun[-count:]


@dataclass
class FakeTimer:
    when: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_how_often_jobs_are_listed(monkeypatch):
    """In the shortest interval of all who wait, at once for who wants it sooner, and half of the time at most."""
    lists = Lists(monkeypatch)
    waiters = Waiters()
    with lists.jobs.waiting({TRAINING}, 40, waiters.wake("patient")):
        assert await lists.next(2) == [40, 80]
        with lists.jobs.waiting({TRAINING}, 10, waiters.wake("eager")):
            await settled()
            assert lists.begun == [40, 80, 80]
            assert await lists.next(2) == [90, 100]
        with lists.jobs.waiting({TRAINING}, 60, waiters.wake("more patient")):
            assert await lists.next(2) == [110, 150]
        lists.takes = 30
        assert await lists.next(3) == [190, 250, 310]
    assert waiters.woken == []


async def test_a_service_in_trouble_is_left_alone_for_two_intervals(monkeypatch):
    """Then those who wait have a look of their own, with every list that fails."""
    lists = Lists(monkeypatch)
    waiters = Waiters()
    with (
        lists.jobs.waiting({TRAINING}, 40, waiters.wake("one")),
        lists.jobs.waiting({TRAINING}, 60, waiters.wake("other")),
    ):
        assert await lists.next() == [40]
        lists.error = SageMakerServiceError("slow down", "ThrottlingException", retryable=True)
        while lists.now <= 120:
            assert waiters.woken == []
            await lists.next()
        assert waiters.woken == [("one", False)]
        lists.error = None
        await lists.next()
        lists.error = SageMakerServiceError("slow down", "ThrottlingException", retryable=True)
        well = lists.begun[-1]
        while lists.now <= well + 120:
            assert waiters.woken == [("one", False)]
            await lists.next()
        assert waiters.woken == [("one", False), ("other", False)]
    assert lists.jobs.pay_off


async def test_lists_in_trouble_are_not_hurried(monkeypatch):
    """Those who had a look of their own and wait again, with less patience than another one, wait two intervals more."""
    lists = Lists(monkeypatch)
    waiters = Waiters()
    lists.error = SageMakerServiceError("slow down", "ThrottlingException", retryable=True)
    with lists.jobs.waiting({TRAINING}, 3600, waiters.wake("patient")):
        with lists.jobs.waiting({TRAINING}, 30, waiters.wake("eager")):
            while waiters.woken == []:
                await lists.next()
        looked_at, made = lists.now, len(lists.begun)
        with lists.jobs.waiting({TRAINING}, 30, waiters.wake("eager")):
            await settled()
            assert len(lists.begun) == made
            while len(waiters.woken) == 1:
                await lists.next()
            assert lists.now - looked_at > 60
    assert waiters.woken == [("eager", False)] * 2


async def test_other_credentials_may_list(monkeypatch):
    """A refusal holds for the credentials that it was told to."""
    lists = Lists(monkeypatch)
    waiters = Waiters()
    lists.error = SageMakerServiceError("no", "AccessDeniedException", retryable=False)
    with lists.jobs.waiting({TRAINING}, 30, waiters.wake("one")):
        await lists.next()
    assert (waiters.woken, lists.jobs.pay_off) == ([("one", False)], False)
    lists.jobs.allow()
    lists.error = None
    assert lists.jobs.pay_off
    with lists.jobs.waiting({TRAINING}, 30, waiters.wake("one")):
        assert await lists.next(2) == [60, 90]
    assert waiters.woken == [("one", False)]


async def test_who_may_not_list_jobs_is_not_asked_again(service):
    """Without the permission every execution is looked at, as if there were no lists."""
    service.answers["ListTrainingJobs"] = [Refusal("AccessDeniedException", "no")]
    waiters = Waiters()
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        jobs = connection.running_jobs
        with jobs.waiting({TRAINING}, WAIT, waiters.wake("one")), jobs.waiting({TRAINING}, WAIT, waiters.wake("other")):
            assert sorted(await waiters.until(2)) == [("one", False), ("other", False)]
        assert not jobs.pay_off
    assert service.count("ListTrainingJobs") == 1


async def test_a_list_that_breaks_wakes_everybody(monkeypatch):
    """Whatever it is, nobody waits for lists that do not come; the next one who waits has them made again."""
    lists = Lists(monkeypatch)
    waiters = Waiters()
    lists.error = ZeroDivisionError()
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    with lists.jobs.waiting({TRAINING}, 40, waiters.wake("one")):
        await lists.next()
        assert waiters.woken == [("one", False)]
    lists.error = None
    with lists.jobs.waiting({TRAINING}, 40, waiters.wake("one")):
        assert await lists.next() == [80]
    gc.collect()
    assert [type(error) for error in told] == [ZeroDivisionError]


def arn(number: int) -> str:
    return EXECUTION_ARN.replace("abcdef123456", f"{number:012}")


async def test_executions_whose_jobs_run_are_not_looked_at(service, monkeypatch):
    """Five executions wait for their jobs: the jobs are listed instead. One job ends, and its execution is looked at."""
    monkeypatch.setattr(running_jobs, "SETTLED_AFTER", 0.0)
    monkeypatch.setattr(watch, "INTERVALS_PER_LOOK", 1_000_000)
    looks: dict[str, int] = {arn(number): 0 for number in range(5)}
    lists = 0
    ended = False
    enough = threading.Event()

    def describe(request):
        return {"PipelineExecutionArn": request["PipelineExecutionArn"], "PipelineExecutionStatus": "Executing"}

    def steps(request):
        execution = request["PipelineExecutionArn"]
        looks[execution] += 1
        over = ended and execution == arn(3)
        return {
            "PipelineExecutionSteps": [
                training(status="Succeeded" if over else "Executing", arn=TRAINING + execution[-1])
            ]
        }

    def jobs(_request):
        nonlocal lists
        lists += 1
        if lists > 20:
            enough.set()
        return listed(*(f"{TRAINING}{number}" for number in range(5) if not (ended and number == 3)))

    service.answers = {
        "DescribePipelineExecution": [describe],
        "ListPipelineExecutionSteps": [steps],
        "ListTrainingJobs": [jobs],
    }
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(shared_connection(AwsConnection("aws_default", "us-east-1")))
        subscriptions = [stack.enter_context(watch.watch_execution(arn(n), connection, 0.01)) for n in range(5)]
        for subscription in subscriptions:
            news = await subscription.next()
            assert isinstance(news, ExecutionSnapshot)
        await asyncio.to_thread(enough.wait, 30)
        before = dict(looks)
        assert all(count <= 3 for count in before.values())
        ended = True
        news = await subscriptions[3].next()
        assert isinstance(news, ExecutionSnapshot)
        assert str(news.steps["train"].status) == "Succeeded"
        others = {execution: count for execution, count in looks.items() if execution != arn(3)}
        assert others == {execution: before[execution] for execution in others}
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
    assert not connection.running_jobs.pay_off


async def test_a_few_executions_are_looked_at(service, monkeypatch):
    """Below five, lists of jobs would not save calls and are not asked for."""
    monkeypatch.setattr(running_jobs, "SETTLED_AFTER", 0.0)
    enough = threading.Event()
    count = 0

    def steps(_request):
        nonlocal count
        count += 1
        if count > 20:
            enough.set()
        return {"PipelineExecutionSteps": [training()]}

    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [steps]
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        with watch.watch_execution(EXECUTION_ARN, connection, 0.01):
            await asyncio.to_thread(enough.wait, 30)
    assert service.count("ListTrainingJobs") == 0


async def test_what_has_just_changed_is_looked_at(monkeypatch):
    """Steps that start together do not appear together, and a job's end is seen before its step's."""
    clock = 100.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock)
    description = {"PipelineExecutionArn": EXECUTION_ARN, "PipelineExecutionStatus": "Executing"}
    snapshot = ExecutionSnapshot.from_responses(description, [training()])
    saver = running_jobs.LookSaver()
    assert saver.awaited_jobs == set()
    saver.looked(snapshot, changed=True)
    assert saver.awaited_jobs == set()
    clock += running_jobs.SETTLED_AFTER
    saver.looked(snapshot, changed=False)
    assert saver.awaited_jobs == {TRAINING}
    saver.job_ended()
    clock += running_jobs.SETTLED_AFTER
    saver.looked(snapshot, changed=False)
    assert saver.awaited_jobs == set()
    again = ExecutionSnapshot.from_responses(description, [training(), step("before", "Succeeded")])
    saver.looked(again, changed=True, quiet_for=running_jobs.SETTLED_AFTER)
    assert saver.awaited_jobs == {TRAINING}


async def test_an_execution_is_looked_at_now_and_then_all_the_same(service, monkeypatch):
    """Whatever the lists say: five executions whose jobs run for ever are looked at again."""
    monkeypatch.setattr(running_jobs, "SETTLED_AFTER", 0.0)
    monkeypatch.setattr(watch, "INTERVALS_PER_LOOK", 3)
    enough = threading.Event()
    looks: Counter[str] = Counter()

    def steps(request):
        looks[request["PipelineExecutionArn"]] += 1
        if len(looks) == 5 and min(looks.values()) > 5:
            enough.set()
        return {"PipelineExecutionSteps": [training()]}

    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [steps]
    service.answers["ListTrainingJobs"] = [listed(TRAINING)]
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(shared_connection(AwsConnection("aws_default", "us-east-1")))
        for number in range(5):
            stack.enter_context(watch.watch_execution(arn(number), connection, WAIT))
        assert await asyncio.to_thread(enough.wait, 30)
    assert service.count("ListTrainingJobs") > 0
