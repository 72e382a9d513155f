"""RetryPolicies: steps that are tried again without anybody asking."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from airflow_sm_pipelines.local import clock
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.process_job import Plan
from airflow_sm_pipelines.local.jobs.processing import ProcessingJob
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from tests.integration.clients import Aws, run_one, token, wait
from tests.integration.documents import document, processing_step

INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
CAPACITY_ERROR = "CapacityError: Unable to provision requested ML compute capacity."


class Waits:
    """Stands for waiting between tries, so that no test waits: remembers for how long.

    :param on_wait: What to do instead; the default goes on at once.
    """

    def __init__(self, on_wait: Callable[[threading.Event], bool] = lambda event: event.is_set()) -> None:
        self.seconds: list[float] = []
        self._on_wait = on_wait

    def __call__(self, event: threading.Event, seconds: float) -> bool:
        self.seconds.append(seconds)
        return self._on_wait(event)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Waits that take no time."""
    waits = Waits()
    monkeypatch.setattr(clock, "wait", waits)
    return waits


def fail_first(monkeypatch: pytest.MonkeyPatch, *reasons: str) -> None:
    """Let the next jobs fail, each for a reason, before they begin; those after them work."""
    left, prepare = list(reasons), ProcessingJob.prepare

    def prepare_or_fail(job: ProcessingJob, instance: Instance, staging: S3Staging) -> Plan:
        if left:
            raise JobFailedError(left.pop(0))
        return prepare(job, instance, staging)

    monkeypatch.setattr(ProcessingJob, "prepare", prepare_or_fail)


def policy(*exceptions: str, **more: Any) -> dict[str, Any]:
    """A step's retry policy."""
    return {"ExceptionType": list(exceptions), "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 2, **more}


def step(aws: Aws, *policies: dict[str, Any], script: str = "") -> dict[str, Any]:
    """A Processing step with retry policies."""
    return processing_step("make", aws.put_script(script), RetryPolicies=list(policies))


def test_a_job_that_fails_for_the_services_reasons_is_tried_again(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    """A new job each time, after longer and longer waits; AttemptCount says which try it was."""
    fail_first(monkeypatch, INTERNAL_ERROR, CAPACITY_ERROR)
    both = policy("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR")
    ran = run_one(endpoint, aws, step(aws, both))
    assert (ran["StepStatus"], ran["AttemptCount"], ran.get("FailureReason")) == ("Succeeded", 3, None)
    assert waits.seconds == [2, 6]


def test_attempts_run_out(endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch, waits: Waits) -> None:
    """Two tries more than the first, all in vain: Failed, with the last reason."""
    fail_first(monkeypatch, INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR)
    ran = run_one(endpoint, aws, step(aws, policy("SageMaker.JOB_INTERNAL_ERROR")))
    assert (ran["StepStatus"], ran["AttemptCount"], ran["FailureReason"]) == ("Failed", 3, INTERNAL_ERROR)
    assert waits.seconds == [2, 6]


def test_a_script_that_fails_is_not_tried_again(endpoint: LocalEndpoint, aws: Aws, waits: Waits) -> None:
    """AlgorithmError is in no policy's list."""
    everything = policy("SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT")
    ran = run_one(endpoint, aws, step(aws, everything, script="raise SystemExit(3)"))
    assert (ran["StepStatus"], ran["AttemptCount"], waits.seconds) == ("Failed", 1, [])


class ThrottledError(ServiceError):
    """What the service answers to too many requests."""

    code = "ThrottlingException"
    http_status = 400


def test_throttling_is_waited_out_without_a_policy(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    """CreateProcessingJob is refused once; the service tries that again for every step."""
    left, create = [ThrottledError("Rate exceeded")], Jobs.create

    def create_or_refuse(jobs: Jobs[Any], name: str, request: Mapping[str, Any]) -> Any:
        if left:
            raise left.pop()
        return create(jobs, name, request)

    monkeypatch.setattr(Jobs, "create", create_or_refuse)
    ran = run_one(endpoint, aws, step(aws))
    assert (ran["StepStatus"], ran["AttemptCount"], waits.seconds) == ("Succeeded", 2, [1])


def test_the_numbers_of_a_policy_may_be_expressions(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    """MaxAttempts out of a pipeline parameter."""
    fail_first(monkeypatch, INTERNAL_ERROR, INTERNAL_ERROR)
    attempts = {"MaxAttempts": {"Get": "Parameters.Attempts"}}
    definition = document(
        step(aws, policy("SageMaker.JOB_INTERNAL_ERROR", **attempts)),
        parameters=({"Name": "Attempts", "Type": "Integer", "DefaultValue": 5},),
    )
    arn = aws.start(definition, {"Attempts": "1"})
    wait(endpoint, arn)
    ran = aws.steps(arn)["make"]
    assert (ran["StepStatus"], ran["AttemptCount"], waits.seconds) == ("Failed", 2, [2])


def test_a_step_that_waits_for_its_next_try_can_be_stopped(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is Executing with its first try's job; after the stop it is Stopped at once, and nothing runs again."""
    waiting = threading.Event()

    def until_stopped(stopped: threading.Event) -> bool:
        waiting.set()
        return stopped.wait(60)

    monkeypatch.setattr(clock, "wait", Waits(until_stopped))
    fail_first(monkeypatch, INTERNAL_ERROR)
    arn = aws.start(document(step(aws, policy("SageMaker.JOB_INTERNAL_ERROR"))))
    assert waiting.wait(60)
    between = aws.steps(arn)["make"]
    assert (between["StepStatus"], between["AttemptCount"]) == ("Executing", 1)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    stopped = aws.steps(arn)["make"]
    assert (stopped["StepStatus"], stopped["AttemptCount"], stopped["Metadata"]) == (
        "Stopped",
        1,
        between["Metadata"],
    )


def test_a_retry_of_the_execution_goes_on_counting(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch, waits: Waits
) -> None:
    """Three tries by policy, then RetryPipelineExecution: the fourth works."""
    fail_first(monkeypatch, INTERNAL_ERROR, INTERNAL_ERROR, INTERNAL_ERROR)
    arn = aws.start(document(step(aws, policy("SageMaker.JOB_INTERNAL_ERROR"))))
    wait(endpoint, arn)
    aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    ran = aws.steps(arn)["make"]
    assert (ran["StepStatus"], ran["AttemptCount"], waits.seconds) == ("Succeeded", 4, [2, 6])
