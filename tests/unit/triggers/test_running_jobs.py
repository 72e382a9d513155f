from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack

import pytest

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers import running_jobs
from airflow_sm_pipelines.triggers.connections import shared_connection
from airflow_sm_pipelines.triggers.watch import watch_execution
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


async def test_the_jobs_that_run_are_listed_once_for_all(service):
    """Many who ask at once share one list of all pages; an older list than one wants is made anew."""
    second = TRAINING + "2"
    service.answers["ListTrainingJobs"] = [{**listed(TRAINING), "NextToken": "more"}, listed(second)]
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        jobs = connection.running_jobs
        asked = [{TRAINING}, {second}, {TRAINING, second}, {TRAINING + "3"}]
        assert await asyncio.gather(*(jobs.include(arns, 60) for arns in asked)) == [True, True, True, False]
        assert service.requests_of("ListTrainingJobs") == [
            {"StatusEquals": "InProgress", "NameContains": "pipelines-", "MaxResults": 100},
            {"StatusEquals": "InProgress", "NameContains": "pipelines-", "MaxResults": 100, "NextToken": "more"},
        ]
        assert await jobs.include({TRAINING}, -1) is False
        assert service.count("ListTrainingJobs") == 3


async def test_how_long_a_list_serves(service, monkeypatch):
    """A quarter of the waiter_delay, longer when it took long, and all of it while the service is in trouble."""
    clock = 0.0
    takes = 0.0
    lists = 0
    trouble = False

    async def run(_function):
        nonlocal clock, lists
        clock += takes
        if trouble:
            raise SageMakerServiceError("slow down", "ThrottlingException", retryable=True)
        lists += 1
        return frozenset({TRAINING})

    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock)
    jobs = running_jobs.RunningJobs(run, pytest.fail, ())

    async def lists_when(then: float) -> int:
        nonlocal clock
        clock = then
        assert await jobs.include({TRAINING}, 40)
        return lists

    assert [await lists_when(then) for then in (0, 10, 11)] == [1, 1, 2]
    takes = 6.0
    assert [await lists_when(then) for then in (100, 130, 131)] == [3, 3, 4]
    takes = 60.0
    assert [await lists_when(then) for then in (200, 240, 241)] == [5, 5, 6]
    takes, trouble = 0.0, True
    assert await lists_when(281) == 6
    clock = 282
    assert await jobs.include({TRAINING}, 40) is False


async def test_who_may_not_list_jobs_is_not_asked_again(service):
    """Without the permission every execution is looked at, as if there were no lists."""
    service.answers["ListTrainingJobs"] = [Refusal("AccessDeniedException", "no")]
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        assert [await connection.running_jobs.include({TRAINING}, 60) for _ in range(3)] == [False] * 3
    assert service.count("ListTrainingJobs") == 1


async def test_trouble_is_left_to_the_looks(service):
    """A list that could not be made for now is asked for again the next time."""
    service.answers["ListTrainingJobs"] = [Refusal("ThrottlingException", "slow"), listed(TRAINING)]
    async with shared_connection(AwsConnection("aws_default", "us-east-1")) as connection:
        assert [await connection.running_jobs.include({TRAINING}, 60) for _ in range(2)] == [False, True]


def arn(number: int) -> str:
    return EXECUTION_ARN.replace("abcdef123456", f"{number:012}")


async def test_executions_whose_jobs_run_are_not_looked_at(service, monkeypatch):
    """Five executions wait for their jobs: the jobs are listed instead. One job ends, and its execution is looked at."""
    monkeypatch.setattr(running_jobs, "SETTLED_AFTER", 0.0)
    monkeypatch.setattr(running_jobs, "LOOKS_PER_REAL_LOOK", 1_000_000)
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
        subscriptions = [stack.enter_context(watch_execution(arn(n), connection, 0.01)) for n in range(5)]
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
        with watch_execution(EXECUTION_ARN, connection, 0.01):
            await asyncio.to_thread(enough.wait, 30)
    assert service.count("ListTrainingJobs") == 0


async def test_some_looks_are_made_all_the_same(service, monkeypatch):
    """Whatever the lists say, one look in LOOKS_PER_REAL_LOOK is a real one, and none before all has settled."""
    clock = 0.0
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: clock)
    jobs = running_jobs.RunningJobs(
        lambda _function: _answer(frozenset({TRAINING})), pytest.fail, range(running_jobs.FEWEST_WATCHES)
    )
    saver = running_jobs.LookSaver(jobs)
    description = {"PipelineExecutionArn": EXECUTION_ARN, "PipelineExecutionStatus": "Executing"}
    snapshot = ExecutionSnapshot.from_responses(description, [training()])
    saver.looked(snapshot, changed=True)
    assert await saver.can_leave_out(10) is False
    clock = running_jobs.SETTLED_AFTER
    saver.looked(snapshot, changed=False)
    left_out = [await saver.can_leave_out(10) for _ in range(running_jobs.LOOKS_PER_REAL_LOOK)]
    assert left_out == [True] * (running_jobs.LOOKS_PER_REAL_LOOK - 1) + [False]
    saver.looked(snapshot, changed=True)
    assert await saver.can_leave_out(10) is False


async def _answer(value):
    return value
