from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent

from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger
from tests.fake_triggerer import LAUNCH, Triggerer
from tests.made_triggers import step_trigger
from tests.scripted_service import EXECUTION_ARN, Refusal, step

NEW_ARN = EXECUTION_ARN.replace("abcdef123456", "fedcba654321")
SUCCESS = [(TaskSuccessEvent, "success")]
FAILED = [(TaskFailedEvent, "failed")]
SKIPPED = [(TaskSkippedEvent, "skipped")]
KEY = "ended__churn.train"
FAILURE = f"{EXECUTION_ARN} train Failed 1690315999.500"
RESUMING = ("INFO", "Step 'train' failed in an earlier try of this task: asking SageMaker to resume the execution")


def failed(end: float = 1690315999.5, **more: Any) -> dict[str, Any]:
    return step("train", "Failed", EndTime=end, FailureReason="boom", **more)


def succeeded() -> dict[str, Any]:
    return step("train", "Succeeded", EndTime=1690316999.0, AttemptCount=2)


def trigger(triggerer: Triggerer, **arguments: Any) -> SageMakerPipelineStepTrigger:
    return step_trigger(triggerer, **{"launch_task_id": LAUNCH, **arguments})


async def events(made: SageMakerPipelineStepTrigger) -> list[tuple[type, Any]]:
    return [(type(event), event.payload) async for event in made.run()]


def ended(try_number: int, failure: str | None = None) -> dict[str, Any]:
    return {"try_number": try_number, "failure": failure}


async def test_a_failure_is_remembered_for_the_next_try(service, triggerer):
    """A task that fails says in the launch task's XComs which failure it ended with."""
    service.execution("Failed")
    service.steps([failed()])
    assert await events(trigger(triggerer)) == FAILED
    assert triggerer.launch_xcoms == {KEY: ended(1, FAILURE)}


async def test_the_next_try_resumes(service, triggerer, log):
    """The failure that the last try ended with is history: the same execution is resumed, once, and followed."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed", "Executing", "Succeeded")
    service.steps([failed()], [step("train", "Executing", AttemptCount=2)], [succeeded()])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == SUCCESS
    assert [line for line in log() if line[0] == "INFO"] == [
        ("INFO", f"Following step 'train' of {EXECUTION_ARN}"),
        ("INFO", "Step 'train' is Failed after 44.5 s"),
        RESUMING,
        ("INFO", f"Following step 'train' of {EXECUTION_ARN}"),
        ("INFO", "Step 'train' is Executing (attempt 2)"),
        ("INFO", "Step 'train' is Succeeded after 1044.0 s (attempt 2)"),
    ]
    [request] = service.requests_of("RetryPipelineExecution")
    assert request["PipelineExecutionArn"] == EXECUTION_ARN
    assert len(request["ClientRequestToken"]) == 64


async def test_a_new_failure_ends_the_next_try(service, triggerer):
    """After a resume the step fails again: that is this try's own failure, and is not resumed once more."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed", "Executing", "Failed")
    service.steps([failed()], [step("train", "Executing")], [failed(1690317000.0)])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == FAILED
    assert service.count("RetryPipelineExecution") == 1
    assert triggerer.launch_xcoms == {KEY: ended(2, f"{EXECUTION_ARN} train Failed 1690317000.000")}


async def test_a_failure_in_a_new_execution_is_new(service, triggerer):
    """What an earlier try ended with in another execution says nothing about this one."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, f"{NEW_ARN} train Failed 1690315999.500")
    service.execution("Failed")
    service.steps([failed()])
    assert await events(trigger(triggerer)) == FAILED
    assert service.count("RetryPipelineExecution") == 0


async def test_a_try_that_starts_over_in_another_triggerer_fails_as_it_did(service, triggerer):
    """A triggerer died between the memory and the event: the same try meets its own failure, which stays one."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(2, FAILURE)
    service.execution("Failed")
    service.steps([failed()])
    assert await events(trigger(triggerer)) == FAILED
    assert service.count("RetryPipelineExecution") == 0


async def test_a_running_execution_is_resumed_when_it_is_over(service, triggerer, log):
    """SageMaker resumes no execution in which other steps still run: these are waited for."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Executing", "Failed", "Executing", "Succeeded")
    other = step("other", "Executing"), step("other", "Succeeded")
    service.steps([failed(), other[0]], [failed(), other[1]], [failed(), other[1]], [succeeded(), other[1]])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == SUCCESS
    assert log()[1:4] == [
        ("INFO", "Step 'train' is Failed after 44.5 s"),
        (
            "INFO",
            (
                "An earlier try of this task ended with this failure. The execution is Executing; it can be resumed "
                "once it has ended"
            ),
        ),
        RESUMING,
    ]
    assert service.count("RetryPipelineExecution") == 1


async def test_a_step_that_never_started_resumes_too(service, triggerer):
    """The task of a step that the failed execution never came to has the execution's failure for its own."""
    service.execution("Failed")
    service.steps([step("prepare", "Failed", EndTime=1690315999.5)])
    assert await events(trigger(triggerer)) == FAILED
    assert triggerer.launch_xcoms == {KEY: ended(1, f"{EXECUTION_ARN} Failed prepare Failed 1690315999.500")}
    triggerer.try_number = 2
    service.execution("Failed", "Executing", "Succeeded")
    service.steps([step("prepare", "Failed", EndTime=1690315999.5)], [], [succeeded()])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == SUCCESS


async def test_all_who_resume_send_the_same_token(service, triggerer):
    """The token of RetryPipelineExecution is made of the failure: two tasks that resume together resume once."""
    steps = [failed(), step("other", "Failed", EndTime=1690315998.0)]
    tokens = []
    for name in ("train", "never"):
        service.execution("Failed")
        service.steps(steps)
        triggerer.try_number = 1
        triggerer.launch_xcoms.clear()
        await events(trigger(triggerer, step_name=name))
        triggerer.try_number = 2
        service.execution("Failed", "Succeeded")
        service.steps(steps, [step(name, "Succeeded")])
        service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
        assert await events(trigger(triggerer, step_name=name)) == SUCCESS
        tokens.append(service.requests_of("RetryPipelineExecution")[-1]["ClientRequestToken"])
    assert tokens[0] == tokens[1]


async def test_refused_because_another_task_has_resumed_it(service, triggerer):
    """A refusal to retry an execution that is executing again is no error: what was asked for is done."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed", "Executing", "Succeeded")
    service.steps([failed()], [step("train", "Executing")], [succeeded()])
    service.answers["RetryPipelineExecution"] = [Refusal("ValidationException", "Only failed executions are retried.")]
    assert await events(trigger(triggerer)) == SUCCESS


async def test_refused_for_good(service, triggerer, log):
    """A refusal while the failure is still there fails the task, in the service's words."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed")
    service.steps([failed()])
    service.answers["RetryPipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            "RetryPipelineExecution failed: AccessDeniedException: not you. Check what the connection's credentials, and "
            "the role, are allowed to do. "
            "See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1)"
        ),
    )


async def test_a_try_that_could_not_resume_leaves_the_failure_to_the_next(service, triggerer):
    """Permission is missing, is given, and the task is cleared once: the failure is still an old one, and resumed."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed")
    service.steps([failed()])
    service.answers["RetryPipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await events(trigger(triggerer)) == FAILED
    assert triggerer.launch_xcoms == {KEY: ended(2, FAILURE)}
    triggerer.try_number = 3
    service.execution("Failed", "Executing", "Succeeded")
    service.steps([failed()], [step("train", "Executing")], [succeeded()])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == SUCCESS


async def test_a_conflict_is_waited_out(service, triggerer):
    """While the service moves the execution between states it answers with a conflict; the request is repeated."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed", "Succeeded")
    service.steps([failed()], [succeeded()])
    service.answers["RetryPipelineExecution"] = [
        Refusal("ConflictException", "moving"),
        {"PipelineExecutionArn": EXECUTION_ARN},
    ]
    assert await events(trigger(triggerer)) == SUCCESS
    assert service.count("RetryPipelineExecution") == 2


async def test_an_execution_that_ended_in_a_fail_step(service, triggerer, log):
    """It cannot be resumed, and the task says so instead of asking."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("Failed")
    service.steps([failed(Metadata={"Fail": {"ErrorMessage": "not accurate enough"}})])
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            f"execution {EXECUTION_ARN} ended in the Fail step 'train', and SageMaker does not resume such an execution "
            "(boom). Clear the task that launched it to start a new execution. "
            "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
        ),
    )
    assert service.count("RetryPipelineExecution") == 0


async def test_an_execution_that_ended_with_a_failure_that_others_waited_for(service, triggerer, log):
    """SageMaker does not resume what CompletedWithFailures: its words, and what to do instead."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    service.execution("CompletedWithFailures")
    service.steps([failed(), step("repair", "Succeeded")])
    refusal = "Only pipelines with 'Failed' or 'Stopped' status can be retried."
    service.answers["RetryPipelineExecution"] = [Refusal("ValidationException", refusal)]
    assert await events(trigger(triggerer)) == FAILED
    assert log()[-1] == (
        "ERROR",
        (
            f"execution {EXECUTION_ARN} ended CompletedWithFailures, and SageMaker does not resume it: "
            f"RetryPipelineExecution failed: ValidationException: {refusal} (connection 'aws_default', region us-east-1). "
            "Clear the task that launched it to start a new execution, or use on_retry='restart'. "
            "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
        ),
    )


async def test_restart(service, triggerer):
    """on_retry="restart" starts another execution with the same parameters, and makes it the whole run's."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    triggerer.launch_xcoms["return_value"] = EXECUTION_ARN

    def describe(request: dict[str, Any]) -> dict[str, Any]:
        arn = request["PipelineExecutionArn"]
        status = "Failed" if arn == EXECUTION_ARN else "Executing"
        return {
            "PipelineExecutionArn": arn,
            "PipelineExecutionStatus": status,
            "PipelineExecutionDisplayName": "monday",
        }

    def steps(request: dict[str, Any]) -> dict[str, Any]:
        old = request["PipelineExecutionArn"] == EXECUTION_ARN
        return {"PipelineExecutionSteps": [failed() if old else succeeded()]}

    service.answers = {
        "DescribePipelineExecution": [describe],
        "ListPipelineExecutionSteps": [steps],
        "ListPipelineParametersForExecution": [{"PipelineParameters": [{"Name": "Depth", "Value": "5"}]}],
        "StartPipelineExecution": [{"PipelineExecutionArn": NEW_ARN}],
        "DescribePipelineDefinitionForExecution": [{"PipelineDefinition": "{}"}],
    }
    assert await events(trigger(triggerer, on_retry="restart")) == SUCCESS
    [request] = service.requests_of("StartPipelineExecution")
    token = request.pop("ClientRequestToken")
    assert (len(token), request) == (
        64,
        {
            "PipelineName": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn",
            "PipelineParameters": [{"Name": "Depth", "Value": "5"}],
            "PipelineExecutionDisplayName": "monday",
        },
    )
    assert triggerer.launch_xcoms["return_value"] == NEW_ARN


async def test_an_execution_stopped_with_its_task_is_resumed(service, triggerer):
    """A person failed the task, which stopped the execution, and then cleared it: the next try resumes it, once."""
    triggerer.try_number = 2
    stopped = step("train", "Stopped", EndTime=1690315999.5), step("train", "Stopped", EndTime=1690319999.5)
    service.execution("Stopping", "Stopped", "Executing", "Stopped")
    service.steps([stopped[0]], [stopped[0]], [stopped[0]], [step("train", "Executing")], [stopped[1]])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == FAILED
    assert service.count("RetryPipelineExecution") == 1
    assert triggerer.launch_xcoms == {KEY: ended(2, f"{EXECUTION_ARN} train Stopped 1690319999.500")}


async def test_a_step_that_another_try_stopped_is_waited_for(service, triggerer):
    """Another task of the run resumed the execution before; the step has not started again at the first look."""
    triggerer.try_number = 2
    service.execution("Executing", "Executing", "Succeeded")
    service.steps([step("train", "Stopped", EndTime=1690315999.5)], [step("train", "Executing")], [succeeded()])
    assert await events(trigger(triggerer)) == SUCCESS
    assert service.count("RetryPipelineExecution") == 0


async def test_a_stop_in_the_first_try_is_a_failure(service, triggerer):
    """Somebody stopped the execution before the trigger looked: no try was there before, so it is no old one."""
    service.execution("Stopped")
    service.steps([step("train", "Stopped", EndTime=1690315999.5)])
    assert await events(trigger(triggerer)) == FAILED
    assert service.count("RetryPipelineExecution") == 0


async def test_a_try_stopped_while_it_waited_to_resume_is_resumed(service, triggerer):
    """The step had failed, others still ran, and then a person failed the task: the next try resumes that failure."""
    triggerer.try_number, triggerer.launch_xcoms[KEY] = 2, ended(1, FAILURE)
    made = await running(service, triggerer)
    triggerer.states["churn.train"] = "failed"
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    await made.on_kill()
    assert triggerer.launch_xcoms == {KEY: ended(1, FAILURE)}
    triggerer.try_number = 3
    service.execution("Stopped", "Executing", "Succeeded")
    service.steps([failed()], [step("train", "Executing")], [succeeded()])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    assert await events(trigger(triggerer)) == SUCCESS
    assert service.count("RetryPipelineExecution") == 1


async def test_a_task_behind_a_skipped_launch(service, triggerer, log):
    """Where the launch task was skipped there is nothing to follow, and that is no failure."""
    triggerer.states[LAUNCH] = "skipped"
    assert await events(trigger(triggerer, pipeline_execution_arn=None)) == SKIPPED
    assert log() == [("INFO", f"Skipping: task '{LAUNCH}' was skipped, so there is no execution")]


async def running(service: Any, triggerer: Triggerer, **arguments: Any) -> SageMakerPipelineStepTrigger:
    """A trigger that was cancelled while its step runs."""
    looked = threading.Event()

    def look(_request: dict[str, Any]) -> dict[str, Any]:
        looked.set()
        return {"PipelineExecutionSteps": [step("train", "Executing")]}

    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [look]
    made = trigger(triggerer, **arguments)
    following = asyncio.ensure_future(anext(made.run()))
    await asyncio.to_thread(looked.wait)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    return made


@pytest.mark.parametrize(
    ("state", "run_state"), [("failed", "running"), ("failed", "failed"), ("skipped", "failed")], ids=str
)
async def test_a_person_fails_the_task_or_the_run(service, triggerer, state, run_state):
    """The execution is stopped. Nothing is written for the task: Airflow 3.4 refuses that once it is not deferred."""
    made = await running(service, triggerer)
    triggerer.states["churn.train"], triggerer.run_state = state, run_state
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    await made.on_kill()
    [request] = service.requests_of("StopPipelineExecution")
    assert request["PipelineExecutionArn"] == EXECUTION_ARN
    assert triggerer.launch_xcoms == {}


@pytest.mark.parametrize(("state", "stops"), [("failed", 1), ("scheduled", 0)])
async def test_an_airflow_that_only_cancels_triggers(service, triggerer, monkeypatch, state, stops):
    """Before Airflow 3.3 a trigger that is cancelled asks for its task's state, and stops what a person failed."""
    monkeypatch.setattr("airflow_sm_pipelines.triggers.base.TELLS_OF_KILLS", False)
    triggerer.states["churn.train"] = state
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    await running(service, triggerer)
    assert service.count("StopPipelineExecution") == stops


@pytest.mark.parametrize(
    "state", ["deferred", "success", "scheduled", "queued", "up_for_retry", "skipped", None], ids=str
)
async def test_whatever_else_cancels_a_trigger_stops_nothing(service, triggerer, state):
    """Clearing, marking successful, and a triggerer that lost its triggers to another one while it was paused."""
    made = await running(service, triggerer)
    if state is not None:
        triggerer.states["churn.train"] = state
    await made.on_kill()
    assert service.count("StopPipelineExecution") == 0
    assert triggerer.launch_xcoms == {}


async def test_a_task_that_failed_by_itself_elsewhere_stops_nothing(service, triggerer):
    """A paused triggerer finds the task failed; another triggerer had seen the step fail. Other steps go on."""
    made = await running(service, triggerer)
    triggerer.states["churn.train"] = "failed"
    triggerer.launch_xcoms[KEY] = ended(1, FAILURE)
    await made.on_kill()
    assert service.count("StopPipelineExecution") == 0


async def test_a_person_fails_the_task_before_the_trigger_has_looked(service, triggerer):
    """While the triggerer still reads the connection the execution is known already, and is stopped."""
    made = trigger(triggerer)
    triggerer.states["churn.train"] = "failed"
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    await made.on_kill()
    assert service.count("StopPipelineExecution") == 1
    assert triggerer.launch_xcoms == {}


@pytest.mark.parametrize("arn", [None, "None", "{{ arn }}"])
async def test_without_an_execution_there_is_nothing_to_stop(service, triggerer, arn):
    """A task behind a launch task that left no ARN is failed by a person: nobody is asked for anything."""
    triggerer.states["churn.train"] = "failed"
    await trigger(triggerer, pipeline_execution_arn=arn).on_kill()
    assert (service.requests, triggerer.launch_xcoms) == ([], {})


async def test_a_task_that_is_failed_before_it_knows_its_execution(service, triggerer):
    """It asks which one the launch task has launched, and stops that."""
    triggerer.states["churn.train"] = "failed"
    triggerer.launch_xcoms["return_value"] = EXECUTION_ARN
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    await trigger(triggerer, pipeline_execution_arn=None).on_kill()
    assert [(name, request["PipelineExecutionArn"]) for name, request in service.requests] == [
        ("StopPipelineExecution", EXECUTION_ARN)
    ]


async def test_stop_on_kill_can_be_left_out(service, triggerer):
    """stop_on_kill=False leaves every execution alone."""
    made = await running(service, triggerer, stop_on_kill=False)
    triggerer.states["churn.train"] = "failed"
    await made.on_kill()
    assert service.count("StopPipelineExecution") == 0


async def test_an_execution_that_stops_already(service, triggerer, log):
    """Of several tasks failed together one stops the execution; to the others that is no trouble."""
    made = await running(service, triggerer)
    triggerer.states["churn.train"] = "failed"
    service.execution("Stopping")
    service.answers["StopPipelineExecution"] = [
        Refusal("ValidationException", "Only pipelines with 'Executing' status can be stopped.")
    ]
    await made.on_kill()
    assert log()[-2:] == [
        ("INFO", f"Someone marked the task as failed: stopping execution {EXECUTION_ARN}"),
        ("INFO", f"Nothing to stop: execution {EXECUTION_ARN} is over"),
    ]
