"""The pipeline for this package: blocks of ten steps, each of them reading what the block before left."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG

from airflow_sm_pipelines import (
    Join,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerLambdaStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerTrainingStepOperator,
)
from benchmarks.pipelines import BUCKET, FUNCTION, IMAGE, ROLE, blocks

TYPE = "ml.m5.large"


def task_group(steps: int) -> SageMakerPipelineTaskGroup:
    """Make a Dag with the pipeline in it, and return the pipeline's group.

    :param steps: how many steps; a multiple of ten.
    """
    with (
        DAG("benchmark", schedule=None),
        SageMakerPipelineTaskGroup(
            "pipeline",
            pipeline_name="benchmark",
            role_arn=ROLE,
            artifact_uri=BUCKET,
            parameters={"InputData": f"{BUCKET}/input", "Threshold": 0.5},
        ) as group,
    ):
        source: Any = group.parameters["InputData"]
        for number in blocks(steps):
            source = _block(group, number, source)
    return group


def _block(group: SageMakerPipelineTaskGroup, number: int, source: Any) -> Any:
    fetch = _call(f"fetch-{number}", {"from": source, "block": number})
    prepare = _processing(f"prepare-{number}", {"raw": fetch.output_parameters["answer"]}, ["train", "test"])
    train = SageMakerTrainingStepOperator(
        task_id=f"train-{number}",
        image_uri=IMAGE,
        instance_type=TYPE,
        inputs={"train": {"S3Uri": prepare.outputs["train"], "InputMode": "File"}},
        hyperparameters={"max_depth": "5", "eta": "0.2"},
        output_uri=f"{BUCKET}/models",
        max_runtime_in_seconds=3600,
    )
    evaluate = _processing(
        f"evaluate-{number}",
        {"model": train.model_artifacts, "test": prepare.outputs["test"]},
        ["result"],
        property_files={"metrics": "result/metrics.json"},
    )
    compare = _call(f"compare-{number}", {"result": evaluate.outputs["result"]})
    approve = _call(f"approve-{number}", {"model": train.model_artifacts})
    archive = _call(f"archive-{number}", {"ticket": approve.output_parameters["answer"]})
    notify = _call(f"notify-{number}", {"ticket": approve.output_parameters["answer"]})
    reject = SageMakerFailStepOperator(
        task_id=f"reject-{number}",
        error_message=Join(" ", ["accuracy is below", group.parameters["Threshold"]]),
    )
    SageMakerConditionStepOperator(
        task_id=f"check-{number}",
        conditions=[evaluate.metric("metrics", "accuracy") >= group.parameters["Threshold"]],
        if_steps=[approve, archive, notify],
        else_steps=[reject],
    )
    return compare.output_parameters["answer"]


def _processing(
    task_id: str, inputs: dict[str, Any], outputs: list[str], **further: Any
) -> SageMakerProcessingStepOperator:
    return SageMakerProcessingStepOperator(
        task_id=task_id,
        image_uri=IMAGE,
        instance_type=TYPE,
        code=f"{BUCKET}/step.py",
        inputs=inputs,
        outputs={name: {"S3Uri": f"{BUCKET}/out/{task_id}/{name}"} for name in outputs},
        **further,
    )


def _call(task_id: str, inputs: dict[str, Any]) -> SageMakerLambdaStepOperator:
    return SageMakerLambdaStepOperator(
        task_id=task_id, function_arn=FUNCTION, inputs=inputs, outputs={"answer": "String"}
    )
