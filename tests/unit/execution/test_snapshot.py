from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.exceptions import UnknownStatusError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

TRACES = Path(__file__).parents[2] / "golden" / "traces"
EXECUTION = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"


def trace(name: str) -> Any:
    """A recorded response of the service, with its times as boto3 gives them."""

    def times(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {key: datetime.fromisoformat(value) if key.endswith("Time") else value for key, value in pairs}

    return json.loads((TRACES / f"{name}.json").read_text(), object_pairs_hook=times)


def test_recorded_execution_with_a_condition():
    """A recorded execution reads into steps with types, jobs, times and the condition's outcome."""
    snapshot = ExecutionSnapshot.from_responses(
        trace("sm_pipelines_selective_execution_1"), trace("sm_pipelines_selective_execution_2")
    )
    account = "arn:aws:sagemaker:us-east-1:681580474417"
    job = f"{account}:processing-job/pipelines-is6ph1fp4go8-Abalone-Evaluate-3Ntw7qvw1A"
    assert snapshot.arn == PipelineExecutionArn.parse(
        f"{account}:pipeline/AbalonePipeline-SelectExec/execution/is6ph1fp4go8"
    )
    assert (snapshot.status, snapshot.failure_reason) == (ExecutionStatus.EXECUTING, None)
    assert snapshot.created_by_domain == "d-biwxq9wovumj"
    assert {step.name: (step.type, step.job_arn, step.condition_outcome) for step in snapshot.steps.values()} == {
        "Abalone-Preprocess": (
            "Processing",
            f"{account}:processing-job/pipelines-is6ph1fp4go8-Abalone-Preprocess-vRZZNaYdbc",
            None,
        ),
        "Abalone-Train": (
            "Training",
            f"{account}:training-job/pipelines-is6ph1fp4go8-Abalone-Train-5F3a1Eb2Zd",
            None,
        ),
        "Abalone-Evaluate": ("Processing", job, None),
        "Abalone-MSECheck": ("Condition", None, True),
        "Abalone-ModelRegister-RegisterModel": (
            "RegisterModel",
            f"{account}:model-package/abalone-models/14",
            None,
        ),
        "Abalone-CreateModel-CreateModel": (
            "Model",
            f"{account}:model/pipelines-is6ph1fp4go8-abalone-createmodel--m2fs0kxign",
            None,
        ),
    }
    assert snapshot.steps["Abalone-Evaluate"] == StepSnapshot(
        name="Abalone-Evaluate",
        status=StepStatus.SUCCEEDED,
        type="Processing",
        start_time=datetime.fromisoformat("2023-07-25 20:19:34.645000+00:00"),
        end_time=datetime.fromisoformat("2023-07-25 20:24:04.114000+00:00"),
        metadata={"ProcessingJob": {"Arn": job}},
        attempt_count=0,
    )


def test_recorded_step_functions_are_training_steps():
    """Steps made with the SDK's decorator read as Training steps with their attempt counts."""
    snapshot = ExecutionSnapshot.from_responses(
        trace("fine_tune_bedrock_step_decorator_1"), trace("fine_tune_bedrock_step_decorator_2")
    )
    assert [(s.name, s.type, s.attempt_count) for s in snapshot.steps.values()] == [
        ("model-testing-step", "Training", 1),
        ("create-provisioned-throughput-step", "Training", 1),
        ("model-training-step", "Training", 1),
        ("data-upload-to-s3-step", "Training", 1),
        ("data-split-step", "Training", 1),
        ("data-load-step", "Training", 1),
    ]


@pytest.mark.parametrize(
    ("metadata", "step_type", "job_arn"),
    [
        ({}, None, None),
        ({"QualityCheck": {"CheckType": "DATA_QUALITY", "CheckJobArn": "arn:check"}}, "QualityCheck", "arn:check"),
        ({"Lambda": {"Arn": "arn:function", "OutputParameters": []}}, "Lambda", "arn:function"),
        ({"HubContent": {"HubArn": "arn:hub", "HubContentArn": "arn:content"}}, "HubContent", "arn:content"),
        ({"EMR": {"ClusterId": "j-1", "StepId": "s-1"}}, "EMR", None),
        ({"Quantum": {"Arn": "arn:quantum"}}, "Quantum", "arn:quantum"),
    ],
)
def test_job_of_a_step(metadata, step_type, job_arn):
    """What a step made is told by its metadata, whatever its kind, and also by a kind not known yet."""
    step = StepSnapshot.from_response({"StepName": "s", "StepStatus": "Executing", "Metadata": metadata})
    assert (step.type, step.job_arn) == (step_type, job_arn)


@pytest.mark.parametrize(("outcome", "taken"), [("True", True), ("False", False), ("true", True)])
def test_outcome_of_a_condition(outcome, taken):
    """The outcome of a condition is a truth value."""
    step = StepSnapshot.from_response(
        {"StepName": "c", "StepStatus": "Succeeded", "Metadata": {"Condition": {"Outcome": outcome}}}
    )
    assert step.condition_outcome is taken


def test_condition_not_decided():
    """A condition has no outcome until it is decided."""
    step = StepSnapshot.from_response({"StepName": "c", "StepStatus": "Executing", "Metadata": {"Condition": {}}})
    assert (step.type, step.condition_outcome) == ("Condition", None)


def test_taken_over_results():
    """Cache hits and steps that were not selected name the execution whose result was taken over."""
    step = StepSnapshot.from_response(
        {
            "StepName": "s",
            "StepStatus": "Succeeded",
            "CacheHitResult": {"SourcePipelineExecutionArn": "arn:cached"},
            "SelectiveExecutionResult": {"SourcePipelineExecutionArn": "arn:selected"},
        }
    )
    assert step == StepSnapshot(
        "s", StepStatus.SUCCEEDED, cache_hit_source="arn:cached", selective_source="arn:selected"
    )


def test_reason_of_a_fail_step():
    """A Fail step's reason is its message, where the service gives no FailureReason."""
    step = {"StepName": "f", "StepStatus": "Failed", "Metadata": {"Fail": {"ErrorMessage": "not accurate enough"}}}
    assert StepSnapshot.from_response(step).reason == "not accurate enough"
    assert StepSnapshot.from_response({**step, "FailureReason": "said"}).reason == "said"
    assert StepSnapshot.from_response({"StepName": "f", "StepStatus": "Failed"}).reason is None


def test_failed_and_stopped_steps_in_the_order_they_ended():
    """Failed and stopped steps come in the order of their ends, those without an end last."""

    def step(name: str, status: str, ended: int | None) -> dict[str, Any]:
        entry = {"StepName": name, "StepStatus": status}
        return entry if ended is None else {**entry, "EndTime": datetime.fromtimestamp(ended, timezone.utc)}

    snapshot = ExecutionSnapshot.from_responses(
        {"PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": "Failed"},
        [
            step("d", "Failed", None),
            step("b", "Failed", 20),
            step("a", "Failed", 30),
            step("c", "Failed", 20),
            step("y", "Stopped", 2),
            step("x", "Stopped", 1),
            step("ok", "Succeeded", 1),
        ],
    )
    assert [step.name for step in snapshot.failed_steps] == ["b", "c", "a", "d"]
    assert [step.name for step in snapshot.stopped_steps] == ["x", "y"]


def test_unknown_status_in_a_response_is_loud():
    """A status not known here fails the reading of the whole snapshot, for execution and step alike."""
    with pytest.raises(UnknownStatusError, match="unknown step status 'Pending'"):
        ExecutionSnapshot.from_responses(
            {"PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": "Executing"},
            [{"StepName": "s", "StepStatus": "Pending"}],
        )
    with pytest.raises(UnknownStatusError, match="unknown pipeline execution status 'Queued'"):
        ExecutionSnapshot.from_responses({"PipelineExecutionArn": EXECUTION, "PipelineExecutionStatus": "Queued"}, [])


def test_how_long_nothing_has_happened():
    """The latest of all times counts; without any, and when the service's clock is ahead, it is no time at all."""

    def at(second: int) -> datetime:
        return datetime(2026, 1, 1, 0, 0, second, tzinfo=timezone.utc)

    def quiet_for(modified: datetime | None = None, *steps: StepSnapshot) -> float:
        snapshot = ExecutionSnapshot(
            PipelineExecutionArn.parse(EXECUTION),
            ExecutionStatus.EXECUTING,
            {step.name: step for step in steps},
            last_modified_time=modified,
        )
        return snapshot.quiet_for(at(30))

    started = StepSnapshot("a", StepStatus.EXECUTING, start_time=at(10))
    ended = StepSnapshot("b", StepStatus.SUCCEEDED, start_time=at(5), end_time=at(20))
    assert quiet_for() == 0
    assert quiet_for(None, started) == 20
    assert quiet_for(at(1), started, ended) == 10
    assert quiet_for(at(25), started, ended) == 5
    assert quiet_for(at(40), started) == 0
