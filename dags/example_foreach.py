"""One model is trained for each of some depths, and the most accurate one is registered.

The mapped task ``train`` is a ForEach step of the pipeline, and one task instance for each depth in Airflow. The data
is what ``example_ingest`` has brought; start this Dag by hand after it.
"""

from __future__ import annotations

import os

from airflow.sdk import Param, dag

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerTrainingStepOperator,
)

BUCKET = os.environ.get("EXAMPLE_BUCKET", "example-ml")
ROLE_ARN = os.environ.get("EXAMPLE_ROLE_ARN", "arn:aws:iam::123456789012:role/SageMakerPipelines")
# AWS's scikit-learn container in us-east-1. Other regions have other accounts: AWS's "Docker Registry Paths".
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
INSTANCE = "ml.m5.large"


@dag(schedule=None, params={"depths": Param([1, 2, 4], type="array", items={"type": "integer"})}, tags=["example"])
def example_foreach():
    """Train a tree for each depth, register the best."""
    with SageMakerPipelineTaskGroup(
        "trees",
        pipeline_name="breast-cancer-trees",
        role_arn=ROLE_ARN,
        artifact_uri=f"s3://{BUCKET}/breast-cancer-trees",
        parameters={"Depths": "{{ params.depths | tojson }}"},
    ) as pipeline:
        prepare = SageMakerProcessingStepOperator(
            task_id="prepare",
            image_uri=IMAGE,
            instance_type=INSTANCE,
            code="steps/prepare.py",
            job_arguments=["--test-fraction", "0.2"],
            inputs={"raw": f"s3://{BUCKET}/breast-cancer/raw/breast_cancer.csv"},
            outputs=["train", "test"],
        )
        train = SageMakerTrainingStepOperator.partial(
            task_id="train",
            image_uri=IMAGE,
            instance_type=INSTANCE,
            code="steps/train_tree.py",
            inputs={"train": prepare.outputs["train"]},
            hyperparameters={"max_depth": CURRENT_ITEM},
            arguments={
                "AlgorithmSpecification": {"MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy: ([0-9.]+)"}]}
            },
            max_active_tis_per_dagrun=2,
        ).expand(item=pipeline.items("Depths"))
        SageMakerRegisterModelStepOperator(
            task_id="register",
            model_package_group_name="breast-cancer-trees",
            image_uri=IMAGE,
            model_data=train.best(max_by="accuracy").model_artifacts,
        )


example_foreach()
