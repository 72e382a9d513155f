"""A person approves a model in the middle of its pipeline: SageMaker waits for an Airflow task.

``approve`` is Airflow's own ApprovalOperator, which Airflow has from 3.1 on; on an older one this file has no Dag, and
the Dag processor's log says why. Run ``example_ingest`` first, and create the queue. Parsing this file calls nobody.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
from airflow.sdk import dag

from airflow_sm_pipelines import (
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerTrainingStepOperator,
)

BUCKET = os.environ.get("EXAMPLE_BUCKET", "example-ml")
ROLE_ARN = os.environ.get("EXAMPLE_ROLE_ARN", "arn:aws:iam::123456789012:role/SageMakerPipelines")
QUEUE_URL = os.environ.get("EXAMPLE_QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/123456789012/example-approval")
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
JOB: dict[str, Any] = {"image_uri": IMAGE, "instance_type": "ml.m5.large"}


@dag(schedule=None, tags=["example"])
def example_approval():
    """Train and evaluate a model, and register it when somebody has approved it."""
    from airflow.providers.standard.operators.hitl import ApprovalOperator

    with SageMakerPipelineTaskGroup(
        "model",
        pipeline_name="breast-cancer-approval",
        role_arn=ROLE_ARN,
        artifact_uri=f"s3://{BUCKET}/breast-cancer",
        callback_queue_url=QUEUE_URL,
    ):
        prepare = SageMakerProcessingStepOperator(
            task_id="prepare",
            **JOB,
            code="steps/prepare.py",
            job_arguments=["--test-fraction", "0.2"],
            inputs={"raw": f"s3://{BUCKET}/breast-cancer/raw/breast_cancer.csv"},
            outputs=["train", "test"],
        )
        train = SageMakerTrainingStepOperator(
            task_id="train",
            **JOB,
            code="steps/train.py",
            inputs={"train": prepare.outputs["train"]},
            hyperparameters={"trees": 100, "max_depth": 5},
        )
        evaluate = SageMakerProcessingStepOperator(
            task_id="evaluate",
            **JOB,
            code="steps/evaluate.py",
            inputs={"model": train.model_artifacts, "test": prepare.outputs["test"]},
            outputs=["evaluation"],
            property_files={"metrics": "evaluation/metrics.json"},
        )
        approve = ApprovalOperator(
            task_id="approve",
            subject="Register this model?",
            body="Accuracy: {{ ti.xcom_pull('model.evaluate', key='property_files')['metrics']['accuracy']['value'] }}",
        )
        register = SageMakerRegisterModelStepOperator(
            task_id="register",
            model_package_group_name="breast-cancer-approved",
            image_uri=IMAGE,
            model_data=train.model_artifacts,
        )
        evaluate >> approve >> register


try:
    approval = example_approval()
except AirflowOptionalProviderFeatureException as error:
    logging.getLogger(__name__).warning("example_approval is left out: %s", error)
