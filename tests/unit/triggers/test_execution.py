from __future__ import annotations

import json
import logging
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

from airflow_sm_pipelines.triggers import deadline
from airflow_sm_pipelines.triggers.execution import SageMakerPipelineExecutionTrigger
from tests.fake_triggerer import Triggerer
from tests.made_triggers import execution_trigger as trigger
from tests.reports import step_report
from tests.scripted_service import EXECUTION_ARN, Refusal, step

STUDIO = "https://console.aws.amazon.com/sagemaker/home?region=us-east-1#/pipelines/churn"
DEFINITION = {
    "Version": "2020-12-01",
    "Metadata": {},
    "Parameters": [],
    "Steps": [
        {
            "Name": "good",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}],
                "IfSteps": [{"Name": "train", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}],
                "ElseSteps": [],
            },
        }
    ],
}


@pytest.fixture
def execution_log(monkeypatch):
    lines = []

    class TaskLog(logging.Handler):
        def emit(self, record):
            lines.append((record.levelname, record.getMessage()))

    logger = logging.Logger("task")
    logger.addHandler(TaskLog())
    monkeypatch.setattr(SageMakerPipelineExecutionTrigger, "_log", logger)
    return lines


async def event(made):
    """The payload of the one event of a trigger."""
    events = [each async for each in made.run()]
    assert [type(each) for each in events] == [TriggerEvent]
    payload = dict(events[0].payload)
    assert payload.pop("try_number") == (None if made.task_instance is None else 1)
    return payload


def ended(status, reason=None, arn=EXECUTION_ARN, limit=None):
    return {"status": status, "reason": reason, "pipeline_execution_arn": arn, "limit": limit}


def test_serialized_and_made_again():
    """A trigger is made again from what it serializes to, through JSON."""
    arguments = {
        "pipeline_execution_arn": EXECUTION_ARN,
        "pipeline_name": "churn",
        "started_from": "2026-01-01T00:00:00+00:00",
        "started_before": "2026-01-02T00:00:00+00:00",
        "awaited": {"step_name": "train", "started_elsewhere": True, "skip_on_failure": True},
        "connection": {
            "aws_conn_id": "aws_ml",
            "region_name": "eu-west-1",
            "verify": False,
            "botocore_config": {"read_timeout": 5},
            "studio_domain_id": "d-ours",
        },
        "wait": {"waiter_delay": 10, "log_lines": 7},
        "time_limit": {"name": "timeout", "seconds": 5, "at": 10.5},
        "ends_here": ["success"],
        "deferred_by_worker": True,
        "masked": {"Token": "***"},
    }
    path, serialized = SageMakerPipelineExecutionTrigger(**arguments).serialize()
    assert path == "airflow_sm_pipelines.triggers.execution.SageMakerPipelineExecutionTrigger"
    assert serialized == arguments
    again = SageMakerPipelineExecutionTrigger(**json.loads(json.dumps(serialized)))
    assert again.serialize() == (path, arguments)


async def test_an_execution_that_succeeds(service, triggerer, execution_log):
    """The log has a line whenever a step changes, and one whenever the execution does; the link is pushed."""
    service.execution("Executing", "Executing", "Succeeded")
    service.steps(
        [],
        [step("prepare", "Executing")],
        [step("prepare", "Succeeded", EndTime=1690315958.0)],
        [step("prepare", "Succeeded", EndTime=1690315958.0)],
    )
    assert await event(trigger(triggerer)) == ended("success")
    assert execution_log == [
        ("INFO", f"Following execution {EXECUTION_ARN}"),
        ("INFO", "The execution is Executing"),
        ("INFO", "Step 'prepare' is Executing"),
        ("INFO", "Step 'prepare' is Succeeded after 3.0 s"),
        ("INFO", "The execution is Succeeded"),
    ]
    assert triggerer.pushed == [("_link_SageMakerPipelineExecutionLink", STUDIO)]


@pytest.mark.parametrize("status", ["Failed", "Stopped", "CompletedWithFailures"])
async def test_an_execution_that_does_not_end_well(service, status):
    """Failed, Stopped and CompletedWithFailures end the wait as failures, naming the steps."""
    service.execution(status)
    service.steps([step("train", "Failed", FailureReason="boom")])
    assert await event(trigger()) == ended(
        "failed", f"execution {EXECUTION_ARN} ended {status}: step 'train' failed: boom"
    )


async def test_an_unknown_status_is_loud(service):
    """A status that this version does not know is a failure that names it, never a success."""
    service.execution("Paused")
    service.steps([])
    told = await event(trigger())
    assert told["status"] == "failed"
    assert told["reason"].startswith("unknown pipeline execution status 'Paused'")


async def end_event(made):
    """The type of the one event of a trigger."""
    return [type(each) async for each in made.run()]


async def test_ending_a_task_that_succeeds(service, triggerer, execution_log):
    """The triggerer ends the task itself: no worker starts for that. The ARN is its return value."""
    service.execution("Succeeded")
    service.steps([])
    assert await end_event(trigger(triggerer, end_from_trigger=True)) == [TaskSuccessEvent]
    assert triggerer.pushed == [
        ("_link_SageMakerPipelineExecutionLink", STUDIO),
        ("execution_report", {"status": "Succeeded", "reason": None, "steps": [], "left_out": []}),
        ("return_value", EXECUTION_ARN),
    ]


JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"


@pytest.mark.parametrize(("skip", "ends"), [(False, TaskFailedEvent), (True, TaskSkippedEvent)])
async def test_ending_a_task_that_fails(service, triggerer, execution_log, skip, ends):
    """The log has the reason, the failed step's job and the end of its log; soft_fail skips."""
    service.execution("Failed")
    service.steps([step("train", "Failed", FailureReason="boom", Metadata={"TrainingJob": {"Arn": JOB}})])
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [{"events": [{"timestamp": 1, "message": "KeyError: 'x'"}]}]
    made = trigger(triggerer, end_from_trigger=True, skip_on_failure=skip, log_lines=1)
    assert await end_event(made) == [ends]
    reason = f"execution {EXECUTION_ARN} ended Failed: step 'train' failed: boom"
    assert execution_log[-4:] == [
        ("INFO", f"Skipping: {reason}") if skip else ("ERROR", reason),
        *(
            ("ERROR", line)
            for line in (
                f"Job: {JOB}",
                "The last lines of the job's log (1):",
                "    KeyError: 'x'",
            )
        ),
    ]


async def test_ending_a_step_sensor(service, triggerer, execution_log):
    """A step's sensor ends with the XComs of a step's task; one in a branch not taken is skipped."""
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    service.execution("Executing")
    service.steps([step("good", "Succeeded", Metadata={"Condition": {"Outcome": "False"}})])
    assert await end_event(trigger(triggerer, step_name="good", end_from_trigger=True)) == [TaskSuccessEvent]
    compared = {
        "comparison": "1 == 1",
        "holds": True,
        "operator": "==",
        "operands": [{"name": None, "value": 1}, {"name": None, "value": 1}],
    }
    assert triggerer.pushed[-3:] == [
        ("step_report", step_report()),
        ("outcome", {"holds": False, "comparisons": [compared]}),
        ("return_value", EXECUTION_ARN),
    ]
    assert await end_event(trigger(triggerer, step_name="train", end_from_trigger=True)) == [TaskSkippedEvent]
    assert execution_log[-1] == (
        "INFO",
        "Skipping: step 'train' is in the branch of 'good' that was not taken: its outcome is False",
    )


async def test_ending_a_task_that_is_refused(service, triggerer, execution_log):
    """A refusal fails the task here, with the service's words in its log."""
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await end_event(trigger(triggerer, end_from_trigger=True)) == [TaskFailedEvent]
    assert execution_log[-1][1].startswith("DescribePipelineExecution failed: AccessDeniedException: not you.")


@pytest.mark.parametrize(("name", "ends"), [("execution_timeout", TaskFailedEvent), ("timeout", TriggerEvent)])
async def test_ending_a_task_that_is_out_of_time(service, triggerer, clock, name, ends):
    """The task's own timeout fails it here. A sensor's goes to a worker: Airflow tries no such sensor again."""
    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [clock.passes({"PipelineExecutionSteps": []})]
    limit = {"name": name, "seconds": 60, "at": 60.0}
    assert await end_event(trigger(triggerer, end_from_trigger=True, time_limit=limit)) == [ends]


async def test_in_dag_test_a_worker_ends_the_task(service):
    """Without a task instance nobody listens to events that end a task: the task is resumed."""
    service.execution("Succeeded")
    service.steps([])
    assert await event(trigger(end_from_trigger=True)) == ended("success")


async def test_a_task_is_not_resumed_too_early(service, triggerer, monkeypatch):
    """The scheduler fails a task that goes on before it has noticed that it deferred: the trigger gives it time."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    service.execution("Succeeded")
    service.steps([])
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.SETTLED_AFTER", 1000)
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.asyncio.sleep", sleep)
    assert await event(trigger(triggerer)) == ended("success")
    assert 900 < slept[-1] <= 1000


async def test_trouble_is_waited_out_and_a_refusal_is_not(service, execution_log):
    """Throttling is told once and waited out; no access ends the wait in the service's words."""
    service.execution("Succeeded")
    service.steps([])
    service.answers["DescribePipelineExecution"][:0] = [Refusal("ThrottlingException", "Rate exceeded")] * 2
    assert await event(trigger()) == ended("success")
    assert [line[1] for line in execution_log if line[0] == "WARNING"] == [
        (
            "SageMaker is unavailable, retrying: DescribePipelineExecution failed: ThrottlingException: Rate exceeded. "
            "(connection 'aws_default', region us-east-1)"
        )
    ]
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    told = await event(trigger())
    assert (told["status"], told["reason"].partition(" Check")[0]) == (
        "failed",
        "DescribePipelineExecution failed: AccessDeniedException: not you.",
    )


class Clock:
    """The time of day that triggers see. Passes only when told."""

    def __init__(self):
        self.now = 0.0

    def time(self):
        return self.now

    def passes(self, answer):
        """An answer of the service that comes after all time limits."""

        def later(_):
            self.now = 1000.0
            return answer

        return later


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(deadline, "time", clock)
    return clock


LIMIT = {"name": "execution_timeout", "seconds": 60, "at": 60.0}


async def test_given_up(service, clock):
    """A wait that takes too long ends with what was last seen, and names the limit."""
    service.execution("Executing")
    steps = {"PipelineExecutionSteps": [step("train", "Executing")]}
    service.answers["ListPipelineExecutionSteps"] = [clock.passes(steps)]
    assert await event(trigger(time_limit=LIMIT)) == ended(
        "timeout",
        f"gave up on execution {EXECUTION_ARN} after 60 seconds (execution_timeout); last seen: Executing, running "
        "'train'. The execution was not stopped",
        limit="execution_timeout",
    )


async def test_a_limit_that_is_over_when_the_trigger_starts_over(service):
    """A trigger that begins anew in another triggerer does not begin its time anew."""
    service.execution("Executing")
    service.steps([])
    told = await event(trigger(time_limit={"name": "timeout", "seconds": 60, "at": time.time() - 1}))
    assert (told["status"], told["limit"]) == ("timeout", "timeout")


async def test_a_step(service, triggerer, execution_log):
    """A step is waited for by its place in the execution's definition: one in a branch not taken is skipped."""
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    service.execution("Executing")
    service.steps(
        [step("good", "Executing")], [step("good", "Succeeded", Metadata={"Condition": {"Outcome": "False"}})]
    )
    told = await event(trigger(triggerer, step_name="train"))
    assert told == ended("skipped", "step 'train' is in the branch of 'good' that was not taken: its outcome is False")
    assert execution_log == [
        ("INFO", f"Following step 'train' of {EXECUTION_ARN}"),
        ("INFO", "Step 'train' has not started; the execution is Executing"),
    ]


async def test_a_step_that_a_successful_execution_went_without(service):
    """It was started elsewhere: what to do about that is not said as if the Dag had launched it."""
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    service.execution("Succeeded")
    service.steps([])
    told = await event(trigger(step_name="train"))
    assert told == ended(
        "failed",
        f"step 'train' never started: execution {EXECUTION_ARN} Succeeded without it. A selective execution runs only "
        "the selected steps, and a step can also wait for a failure that did not happen",
    )


async def test_a_step_that_does_not_exist(service):
    """A wrong name ends the wait at once."""
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    told = await event(trigger(step_name="trian"))
    assert told == ended(
        "failed",
        f"execution {EXECUTION_ARN} has no step 'trian'. Did you mean 'train'? Its definition has 'good', 'train'",
    )


async def test_an_execution_that_does_not_exist_yet(service, execution_log):
    """By name, a pipeline without executions is waited for, told once; the event says which one was found."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    found = {
        "PipelineExecutionArn": EXECUTION_ARN,
        "PipelineExecutionStatus": "Executing",
        "StartTime": start.timestamp(),
    }
    service.answers["ListPipelineExecutions"] = [
        Refusal("ResourceNotFound", "no such pipeline"),
        {"PipelineExecutionSummaries": []},
        {"PipelineExecutionSummaries": [found]},
    ]
    service.execution("Succeeded")
    service.steps([])
    made = trigger(
        pipeline_name="churn",
        started_from=start.isoformat(),
        started_before=(start + timedelta(days=1)).isoformat(),
    )
    assert await event(made) == ended("success")
    assert execution_log[0] == ("INFO", "Pipeline 'churn' has no such execution yet: waiting for one")
    assert len([line for line in execution_log if "waiting for one" in line[1]]) == 1


async def test_given_up_on_an_execution_that_does_not_exist(service, clock):
    """A wait for an execution that never comes ends when its time is up."""
    service.answers["ListPipelineExecutions"] = [clock.passes({"PipelineExecutionSummaries": []})]
    assert await event(trigger(pipeline_name="churn", time_limit=LIMIT)) == ended(
        "timeout",
        "gave up on an execution of pipeline 'churn' after 60 seconds (execution_timeout); last seen: no execution",
        arn=None,
        limit="execution_timeout",
    )


@pytest.mark.parametrize(
    ("state", "run_state", "stop_on_kill", "stops"),
    [
        ("failed", "running", True, 1),
        ("skipped", "failed", True, 1),
        ("scheduled", "running", True, 0),
        ("success", "running", True, 0),
        ("deferred", "running", True, 0),
        ("failed", "running", False, 0),
    ],
    ids=["failed", "run failed", "cleared", "marked successful", "taken over", "not asked for"],
)
async def test_killed(service, triggerer, state, run_state, stop_on_kill, stops):
    """A kill stops the execution only when a person failed the task or the Dag run."""
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    triggerer.states["churn.train"], triggerer.run_state = state, run_state
    await trigger(triggerer, stop_on_kill=stop_on_kill).on_kill()
    assert service.count("StopPipelineExecution") == stops


async def test_out_of_time_elsewhere(service, triggerer):
    """A paused triggerer finds the task failed: its time was up, which another one told. The execution keeps running."""
    triggerer.states["churn.train"] = "failed"
    over = {"name": "execution_timeout", "seconds": 60, "at": time.time() - 1}
    await trigger(triggerer, stop_on_kill=True, time_limit=over).on_kill()
    assert service.count("StopPipelineExecution") == 0


async def test_a_stop_that_is_refused(service, triggerer, execution_log):
    """The task is failed already: that its execution was not stopped is told in one line, in the service's words."""
    triggerer.states["churn.train"] = "failed"
    service.execution("Executing")
    service.answers["StopPipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    await trigger(triggerer, stop_on_kill=True).on_kill()
    assert execution_log == [
        ("INFO", f"Someone marked the task as failed: stopping execution {EXECUTION_ARN}"),
        (
            "WARNING",
            (
                "The execution was not stopped: StopPipelineExecution failed: AccessDeniedException: not you. Check what the "
                "connection's credentials, and the role, are allowed to do. "
                "See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1)"
            ),
        ),
    ]


async def test_what_is_no_arn(service):
    """A text that is no execution's ARN ends the wait, naming the form."""
    told = await event(trigger(pipeline_execution_arn="None"))
    assert told["status"] == "failed"
    assert re.match("'None' is not the ARN of a pipeline execution", told["reason"])


# --- Whatever a trigger meets, it ends with an event and a reason


@pytest.mark.parametrize(("soft", "ends"), [(False, TaskFailedEvent), (True, TaskSkippedEvent)])
async def test_what_nobody_thought_of(service, triggerer, execution_log, soft, ends):
    """An answer without the members that are always there fails the task with a reason, not the trigger in silence."""
    service.answers["DescribePipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    service.steps([])
    made = trigger(triggerer, end_from_trigger=True, skip_on_failure=soft)
    assert await end_event(made) == [ends]
    assert execution_log[-1] == ("ERROR", "The trigger failed: KeyError: 'PipelineExecutionStatus'")


async def test_what_nobody_thought_of_goes_to_a_worker(service, triggerer):
    """A task that ends on a worker is told the reason, too."""
    service.answers["DescribePipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    service.steps([])
    told = await event(trigger(triggerer))
    assert told == ended("failed", "the trigger failed: KeyError: 'PipelineExecutionStatus'")


async def test_an_xcom_that_airflow_refuses(service, triggerer, monkeypatch):
    """A result that Airflow does not take fails the task with Airflow's words."""

    async def refuse(message):
        if type(message).__name__ == "SetXCom" and message.key == "return_value":
            raise RuntimeError("API_SERVER_ERROR: invalid value")
        return await Triggerer.asend(triggerer, message)

    monkeypatch.setattr(triggerer, "asend", refuse)
    service.execution("Succeeded")
    service.steps([])
    assert await end_event(trigger(triggerer, end_from_trigger=True)) == [TaskFailedEvent]


# --- A task that has ended by itself stops nothing


async def test_a_task_that_failed_by_itself_elsewhere_stops_nothing(service, triggerer, execution_log):
    """A triggerer was paused; another took over, was refused, and failed the task. The paused one is killed then."""
    service.execution("Executing")
    service.answers["ListPipelineExecutionSteps"] = [Refusal("AccessDeniedException", "not you")]
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    other = trigger(triggerer, stop_on_kill=True, end_from_trigger=True)
    assert await end_event(other) == [TaskFailedEvent]
    triggerer.states["churn.train"] = "failed"
    await trigger(triggerer, stop_on_kill=True, end_from_trigger=True).on_kill()
    assert service.count("StopPipelineExecution") == 0
    assert execution_log[-1] == ("INFO", f"Execution {EXECUTION_ARN} was not stopped: the task had ended before")


async def test_a_task_that_a_person_fails_in_its_next_try_stops_its_execution(service, triggerer):
    """That an earlier try failed by itself does not keep a person from stopping the execution in this one."""
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await end_event(trigger(triggerer, stop_on_kill=True, end_from_trigger=True)) == [TaskFailedEvent]
    triggerer.states["churn.train"], triggerer.try_number = "failed", 2
    await trigger(triggerer, stop_on_kill=True, end_from_trigger=True).on_kill()
    assert service.count("StopPipelineExecution") == 1
