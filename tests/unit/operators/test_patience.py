from __future__ import annotations

import pickle
import time
from types import SimpleNamespace

import pytest

from airflow_sm_pipelines import SageMakerStepOperator
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.hooks import patience
from airflow_sm_pipelines.hooks.patience import persist
from tests.reports import step_report
from tests.scripted_service import EXECUTION_ARN, Refusal, step
from tests.valid_arguments import TRAINING

THROTTLED = SageMakerServiceError("Rate exceeded.", code="ThrottlingException", retryable=True)


class Log:
    def __init__(self):
        self.lines = []

    def warning(self, line, *arguments):
        self.lines.append(line % arguments)


def answering(*answers):
    """A function that gives these answers in turn, the last one ever after."""
    left = list(answers)

    def function():
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return function


@pytest.fixture
def waits(monkeypatch):
    """The waits between two calls, in seconds; none of them takes any time."""
    waited = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=time.monotonic, sleep=waited.append))
    return waited


def test_trouble_is_waited_out_in_growing_steps(waits):
    """Each failure that may pass is told in the log, and the next call comes later, up to half a minute later."""
    log = Log()
    assert persist(answering(*[THROTTLED] * 6, "arn"), log) == "arn"
    assert log.lines == ["SageMaker is unavailable, retrying: Rate exceeded."] * 6
    longest = [2, 4, 8, 16, 30, 30]
    assert [most / 2 <= wait <= most for wait, most in zip(waits, longest, strict=True)] == [True] * 6


def test_trouble_that_does_not_pass_is_raised_after_five_minutes(waits):
    """At least a minute of trouble is always survived; in the end Airflow is told, and may try again."""
    with pytest.raises(SageMakerServiceError, match="Rate exceeded"):
        persist(answering(THROTTLED), Log())
    assert patience.SECONDS - 30 < sum(waits) <= patience.SECONDS


@pytest.mark.parametrize(
    "error",
    [
        SageMakerServiceError("Not you.", code="AccessDeniedException"),
        SageMakerServiceError("Could not connect.", retryable=True, reached=False),
    ],
    ids=["refused", "never reached"],
)
def test_what_waiting_does_not_help_is_raised_at_once(waits, error):
    """A refusal, and a service that was never reached, as with a wrong endpoint_url."""
    log = Log()
    with pytest.raises(SageMakerServiceError) as caught:
        persist(answering(error, "arn"), log)
    assert (caught.value, log.lines, waits) == (error, [], [])


def test_whether_a_service_was_reached_survives_pickling():
    """Airflow sends exceptions from process to process."""
    error = SageMakerServiceError("Could not connect.", retryable=True, reached=False)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.code, again.retryable, again.reached) == ("Could not connect.", None, True, False)


@pytest.fixture
def completed(waits, dag, group, service, context):
    """End the task of a step on a worker, as its trigger's event says."""
    with group(botocore_config={"retries": {"total_max_attempts": 1}}):
        task = SageMakerStepOperator(task_id="a", step_type="Training", arguments=TRAINING)

    def complete(event):
        instance = context()
        task.pipeline_execution_arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
        task.execute_complete(instance, event)
        return instance["ti"].pushed

    return complete


def test_a_task_ends_on_a_worker_although_the_service_is_in_trouble(completed, service):
    """Throttled, then refused by the server: the task waits, and ends as its step did."""
    service.execution("Succeeded")
    service.answers["DescribePipelineExecution"][:0] = [
        Refusal("ThrottlingException", "Rate exceeded"),
        Refusal("InternalFailure", "Ouch", 500),
    ]
    service.steps([step("a", "Succeeded", EndTime=1690315999.0)])
    assert completed({"status": "success", "reason": None, "pipeline_execution_arn": EXECUTION_ARN}) == {
        "step_report": step_report(end="2023-07-25T20:13:19+00:00")
    }
    assert service.count("DescribePipelineExecution") == 3


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (
            {"status": "failed", "reason": "gave up; last seen", "pipeline_execution_arn": EXECUTION_ARN},
            "gave up; last seen",
        ),
        (
            "success",
            (
                "step 'a' of execution arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456 "
                "has not ended (execution Executing), although its trigger ended. Clear the task to follow it again."
            ),
        ),
    ],
    ids=["the trigger said why", "dag.test() says nothing"],
)
def test_a_step_that_is_not_over_fails_its_task_with_the_triggers_reason(completed, service, event, message):
    """A trigger that ran out of time says so, and what it saw last; without a reason the task says what it sees."""
    service.execution("Executing")
    service.steps([step("a", "Executing")])
    with pytest.raises(PipelineExecutionError) as caught:
        completed(event)
    assert str(caught.value) == message
