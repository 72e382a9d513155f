"""Records as documents, and back: nothing is lost on the way through JSON."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import fields
from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.jobs.ended import EndedJob
from airflow_sm_pipelines.local.persistence.interruption import (
    EXECUTION_REASON,
    JOB_REASON,
    STEP_REASON,
    interrupt_execution,
    interrupted_job,
)
from airflow_sm_pipelines.local.persistence.jobs import job_document, job_of
from airflow_sm_pipelines.local.persistence.plain import from_plain, to_plain
from airflow_sm_pipelines.local.persistence.records import (
    execution_document,
    execution_of,
    pipeline_document,
    pipeline_of,
    step_document,
    step_of,
)
from airflow_sm_pipelines.local.store import ExecutionRecord, Iteration, PipelineRecord, PipelineVersion, StepRecord

TEXT = json.dumps({"Version": "2020-12-01", "Steps": []})
ARN = PipelineExecutionArn("aws", "eu-west-1", "123456789012", "churn", "abcdefghijkl")


def at(minute: int) -> dt.datetime:
    return dt.datetime(2026, 11, 27, 12, minute, 5, 123000, tzinfo=dt.timezone.utc)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def pipeline() -> PipelineRecord:
    definition = PipelineDefinition.from_json(TEXT)
    return PipelineRecord(
        name="churn",
        arn=ARN.pipeline_arn,
        role_arn="role",
        versions=[
            PipelineVersion(1, TEXT, definition, ["first"], {"PipelineVersionDisplayName": "n"}, at(0), str(ARN)),
            PipelineVersion(2, f"{TEXT} ", definition, [], {}, at(1)),
        ],
        attributes={"ParallelismConfiguration": {"MaxParallelExecutionSteps": 3}, "PipelineDescription": "d"},
        creation_time=at(0),
        last_modified_time=at(1),
        last_run_time=at(2),
    )


def steps() -> dict[str, StepRecord]:
    made = [
        StepRecord(
            name="fan-1",
            type="Training",
            display_name="Train",
            description="trains",
            attempt=2,
            start_time=at(3),
            end_time=at(4),
            status=StepStatus.SUCCEEDED,
            failure_reason="",
            metadata={"TrainingJob": {"Arn": "a"}},
            properties={"CreationTime": at(3), "Nested": [{"Value": 0.1}, None, True], "$time": "not one"},
            outcome=None,
            iteration=Iteration("fan", 1, {"$time": [1, "x"]}, frozenset({"b", "a"})),
            copied_from="copied",
            cached_from="cached",
            cache_key="key",
        ),
        StepRecord("enough", "Condition", None, None, start_time=at(4), status=StepStatus.EXECUTING, outcome=False),
    ]
    return {step.name: step for step in made}


def execution(owner: PipelineRecord, status: ExecutionStatus = ExecutionStatus.SUCCEEDED) -> ExecutionRecord:
    return ExecutionRecord(
        arn=ARN,
        version=owner.versions[0],
        start_parameters={"N": "1", "F": "0.5"},
        parameters={"N": 1, "F": 0.5, "B": True, "S": "s"},
        role_arn="role",
        attributes={"PipelineExecutionDisplayName": "x"},
        selected=frozenset({"b", "a"}),
        creation_time=at(2),
        last_modified_time=at(5),
        status=status,
        failure_reason="why",
        experiment_config={"ExperimentName": "e"},
        steps=steps(),
        attempts={"b": 2},
    )


def shown(record: ExecutionRecord) -> dict[str, Any]:
    """All of an execution but its lock and its event."""
    return {each.name: getattr(record, each.name) for each in fields(record) if each.name not in ("lock", "done")}


@pytest.mark.parametrize(
    "value",
    [
        at(0),
        {"$time": "x"},
        {"$object": {"$time": at(0)}},
        {"$time": 1, "b": 2},
        [1, 0.1, None, False, "ü", {"a": [at(1)]}],
        float("inf"),
    ],
)
def test_values_come_back(value: Any) -> None:
    """Times, and objects that look like what stands for a time."""
    assert from_plain(through_json(to_plain(value))) == value


def test_what_has_no_form_in_json_is_refused() -> None:
    """The message has the value."""
    with pytest.raises(TypeError) as refusal:
        to_plain({"a": [b"x"]})
    assert str(refusal.value) == "b'x' cannot be kept: JSON cannot hold it"


def test_a_pipeline_comes_back() -> None:
    """With its versions, whose texts are kept apart."""
    before = pipeline()
    document = through_json(pipeline_document(before))
    assert pipeline_of(document, {version.version_id: version.text for version in before.versions}) == before


def test_steps_come_back() -> None:
    """Each member of a record."""
    for step in steps().values():
        assert step_of(through_json(step_document(step))) == step


@pytest.mark.parametrize("selected", [frozenset({"a"}), None])
def test_an_execution_comes_back(selected: frozenset[str] | None) -> None:
    """It runs a version of the pipeline as that came back; its steps are in their order."""
    owner = pipeline()
    before = execution(owner)
    before.selected = selected
    kept = dict(reversed(before.steps.items()))
    after = execution_of(through_json(execution_document(before)), {owner.arn: owner}, kept)
    assert (shown(after), list(after.steps)) == (shown(before), list(before.steps))
    assert after.version is owner.versions[0]


def test_steps_that_are_written_before_their_execution_count() -> None:
    """They come last, in the order of their start; a step that is named and was not written yet is left out."""
    owner = pipeline()
    document = execution_document(execution(owner)) | {"steps": ["never written", "enough"]}
    assert list(execution_of(document, {owner.arn: owner}, steps()).steps) == ["enough", "fan-1"]


@pytest.mark.parametrize("status", [ExecutionStatus.EXECUTING, ExecutionStatus.STOPPING])
def test_an_execution_that_was_running_has_failed(status: ExecutionStatus) -> None:
    """So have its steps that were; what has ended stays as it is."""
    record = execution(pipeline(), status)
    expected = execution(pipeline(), ExecutionStatus.FAILED)
    expected.failure_reason, expected.last_modified_time = EXECUTION_REASON, at(9)
    step = expected.steps["enough"]
    step.status, step.failure_reason, step.end_time = StepStatus.FAILED, STEP_REASON, at(9)
    assert interrupt_execution(record, at(9)) == [step]
    assert shown(record) == shown(expected)


def test_an_execution_that_has_ended_stays_as_it_is() -> None:
    """Whatever its end was."""
    record = execution(pipeline())
    assert (interrupt_execution(record, at(9)), shown(record)) == ([], shown(execution(pipeline())))


def training_job(status: str) -> EndedJob:
    transition = {"Status": "Training", "StartTime": at(1), "StatusMessage": "m"}
    return EndedJob(
        api="TrainingJob",
        name="t",
        arn="arn",
        tags=[{"Key": "a", "Value": "b"}],
        description={
            "TrainingJobStatus": status,
            "CreationTime": at(0),
            "LastModifiedTime": at(1),
            "SecondaryStatus": "Training",
            "SecondaryStatusTransitions": [transition],
        },
        modified_time=at(1),
    )


def test_a_job_comes_back_as_one_that_has_ended() -> None:
    """It can be looked at, is not stopped, and has its tags."""
    job = training_job("Completed")
    document = through_json(job_document(job))
    after = job_of(document)
    assert after == job
    assert interrupted_job(document, at(9)) is document
    assert (after.status, after.request, after.stop(), after.wait(), after.summaries()) == (
        "Completed",
        {"Tags": [{"Key": "a", "Value": "b"}]},
        False,
        True,
        [],
    )


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_training_job_that_was_running_has_failed(status: str) -> None:
    """Its secondary status, too."""
    after = job_of(interrupted_job(through_json(job_document(training_job(status))), at(9)))
    assert after == EndedJob(
        api="TrainingJob",
        name="t",
        arn="arn",
        tags=[{"Key": "a", "Value": "b"}],
        description={
            "TrainingJobStatus": "Failed",
            "CreationTime": at(0),
            "LastModifiedTime": at(9),
            "TrainingEndTime": at(9),
            "FailureReason": JOB_REASON,
            "SecondaryStatus": "Failed",
            "SecondaryStatusTransitions": [
                {"Status": "Training", "StartTime": at(1), "EndTime": at(9), "StatusMessage": "m"},
                {"Status": "Failed", "StartTime": at(9), "EndTime": at(9), "StatusMessage": "Training job failed"},
            ],
        },
        modified_time=at(9),
    )


def test_a_tuning_job_that_was_running_has_failed() -> None:
    """Its training jobs that were are counted as failed by the service's fault."""
    completed = {"TrainingJobName": "a", "TrainingJobStatus": "Completed", "ObjectiveStatus": "Succeeded"}
    running = {"TrainingJobName": "b", "TrainingJobStatus": "InProgress", "ObjectiveStatus": "Pending"}
    job = EndedJob(
        api="HyperParameterTuningJob",
        name="t",
        arn="arn",
        tags=[],
        description={
            "HyperParameterTuningJobStatus": "InProgress",
            "CreationTime": at(0),
            "TrainingJobStatusCounters": {},
            "ObjectiveStatusCounters": {},
        },
        modified_time=at(1),
        training_jobs=[completed, running],
    )
    after = job_of(interrupted_job(through_json(job_document(job)), at(9)))
    assert after.summaries() == [
        completed,
        {
            "TrainingJobName": "b",
            "TrainingJobStatus": "Failed",
            "ObjectiveStatus": "Failed",
            "FailureReason": JOB_REASON,
            "TrainingEndTime": at(9),
        },
    ]
    assert after.describe() == {
        "HyperParameterTuningJobStatus": "Failed",
        "FailureReason": JOB_REASON,
        "HyperParameterTuningEndTime": at(9),
        "CreationTime": at(0),
        "TrainingJobStatusCounters": {
            "Completed": 1,
            "InProgress": 0,
            "RetryableError": 1,
            "NonRetryableError": 0,
            "Stopped": 0,
        },
        "ObjectiveStatusCounters": {"Succeeded": 1, "Pending": 0, "Failed": 1},
    }
