"""The blocks of docs/guides/for-each.md that are whole make the ForEach steps that the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from airflow.sdk import DAG, task_group

import airflow_sm_pipelines
from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator

CLONE = Path(__file__).parents[2]
PAGE = (CLONE / "docs" / "guides" / "for-each.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def steps(block):
    """Run a block of the page inside a pipeline group, in a Dag file of dags/, and return the pipeline's steps."""
    names = {name: getattr(airflow_sm_pipelines, name) for name in airflow_sm_pipelines.__all__}
    with DAG("trees") as dag:
        dag.fileloc = str(CLONE / "dags" / "example_foreach.py")
        with SageMakerPipelineTaskGroup(
            "trees",
            role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
            artifact_uri="s3://example-ml/trees",
            default_args={"image_uri": IMAGE, "instance_type": "ml.m5.large"},
        ) as pipeline:
            before = SageMakerProcessingStepOperator(task_id="before", outputs=["train"])
            exec(
                compile(block, "for-each.md", "exec"),
                names | {"task_group": task_group, "IMAGE": IMAGE, "prepare": before},
            )
    return {step["Name"]: step for step in json.loads(pipeline.compile().text)["Steps"]}


@pytest.mark.parametrize(
    ("block", "name", "items", "body"),
    [
        (BLOCKS[0], "train-for-each", ["1", "2", "4"], ["train"]),
        (next(each for each in BLOCKS if "@task_group" in each), "fit", [0.1, 0.2], ["fit-prepare", "fit-train"]),
    ],
    ids=["step", "group"],
)
def test_the_best_run_is_registered(block, name, items, body):
    """By a metric that the training step's MetricDefinitions name."""
    found = steps(block)
    assert list(found) == ["before", name, "register"]
    each = found[name]["Arguments"]
    assert each["IterableItems"] == items
    assert [step["Name"] for step in each["ForEachBody"]] == body
    assert each["Selector"] == {
        "Pick": "MaxBy",
        "Field": {"Get": f"IterationOutput.{body[-1]}.FinalMetricDataList['accuracy'].Value"},
    }
    assert each["ForEachBody"][-1]["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "accuracy", "Regex": "accuracy: ([0-9.]+)"}
    ]
    containers = found["register"]["Arguments"]["InferenceSpecification"]["Containers"]
    assert containers == [
        {"Image": IMAGE, "ModelDataUrl": {"Get": f"Steps.{name}.Selected.ModelArtifacts.S3ModelArtifacts"}}
    ]
