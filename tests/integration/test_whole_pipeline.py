"""A pipeline like the example's: prepare, train, evaluate, a condition, then register or fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, wait
from tests.integration.documents import BUCKET, IMAGE, document, processing_step, training_step

PREPARE = """
import pathlib, sys
rows = pathlib.Path("/opt/ml/processing/input/raw/rows.csv").read_text().split()
for name, part in (("train", rows[:2]), ("test", rows[2:])):
    pathlib.Path(f"/opt/ml/processing/output/{name}/rows.csv").write_text("\\n".join(part))
print("prepared", len(rows), "rows", *sys.argv[1:])
"""
TRAIN = """
import argparse, json, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
parser.add_argument("--model-dir", default=os.environ["SM_MODEL_DIR"])
parser.add_argument("--train", default=os.environ["SM_CHANNEL_TRAIN"])
options = parser.parse_args()
rows = (pathlib.Path(options.train) / "rows.csv").read_text().split()
pathlib.Path(options.model_dir, "model.json").write_text(json.dumps({"rows": rows, "depth": options.depth}))
print("trained on", len(rows), "rows")
"""
EVALUATE = """
import json, pathlib, tarfile
with tarfile.open("/opt/ml/processing/input/model/model.tar.gz") as tar:
    model = json.load(tar.extractfile("model.json"))
test = pathlib.Path("/opt/ml/processing/input/test/rows.csv").read_text().split()
metrics = {"accuracy": {"value": 0.95}, "depth": model["depth"], "test_rows": len(test)}
pathlib.Path("/opt/ml/processing/output/evaluation/metrics.json").write_text(json.dumps(metrics))
"""


def definition(aws: Aws) -> dict[str, Any]:
    """The example's pipeline, with scripts that need the standard library only."""
    code = {
        name: aws.put(f"code/{name}/script.py", text) for name, text in (("prepare", PREPARE), ("evaluate", EVALUATE))
    }
    source = aws.put_source_archive({"train.py": TRAIN})
    prefix = ["s3:/", BUCKET, "runs", {"Get": "Execution.PipelineExecutionId"}]
    return document(
        processing_step(
            "prepare",
            code["prepare"],
            inputs={"raw": {"Get": "Parameters.InputData"}},
            outputs={name: {"Std:Join": {"On": "/", "Values": [*prefix, name]}} for name in ("train", "test")},
            arguments=("--seed", "7"),
        ),
        training_step(
            "train",
            source,
            inputs={"train": {"Get": "Steps.prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}},
            hyperparameters={"depth": "5"},
        ),
        processing_step(
            "evaluate",
            code["evaluate"],
            inputs={
                "model": {"Get": "Steps.train.ModelArtifacts.S3ModelArtifacts"},
                "test": {"Get": "Steps.prepare.ProcessingOutputConfig.Outputs['test'].S3Output.S3Uri"},
            },
            outputs={"evaluation": {"Std:Join": {"On": "/", "Values": [*prefix, "evaluation"]}}},
            PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "evaluation", "FilePath": "metrics.json"}],
        ),
        {
            "Name": "good_enough",
            "Type": "Condition",
            "Arguments": {
                "Conditions": [
                    {
                        "Type": "GreaterThanOrEqualTo",
                        "LeftValue": {
                            "Std:JsonGet": {
                                "PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"},
                                "Path": "accuracy.value",
                            }
                        },
                        "RightValue": {"Get": "Parameters.MinAccuracy"},
                    }
                ],
                "IfSteps": [
                    {
                        "Name": "register",
                        "Type": "RegisterModel",
                        "Arguments": {
                            "ModelPackageGroupName": "churn",
                            "InferenceSpecification": {
                                "Containers": [
                                    {
                                        "Image": IMAGE,
                                        "ModelDataUrl": {"Get": "Steps.train.ModelArtifacts.S3ModelArtifacts"},
                                    }
                                ],
                                "SupportedContentTypes": ["text/csv"],
                                "SupportedResponseMIMETypes": ["text/csv"],
                            },
                        },
                    }
                ],
                "ElseSteps": [
                    {
                        "Name": "reject",
                        "Type": "Fail",
                        "Arguments": {
                            "ErrorMessage": {
                                "Std:Join": {"On": " ", "Values": ["not accurate:", {"Get": "Parameters.MinAccuracy"}]}
                            }
                        },
                    }
                ],
            },
        },
        parameters=(
            {"Name": "InputData", "Type": "String"},
            {"Name": "MinAccuracy", "Type": "Float", "DefaultValue": 0.9},
        ),
    )


@pytest.fixture(scope="module")
def raw(aws: Aws) -> str:
    """The URI of some input rows."""
    aws.put("lake/churn/rows.csv", "1,a\n2,b\n3,c\n")
    return f"s3://{BUCKET}/lake/churn/"


def test_a_good_model_is_registered(endpoint: LocalEndpoint, aws: Aws, raw: str) -> None:
    """Every step runs, values flow from step to step, and the model ends in the registry."""
    arn = aws.start(definition(aws), {"InputData": raw})
    wait(endpoint, arn)

    execution = aws.describe(arn)
    steps = aws.steps(arn)
    assert (execution["PipelineExecutionStatus"], execution.get("FailureReason")) == ("Succeeded", None)
    assert {name: step["StepStatus"] for name, step in steps.items()} == dict.fromkeys(
        ("prepare", "train", "evaluate", "good_enough", "register"), "Succeeded"
    )
    execution_id = arn.rpartition("/")[2]
    metrics = json.loads(aws.get(f"s3://{BUCKET}/runs/{execution_id}/evaluation/metrics.json"))
    assert metrics == {"accuracy": {"value": 0.95}, "depth": 5, "test_rows": 1}
    assert steps["good_enough"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    package = aws.sagemaker.describe_model_package(
        ModelPackageName=steps["register"]["Metadata"]["RegisterModel"]["Arn"]
    )
    job_name = steps["train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == (
        f"s3://{BUCKET}/models/{job_name}/output/model.tar.gz"
    )
    prepare_job = steps["prepare"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert aws.log_lines("/aws/sagemaker/ProcessingJobs", prepare_job) == ["prepared 3 rows --seed 7"]


def test_a_poor_model_ends_in_the_fail_step(endpoint: LocalEndpoint, aws: Aws, raw: str) -> None:
    """The Fail step's message is its reason, the execution's reason is the service's, `register` never appears."""
    arn = aws.start(definition(aws), {"InputData": raw, "MinAccuracy": "0.99"})
    wait(endpoint, arn)

    execution = aws.describe(arn)
    steps = aws.steps(arn)
    assert (execution["PipelineExecutionStatus"], execution["FailureReason"]) == (
        "Failed",
        "Step failure: One or multiple steps failed",
    )
    assert list(steps) == ["prepare", "train", "evaluate", "good_enough", "reject"]
    assert steps["good_enough"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert (steps["reject"]["StepStatus"], steps["reject"]["FailureReason"], steps["reject"]["Metadata"]) == (
        "Failed",
        "not accurate: 0.99",
        {"Fail": {"ErrorMessage": "not accurate: 0.99"}},
    )
