"""The same graphs twice: as steps of pipelines, and as tasks of Airflow's own that end from a trigger at once."""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import DAG, chain

from airflow_sm_pipelines import (
    SageMakerCallbackStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
)
from benchmarks.ends.at_once import AtOnceOperator

SETTINGS: dict[str, Any] = {
    "role_arn": "arn:aws:iam::123456789012:role/benchmark",
    "artifact_uri": "s3://example-ml/benchmark",
    "waiter_delay": 2,
}
ANSWERED = ("a", "b", "c")
RUNS, WIDTH, LENGTH = (int(os.environ[f"BENCHMARK_{name}"]) for name in ("RUNS", "WIDTH", "LENGTH"))

with DAG("runs_ours", schedule=None, max_active_runs=RUNS), SageMakerPipelineTaskGroup("pipeline", **SETTINGS):
    for name in ANSWERED:
        SageMakerCallbackStepOperator(
            task_id=name,
            sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/answers",
            inputs={"step": name},
        )

with DAG("runs_plain", schedule=None, max_active_runs=RUNS):
    for name in ANSWERED:
        AtOnceOperator(task_id=name, path=os.environ["BENCHMARK_FILE"])


def instant(name: str, *upstream: str) -> dict[str, object]:
    """Return a step that is over as soon as it starts."""
    yes = {"Type": "Equals", "LeftValue": "yes", "RightValue": "yes"}
    arguments = {"Conditions": [yes], "IfSteps": [], "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "DependsOn": list(upstream), "Arguments": arguments}


middle = [f"middle_{number}" for number in range(WIDTH - 2)]
with DAG("wide_ours", schedule=None):
    SageMakerPipelineTaskGroup.from_definition(
        "pipeline",
        pipeline_name="wide",
        definition={
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [],
            "Steps": [instant("first"), *(instant(name, "first") for name in middle), instant("last", *middle)],
        },
        **SETTINGS,
    )

with DAG("wide_plain", schedule=None):
    tasks = [AtOnceOperator(task_id=name) for name in middle]
    AtOnceOperator(task_id="first") >> tasks >> AtOnceOperator(task_id="last")

JOB = {
    "AppSpecification": {"ImageUri": "benchmark", "ContainerEntrypoint": ["python3", "-c", "pass"]},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
    },
}
with DAG("row_ours", schedule=None), SageMakerPipelineTaskGroup("pipeline", **SETTINGS):
    chain(*(SageMakerProcessingStepOperator(task_id=f"step_{number}", arguments=JOB) for number in range(LENGTH)))

with DAG("row_plain", schedule=None):
    chain(*(AtOnceOperator(task_id=f"step_{number}") for number in range(LENGTH)))
