"""A mapped function, a step that reads what its runs returned, and a task outside that is given it."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, task

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, sagemaker_processing

JOB = {"image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/python:3", "instance_type": "ml.m5.large"}


@sagemaker_processing(**JOB)
def measure(depth: int, scale: float = 1.0) -> dict[str, float]:
    return {"depth": depth, "score": depth * scale}


@sagemaker_processing(**JOB, multiple_outputs=True)
def add_up(first: Path, second: Path) -> dict[str, float]:
    import json

    found = [json.loads((folder / "returned.json").read_text()) for folder in (first, second)]
    return {"total": sum(each["score"] for each in found)}


@task
def tell(measured, total):
    print(f"Measured {measured}, in all {total}.")


with DAG("mapped_functions", schedule=None):
    with SageMakerPipelineTaskGroup(
        "group",
        pipeline_name="mapped-functions",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/mapped-functions",
        waiter_delay=2,
    ):
        runs = measure.partial(scale=0.5).expand(depth=[2, 3])
        added = add_up(*(each.property_files["returned"] for each in runs.iterations))
    tell(runs, added["total"])
