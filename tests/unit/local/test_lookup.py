"""Where expressions find their values."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.expressions import parse_reference
from airflow_sm_pipelines.exceptions import EvaluationError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.local.jobs.staging import StagingError
from airflow_sm_pipelines.local.lookup import ExecutionLookup, member_of
from airflow_sm_pipelines.local.store import ExecutionRecord, PipelineVersion, StepRecord

ARN = PipelineExecutionArn("aws", "us-east-1", "123456789012", "churn", "abcdefghijkl")
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.timezone.utc)


class Objects:
    """S3 objects for reading, by URI."""

    def __init__(self, **objects: str) -> None:
        self._objects = {"s3://b/out/metrics.json": '{"accuracy": 0.9}', "s3://b/out/bad.json": "{", **objects}
        self._objects |= {
            f"s3://b/out/{name}.json": json.dumps({"loss": [float(number)]})
            for name, number in (("nan", "nan"), ("large", "inf"), ("small", "-inf"))
        }

    def read(self, uri: str) -> bytes:
        if uri not in self._objects:
            raise StagingError(f"ClientError: cannot read {uri}: Error message from S3: gone")
        return self._objects[uri].encode()


@pytest.fixture
def lookup() -> ExecutionLookup:
    """An execution in which `evaluate` has succeeded and `train` is running."""
    files = [
        {"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"},
        {"PropertyFileName": "bad", "OutputName": "evaluation", "FilePath": "bad.json"},
        *(
            {"PropertyFileName": name, "OutputName": "evaluation", "FilePath": f"{name}.json"}
            for name in ("nan", "large", "small")
        ),
        {"PropertyFileName": "gone", "OutputName": "evaluation", "FilePath": "gone.json"},
        {"PropertyFileName": "elsewhere", "OutputName": "other", "FilePath": "m.json"},
    ]
    document = {
        "Version": "2020-12-01",
        "PipelineExperimentConfig": {"ExperimentName": {"Get": "Execution.PipelineName"}, "TrialName": "t"},
        "Steps": [
            {"Name": "evaluate", "Type": "Processing", "Arguments": {}, "PropertyFiles": files},
            {"Name": "train", "Type": "Training", "Arguments": {}},
        ],
    }
    execution = ExecutionRecord(
        arn=ARN,
        version=PipelineVersion(1, json.dumps(document), PipelineDefinition.from_document(document)),
        start_parameters={},
        parameters={"Depth": 5, "Fast": True},
        role_arn="arn:aws:iam::123456789012:role/R",
        attributes={},
        creation_time=NOON,
    )
    outputs = [{"OutputName": "evaluation", "S3Output": {"S3Uri": "s3://b/out/"}}]
    execution.steps["evaluate"] = StepRecord(
        "evaluate",
        "Processing",
        None,
        None,
        properties={"ProcessingOutputConfig": {"Outputs": outputs}, "CreationTime": NOON, "RoleArn": "r"},
    )
    execution.steps["train"] = StepRecord("train", "Training", None, None)
    return ExecutionLookup(execution, Objects(), {"TrainingJobName": "job"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Parameters.Depth", 5),
        ("Parameters.Fast", True),
        ("Execution.PipelineName", "churn"),
        ("Execution.PipelineArn", "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn"),
        ("Execution.PipelineExecutionArn", str(ARN)),
        ("Execution.PipelineExecutionId", "abcdefghijkl"),
        ("Execution.StartDateTime", "2026-11-21T12:00:00.000Z"),
        ("Execution.TrainingJobName", "job"),
        ("PipelineExperimentConfig.ExperimentName", "churn"),
        ("PipelineExperimentConfig.TrialName", "t"),
        ("Steps.evaluate.RoleArn", "r"),
        ("Steps.evaluate.CreationTime", "2026-11-21T12:00:00.000Z"),
        ("Steps.evaluate.ProcessingOutputConfig.Outputs['evaluation'].S3Output.S3Uri", "s3://b/out/"),
        ("Steps.evaluate.ProcessingOutputConfig.Outputs[0].OutputName", "evaluation"),
    ],
)
def test_references_have_values(lookup: ExecutionLookup, path: str, value: Any) -> None:
    """Parameters keep their type; named entries of lists are found by their name."""
    assert evaluate({"Get": path}, lookup) == value


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("Parameters.Width", "'Parameters.Width' has no value in this execution."),
        ("Execution.ProcessingJobName", "'Execution.ProcessingJobName' has no value in this execution."),
        ("PipelineExperimentConfig.Nothing", "'PipelineExperimentConfig.Nothing' has no value in this execution."),
        ("Steps.train.TrainingJobName", "Step 'train' has no properties: it has not run to its end."),
        ("Steps.later.TrainingJobName", "Step 'later' has no properties: it has not run to its end."),
        (
            "Steps.evaluate.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri",
            (
                "'Steps.evaluate.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri' has no value: there is no"
                " 'train' in a list of 1."
            ),
        ),
        (
            "Steps.evaluate.Role",
            (
                "'Steps.evaluate.Role' has no value: there is no 'Role' in an object with the keys"
                " 'ProcessingOutputConfig', 'CreationTime', 'RoleArn'."
            ),
        ),
    ],
)
def test_a_reference_without_value_says_so(lookup: ExecutionLookup, path: str, message: str) -> None:
    """The reference, and what there is instead."""
    with pytest.raises(EvaluationError) as error:
        evaluate({"Get": path}, lookup)
    assert str(error.value) == message


@pytest.mark.parametrize("metrics", [{}, {"FinalMetricDataList": [{"MetricName": "mae", "Value": 1.0}]}])
def test_a_metric_that_a_training_job_has_not_got_says_how_to_get_it(metrics: dict[str, Any]) -> None:
    """Also where the job has no metrics at all, since none of them is defined."""
    reference = parse_reference("Steps.train.FinalMetricDataList['r2'].Value")
    with pytest.raises(EvaluationError) as error:
        member_of({"TrainingJobName": "job", **metrics}, reference, reference.keys[1:])
    assert str(error.value) == (
        "'Steps.train.FinalMetricDataList['r2'].Value' has no value: the training job has no such metric. Name it in "
        "AlgorithmSpecification.MetricDefinitions, with a regular expression that finds its value in what the job prints."
    )


def test_property_files_are_read_from_the_output_they_lie_in(lookup: ExecutionLookup) -> None:
    """The output's S3 location, one slash, the file's path."""
    assert lookup.property_file("evaluate", "metrics") == {"accuracy": 0.9}


@pytest.mark.parametrize(
    ("step", "name", "message"),
    [
        ("evaluate", "curves", "Step 'evaluate' declares no property file 'curves'."),
        ("evaluate", "gone", "cannot read s3://b/out/gone.json: Error message from S3: gone"),
        (
            "evaluate",
            "elsewhere",
            "Property file 'elsewhere' is in the output 'other', which step 'evaluate' does not have.",
        ),
        (
            "evaluate",
            "bad",
            "Property file 'bad' of step 'evaluate' is not JSON: Expecting property name enclosed in double quotes",
        ),
        *(
            (
                "evaluate",
                name,
                (
                    f"Property file '{name}' of step 'evaluate' is not JSON: {word} is not a JSON value; write null, or"
                    f" leave the key out (s3://b/out/{name}.json)."
                ),
            )
            for name, word in (("nan", "NaN"), ("large", "Infinity"), ("small", "-Infinity"))
        ),
    ],
)
def test_a_property_file_that_cannot_be_read_says_why(
    lookup: ExecutionLookup, step: str, name: str, message: str
) -> None:
    """Not declared, not there, in no output, or no JSON, such as Python's own NaN and Infinity."""
    with pytest.raises(EvaluationError) as error:
        lookup.property_file(step, name)
    assert str(error.value).startswith(message)


def test_json_of_any_object_is_strict(lookup: ExecutionLookup) -> None:
    """A number that is none compares as false to everything: no condition is decided with one."""
    with pytest.raises(EvaluationError) as error:
        lookup.s3_json("s3://b/out/nan.json")
    assert str(error.value) == (
        "s3://b/out/nan.json is not JSON: NaN is not a JSON value; write null, or leave the key out"
    )
