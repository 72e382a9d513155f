"""The trigger beside an Airflow task in the middle of a pipeline: one answer for each wait of the step."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent

from airflow_sm_pipelines.execution.answer import Answer, AnsweredTask
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.settings import WaitSettings
from airflow_sm_pipelines.triggers.answering import SageMakerAnsweringTrigger
from tests.fake_triggerer import LAUNCH
from tests.made_triggers import ending_here
from tests.scripted_service import EXECUTION_ARN, Refusal, step

TOKEN = "token12345"
METADATA = {"Callback": {"CallbackToken": TOKEN, "SqsQueueUrl": "https://queue", "OutputParameters": []}}
WAITING = step("train", "Executing", Metadata=METADATA)
SUCCEEDED = step("train", "Succeeded", Metadata=METADATA, EndTime=1690315999.0)
FAILED = step("train", "Failed", Metadata=METADATA, EndTime=1690315999.0, FailureReason="told so")
DEFINITION = (
    '{"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [{"Name": "train", "Type": "Callback", '
    '"Arguments": {}, "SqsQueueUrl": "https://queue", "OutputParameters": [{"OutputName": "rounds", "OutputType": "Integer"}]}]}'
)
APPROVE = "churn.approve"
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/churn"


def answering(triggerer: Any = None, followers: tuple[str, ...] = ()) -> SageMakerAnsweringTrigger:
    here = ending_here(True)
    made = SageMakerAnsweringTrigger(
        pipeline_execution_arn=EXECUTION_ARN,
        awaited=Awaited(StepTarget("train"), returns_arn=False),
        wait=WaitSettings(waiter_delay=0.01, end_tasks=here.pop("end_tasks")),
        launch_task_id=LAUNCH,
        answered=AnsweredTask(APPROVE, QUEUE, followers),
        **here,
    )
    if triggerer is not None:
        made.task_instance = triggerer.task_instance
    return made


async def ends(made: SageMakerAnsweringTrigger) -> list[type]:
    return [type(event) async for event in made.run()]


@pytest.fixture
def script(service):
    """The step waits until it was answered, and then has ended as the answer says."""

    def play(*, statuses=("Executing",), first=(), **answers):
        service.execution(*statuses)
        over = []

        def listed(_request):
            return {"PipelineExecutionSteps": over or [WAITING]}

        def success(_request):
            over[:] = [SUCCEEDED]
            return {"PipelineExecutionArn": EXECUTION_ARN}

        def failure(_request):
            over[:] = [FAILED]
            return {"PipelineExecutionArn": EXECUTION_ARN}

        service.answers["ListPipelineExecutionSteps"] = [listed]
        service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": DEFINITION}]
        service.answers["SendPipelineExecutionStepSuccess"] = [*first, success]
        service.answers["SendPipelineExecutionStepFailure"] = [*first, failure]
        service.answers.update(answers)
        return service

    return play


def told(service):
    """What the service was told."""
    found = [
        (outcome, request)
        for outcome in ("Success", "Failure")
        for request in service.requests_of(f"SendPipelineExecutionStep{outcome}")
    ]
    assert {request["CallbackToken"] for _, request in found} <= {TOKEN}
    return [(outcome, request.get("OutputParameters", request.get("FailureReason"))) for outcome, request in found]


def knowing(triggerer, monkeypatch, xcoms):
    """Have the triggerer know XComs of the Airflow task."""
    send = triggerer.asend

    async def asend(message):
        if type(message).__name__ == "GetXCom" and message.task_id == APPROVE:
            from airflow.sdk.execution_time.comms import XComResult

            return XComResult(key=message.key, value=xcoms.get(message.key))
        return await send(message)

    monkeypatch.setattr(triggerer, "asend", asend)


async def test_a_success_is_told_with_the_outputs_that_the_definition_declares(script, triggerer, monkeypatch):
    """Here a member of what the task returned, by its type."""
    service = script()
    knowing(triggerer, monkeypatch, {"return_value": {"rounds": 3, "unused": "x"}})
    triggerer.states[APPROVE] = "success"

    assert await ends(answering(triggerer)) == [TaskSuccessEvent]
    assert told(service) == [("Success", [{"Name": "rounds", "Value": "3"}])]


async def test_nothing_is_told_before_the_task_is_over(script, triggerer, monkeypatch):
    """Not while it runs, waits for its next try, or was cleared; then once."""
    service = script()
    knowing(triggerer, monkeypatch, {"rounds": 3})
    running = asyncio.ensure_future(ends(answering(triggerer)))
    for state in ("running", "up_for_retry", "deferred", None):
        triggerer.states[APPROVE] = state
        await asyncio.sleep(0.05)
        assert told(service) == []
    triggerer.states[APPROVE] = "success"

    assert await running == [TaskSuccessEvent]
    assert told(service) == [("Success", [{"Name": "rounds", "Value": "3"}])]


@pytest.mark.parametrize(
    ("state", "reason"),
    [("failed", "Airflow task 'churn.approve' failed"), ("skipped", "Airflow task 'churn.approve' was skipped")],
)
async def test_a_failure_is_told_with_its_reason(script, triggerer, state, reason):
    """The task beside ends as the step does."""
    service = script()
    triggerer.states[APPROVE] = state

    assert await ends(answering(triggerer)) == [TaskFailedEvent]
    assert told(service) == [("Failure", reason)]


async def test_a_rejected_approval_is_told(script, triggerer, monkeypatch):
    """The task has succeeded, and skipped the step behind it."""
    service = script()
    knowing(triggerer, monkeypatch, {"skipmixin_key": {"skipped": ["churn.register"]}})
    triggerer.states[APPROVE] = "success"

    assert await ends(answering(triggerer, ("churn.register",))) == [TaskFailedEvent]
    assert told(service) == [
        (
            "Failure",
            "Airflow task 'churn.approve' skipped 'churn.register', which comes after it, as a rejected approval does",
        )
    ]


async def test_a_stopping_execution_is_told_at_once(script, triggerer):
    """Whatever the task does: nothing stops before."""
    service = script(statuses=("Stopping",))
    triggerer.states[APPROVE] = "running"

    assert await ends(answering(triggerer)) == [TaskFailedEvent]
    assert told(service) == [("Failure", "The execution is being stopped")]


async def test_trouble_is_waited_out_with_one_token(script, triggerer):
    """The same answer has the same token, so that it has one effect."""
    service = script(first=[Refusal("InternalFailure", "sorry", 500)])
    triggerer.states[APPROVE] = "failed"

    assert await ends(answering(triggerer)) == [TaskFailedEvent]
    requests = service.requests_of("SendPipelineExecutionStepFailure")
    answer = Answer(None, "Airflow task 'churn.approve' failed")
    assert [request["ClientRequestToken"] for request in requests] == [answer.request_token(EXECUTION_ARN, TOKEN)] * 2


async def test_a_refused_answer_fails_the_task(script, triggerer, monkeypatch):
    """In the service's words, where the step goes on waiting."""
    monkeypatch.setattr("airflow_sm_pipelines.triggers.answering.SHOWN_AFTER", 0.1)
    refusal = Refusal("AccessDeniedException", "no sagemaker:SendPipelineExecutionStepFailure")
    script(SendPipelineExecutionStepFailure=[refusal])
    triggerer.states[APPROVE] = "failed"
    made = answering(triggerer)
    made.ends_here = ()
    [event] = [event async for event in made.run()]

    assert event.payload["status"] == "failed"
    assert "no sagemaker:SendPipelineExecutionStepFailure" in event.payload["reason"]


async def test_a_step_that_was_answered_before_is_followed(script, triggerer):
    """The service refuses a second answer, and the step ends soon as the first one said."""
    service = script()

    def refuse(_request):
        service.answers["ListPipelineExecutionSteps"] = [{"PipelineExecutionSteps": [SUCCEEDED]}]
        return Refusal("ValidationException", "already answered")

    service.answers["SendPipelineExecutionStepFailure"] = [refuse]
    triggerer.states[APPROVE] = "failed"

    assert await ends(answering(triggerer)) == [TaskSuccessEvent]
    assert service.count("SendPipelineExecutionStepFailure") == 1


async def test_dag_test_is_refused(script):
    """Nobody knows the states of tasks there, and a pipeline that waits for ever is worse than one that fails."""
    service = script()
    [event] = [event async for event in answering().run()]

    assert event.payload["status"] == "failed"
    [(outcome, reason)] = told(service)
    assert (outcome, reason.partition(" run one")[0]) == ("Failure", "dag.test() and 'airflow dags test'")


def test_it_is_made_again_from_what_it_serializes_to():
    """In another triggerer."""
    made = answering(followers=("churn.register",))
    path, arguments = made.serialize()
    assert path == "airflow_sm_pipelines.triggers.answering.SageMakerAnsweringTrigger"
    assert arguments["answered"] == {"task_id": "churn.approve", "queue_url": QUEUE, "followers": ["churn.register"]}
    assert SageMakerAnsweringTrigger(**arguments).serialize() == (path, arguments)


def message(token, sent, arn=EXECUTION_ARN, task_id=APPROVE):
    """A message of a Callback step in its queue."""
    body = {"token": token, "pipelineExecutionArn": arn, "arguments": {"task_id": task_id}, "status": "Executing"}
    return {"MessageId": token, "Body": json.dumps(body), "Attributes": {"SentTimestamp": str(sent)}}


async def test_a_token_that_is_not_listed_is_in_the_queue(script, service, triggerer):
    """That of the latest message of this execution and task; messages stay where they are."""
    script()
    service.steps([step("train", "Executing")])

    def failure(_request):
        service.steps([FAILED])
        return {"PipelineExecutionArn": EXECUTION_ARN}

    service.answers["SendPipelineExecutionStepFailure"] = [failure]
    service.answers["ReceiveMessage"] = [
        {"Messages": [message(TOKEN, 3), message("earlier123", 2)]},
        {"Messages": [message("others1234", 4, arn="other"), message("others5678", 5, task_id="other")]},
        {},
    ]
    triggerer.states[APPROVE] = "failed"

    assert await ends(answering(triggerer)) == [TaskFailedEvent]
    assert told(service) == [("Failure", "Airflow task 'churn.approve' failed")]
    assert {request["QueueUrl"] for request in service.requests_of("ReceiveMessage")} == {QUEUE}
    assert service.count("DeleteMessage") == 0


async def test_a_queue_that_cannot_be_read_is_no_end(script, service, triggerer):
    """The token may be listed a moment later."""
    script()
    service.answers["ListPipelineExecutionSteps"].insert(0, {"PipelineExecutionSteps": [step("train", "Executing")]})
    service.answers["ReceiveMessage"] = [Refusal("AccessDenied", "no sqs:ReceiveMessage", 403)]
    triggerer.states[APPROVE] = "failed"

    assert await ends(answering(triggerer)) == [TaskFailedEvent]
    assert told(service) == [("Failure", "Airflow task 'churn.approve' failed")]
