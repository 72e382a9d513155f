"""Dags whose steps wait until a test answers them: Callback steps, which take neither a job nor a worker."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset

from airflow_sm_pipelines import SageMakerCallbackStepOperator, SageMakerPipelineTaskGroup

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
SOON = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def answered(task_id, **arguments):
    return SageMakerCallbackStepOperator(
        task_id=task_id, sqs_queue_url=QUEUE_URL, inputs={"step": task_id}, **arguments
    )


def pipeline(dag_id, **settings):
    """A group whose pipeline has the Dag's name."""
    return SageMakerPipelineTaskGroup(
        "group",
        pipeline_name=dag_id.replace("_", "-"),
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/waiting",
        waiter_delay=2,
        **settings,
    )


for dag_id in ("worker_killed_before_start", "worker_killed_after_start", "task_killed_after_start", "answer_lost"):
    with DAG(dag_id, schedule=None), pipeline(dag_id, launch_arguments=SOON):
        answered("step")

with DAG("triggerer_killed", schedule=None), pipeline("triggerer_killed"):
    for number in range(20):
        answered(f"step_{number}")

with DAG("triggerer_paused", schedule=None), pipeline("triggerer_paused"):
    for number in range(4):
        answered(f"step_{number}")
    answered("with_outlet", outlets=[Asset("ended_once")])
