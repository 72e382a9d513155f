"""What the triggerer tells of a step that is over: the job's log, comparisons, older definitions; and no secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.triggers.base import TaskFailedEvent, TaskSuccessEvent, TriggerEvent

from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.triggers import finish
from tests.made_triggers import step_trigger
from tests.scripted_service import EXECUTION_ARN, Refusal, step

JOB = "arn:aws:sagemaker:us-east-1:123456789012:training-job/pipelines-abc-train"
TRAINING = {"TrainingJob": {"Arn": JOB}}
MASKED = {"at": 0.0, "clears": 0, "listens": False, "masked": {"Token": "***", "Url": "https://me:***@host"}}
PARAMETERS = [
    {"Name": "Token", "Value": "t0ken-of-a-test"},
    {"Name": "Url", "Value": "https://me:p4ss-of-a-test@host"},
    {"Name": "Plain", "Value": "harmless"},
]
SAID = "t0ken-of-a-test and p4ss-of-a-test, harmless"
HIDDEN = "*** and ***, harmless"


async def events(made: Any) -> list[tuple[type, Any]]:
    return [(type(event), event.payload) async for event in made.run()]


def logged(service, *lines: str) -> None:
    """Script a job's log."""
    service.answers["DescribeLogStreams"] = [{"logStreams": [{"logStreamName": "pipelines-abc-train/algo-1"}]}]
    service.answers["GetLogEvents"] = [
        {"events": [{"timestamp": second, "message": line} for second, line in enumerate(lines)]}
    ]


def given_secrets(service, triggerer) -> None:
    """Script an execution that was started with secrets."""
    triggerer.launch_xcoms["launched"] = MASKED
    service.answers["ListPipelineParametersForExecution"] = [{"PipelineParameters": PARAMETERS}]


def over(service, status: str, **more: Any) -> None:
    service.execution("Executing")
    service.steps([step("train", status, Metadata=TRAINING, EndTime=1690315999.5, **more)])
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": "s3://box/model.tar.gz"}}]


def trigger(triggerer, **arguments: Any):
    return step_trigger(triggerer, **arguments)


# --- The log of a job that succeeded


async def test_the_log_of_a_job_that_succeeded(service, triggerer, log):
    """Its last lines are in the task's log, as those of one that failed are."""
    over(service, "Succeeded")
    logged(service, "one", "two")
    assert await events(trigger(triggerer, log_lines=2)) == [(TaskSuccessEvent, "success")]
    assert log()[-3:] == [
        ("INFO", "The last lines of the job's log (2):"),
        ("INFO", "    one"),
        ("INFO", "    two"),
    ]


async def test_a_log_that_cannot_be_read(service, triggerer, log):
    """The task succeeds all the same, and says why nothing is shown."""
    over(service, "Succeeded")
    service.answers["DescribeLogStreams"] = [Refusal("AccessDeniedException", "not you")]
    assert await events(trigger(triggerer)) == [(TaskSuccessEvent, "success")]
    assert log()[-1] == (
        "INFO",
        (
            "The job's log cannot be shown: DescribeLogStreams failed: AccessDeniedException: not you. Check what the "
            "connection's credentials, and the role, are allowed to do. "
            "See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1)"
        ),
    )


async def test_a_log_that_takes_too_long(service, triggerer, log, monkeypatch):
    """The end of the task does not wait for ever."""
    monkeypatch.setattr(finish, "LONGEST_REPORT", 0.0)
    over(service, "Succeeded")
    logged(service, "one")
    assert await events(trigger(triggerer)) == [(TaskSuccessEvent, "success")]
    assert log()[-1] == ("INFO", "The rest of the report on the step is left out: it took longer than 0 s")


@pytest.mark.parametrize("source", ["CacheHitResult", "SelectiveExecutionResult"])
async def test_a_result_that_was_taken_over(service, triggerer, source):
    """The job of another execution ran long ago: its log is not asked for."""
    over(service, "Succeeded", **{source: {"SourcePipelineExecutionArn": EXECUTION_ARN}})
    assert await events(trigger(triggerer)) == [(TaskSuccessEvent, "success")]
    assert service.count("DescribeLogStreams") == 0


# --- Conditions

CONDITION = {
    "Name": "train",
    "Type": "Condition",
    "Arguments": {
        "Conditions": [
            {"Type": "GreaterThanOrEqualTo", "LeftValue": {"Get": "Parameters.Least"}, "RightValue": 3},
            {"Type": "Equals", "LeftValue": {"Get": "Steps.x.TrainingJobStatus"}, "RightValue": "Completed"},
        ],
        "IfSteps": [],
        "ElseSteps": [],
    },
}
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Least", "Type": "Integer", "DefaultValue": 3}],
    "Steps": [CONDITION],
}


def decided(service, outcome: str) -> None:
    service.execution("Executing")
    metadata = {"Condition": {"Outcome": outcome}}
    service.steps([step("train", "Succeeded", Metadata=metadata, EndTime=1690315999.5)])
    service.answers["DescribePipelineDefinitionForExecution"] = [{"PipelineDefinition": json.dumps(DEFINITION)}]
    service.answers["ListPipelineParametersForExecution"] = [{"PipelineParameters": []}]


SKIPPED: dict[str, list[str]] = {"True": [], "False": []}


async def test_what_a_condition_compared(service, triggerer, log):
    """Each comparison is told with its values and their names; one whose value is not known here says so."""
    decided(service, "False")
    assert await events(trigger(triggerer, skipped_task_ids=SKIPPED)) == [(TaskSuccessEvent, "success")]
    assert log()[-2:] == [
        ("INFO", "Parameters.Least (3) >= 3: holds"),
        ("INFO", "Steps.x.TrainingJobStatus == 'Completed': not known here"),
    ]
    assert dict(triggerer.pushed)["outcome"] == {
        "holds": False,
        "comparisons": [
            {
                "comparison": "Parameters.Least (3) >= 3",
                "holds": True,
                "operator": ">=",
                "operands": [{"name": "Parameters.Least", "value": 3}, {"name": None, "value": 3}],
            },
            {
                "comparison": "Steps.x.TrainingJobStatus == 'Completed'",
                "holds": None,
                "operator": "==",
                "operands": [{"name": "Steps.x.TrainingJobStatus"}, {"name": None, "value": "Completed"}],
            },
        ],
    }


async def test_comparisons_that_cannot_be_looked_up(service, triggerer, log):
    """The outcome is the service's, and counts; the log says why no more is told."""
    decided(service, "True")
    service.answers["DescribePipelineDefinitionForExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await events(trigger(triggerer, skipped_task_ids=SKIPPED)) == [(TaskSuccessEvent, "success")]
    assert log()[-1][1].startswith(
        "What the condition compares cannot be shown: DescribePipelineDefinitionForExecution"
    )
    assert dict(triggerer.pushed)["outcome"] == {"holds": True, "comparisons": []}


# --- Secrets


@pytest.mark.parametrize("status", ["Succeeded", "Failed"])
async def test_no_secret_is_told(service, triggerer, log, status):
    """Neither a failure's reason, nor the job's log, nor an XCom tells what the execution was started with in secret."""
    given_secrets(service, triggerer)
    over(service, status, FailureReason=f"cannot use {SAID}")
    service.answers["DescribeTrainingJob"] = [{"ModelArtifacts": {"S3ModelArtifacts": f"s3://box/{SAID}"}}]
    logged(service, f"using {SAID}")
    await events(trigger(triggerer))
    assert log()[-1][1] == f"    using {HIDDEN}"
    everything = json.dumps([log(), triggerer.pushed, triggerer.launch_xcoms])
    assert (everything.count("t0ken-of-a-test"), everything.count("p4ss-of-a-test")) == (0, 0)


async def test_no_secret_is_in_the_event_for_a_worker(service, triggerer):
    """Airflow stores the event: a row of its database has the reason without secrets."""
    given_secrets(service, triggerer)
    over(service, "Failed", FailureReason=f"cannot use {SAID}")
    reason = f"step 'train' failed: cannot use {HIDDEN}"
    ended = {"status": "failed", "reason": reason, "limit": None}
    payload = {**ended, "pipeline_execution_arn": EXECUTION_ARN, "try_number": 1}
    assert await events(trigger(triggerer, ends_here=["success"])) == [(TriggerEvent, payload)]


async def test_values_that_the_service_does_not_tell(service, triggerer, log):
    """Where secrets cannot be told from the rest, nothing is shown, and the task says what is missing."""
    given_secrets(service, triggerer)
    over(service, "Failed", FailureReason=f"cannot use {SAID}")
    service.answers["ListPipelineParametersForExecution"] = [Refusal("AccessDeniedException", "not you")]
    assert await events(trigger(triggerer)) == [(TaskFailedEvent, "failed")]
    assert log()[-1] == (
        "ERROR",
        (
            "ListPipelineParametersForExecution failed: AccessDeniedException: not you. Check what the connection's "
            "credentials, and the role, are allowed to do. "
            "See docs/troubleshooting.md#accessdenied (connection 'aws_default', region us-east-1)"
        ),
    )


# --- Definitions

OTHER_DEFINITION = {"Version": "2020-12-01", "Steps": []}


@pytest.mark.parametrize(("definition", "told"), [(DEFINITION, 0), (OTHER_DEFINITION, 1)])
async def test_a_resumed_execution_that_runs_another_definition(service, triggerer, log, definition, told):
    """The execution goes on with what it was started with; where the Dag has another definition the log says so."""
    triggerer.try_number = 2
    triggerer.launch_xcoms["ended__churn.train"] = {
        "try_number": 1,
        "failure": f"{EXECUTION_ARN} train Failed 1690315999.500",
    }
    service.execution("Failed", "Executing", "Succeeded")
    failed = step("train", "Failed", EndTime=1690315999.5, FailureReason="boom")
    service.steps([failed], [step("train", "Succeeded", EndTime=1690316999.0)])
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    service.answers["DescribePipelineDefinitionForExecution"] = [
        {"PipelineDefinition": json.dumps(DEFINITION, indent=1)}
    ]
    made = trigger(triggerer, definition_digest=definition_digest(json.dumps(definition)))
    assert await events(made) == [(TaskSuccessEvent, "success")]
    assert [line for level, line in log() if level == "WARNING"] == told * [
        (
            "The execution continues with the code and the definition it was started with, but the Dag has new ones "
            "now. To run those, clear 'churn.launch' with its downstream tasks. "
            "See docs/troubleshooting.md#the-old-script-runs"
        )
    ]
