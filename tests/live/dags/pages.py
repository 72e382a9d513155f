"""Dags that are looked at in a browser; their steps wait until a test answers them."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import CURRENT_ITEM, SageMakerCallbackStepOperator, SageMakerPipelineTaskGroup

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"


def answered(task_id, **arguments):
    return SageMakerCallbackStepOperator(
        task_id=task_id, sqs_queue_url=QUEUE_URL, inputs={"step": task_id}, **arguments
    )


def pipeline(dag_id):
    return SageMakerPipelineTaskGroup(
        "group",
        pipeline_name=dag_id.replace("_", "-"),
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/pages",
        waiter_delay=2,
    )


with DAG("pages_followed", schedule=None), pipeline("pages_followed"):
    answered("first") >> answered("second")

with DAG("pages_for_each", schedule=None), pipeline("pages_for_each"):
    SageMakerCallbackStepOperator.partial(
        task_id="each", sqs_queue_url=QUEUE_URL, inputs={"step": CURRENT_ITEM}
    ).expand(item=["a", "b", "c"]) >> answered("behind")
