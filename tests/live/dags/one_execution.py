"""Dags whose launches and waits are lost, edited and woken: each of their runs has one execution that executes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG

from airflow_sm_pipelines import (
    SageMakerCallbackStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
)

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
ROLE = "arn:aws:iam::123456789012:role/SageMakerPipelines"


def pipeline(dag_id, **settings):
    """A group whose pipeline has the Dag's name, and whose one step waits until a test answers it."""
    with (
        DAG(dag_id, schedule=None),
        SageMakerPipelineTaskGroup(
            "group",
            pipeline_name=dag_id.replace("_", "-"),
            role_arn=ROLE,
            artifact_uri="s3://example-ml/one",
            waiter_delay=2,
            **settings,
        ),
    ):
        SageMakerCallbackStepOperator(task_id="step", sqs_queue_url=QUEUE_URL, inputs={"step": "step"})


def whole(dag_id, **settings):
    """One task for an execution of the pipeline that has the Dag's name."""
    step = {
        "Name": "step",
        "Type": "Callback",
        "SqsQueueUrl": QUEUE_URL,
        "Arguments": {"step": "step"},
        "OutputParameters": [],
    }
    with DAG(dag_id, schedule=None):
        SageMakerPipelineOperator(
            task_id="run",
            pipeline_name=dag_id.replace("_", "-"),
            definition={"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": [step]},
            role_arn=ROLE,
            waiter_delay=2,
            **settings,
        )


def edited_retries():
    """What a test has written for the retries of a launch task meanwhile: an edit of this file, as it were."""
    edited = Path(os.environ["AIRFLOW_HOME"], "edited_retries")
    return int(edited.read_text()) if edited.exists() else 3


pipeline("retries_edited", launch_arguments={"retries": edited_retries(), "retry_delay": timedelta(seconds=1)})
pipeline("lost_and_cleared", launch_arguments={"retries": 0})
pipeline("expired_at_the_start")
whole("refused_elsewhere")
whole("worker_stood_still", deferrable=False)
whole("supervisor_stood_still", deferrable=False)
whole("operator_expired_at_the_start")
