"""A step task that a worker ends, and says so before: it calls a service, so that a test can hold it there."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerCallbackStepOperator, SageMakerPipelineTaskGroup


def say_so(context):
    SqsHook().get_conn().list_queues(QueueNamePrefix="ended-by-a-worker")


with (
    DAG("ended_by_a_worker", schedule=None),
    SageMakerPipelineTaskGroup(
        "group",
        pipeline_name="ended-by-a-worker",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/celery",
        waiter_delay=2,
    ),
):
    SageMakerCallbackStepOperator(
        task_id="step",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/answers",
        inputs={"step": "step"},
        retries=2,
        retry_delay=timedelta(seconds=1),
        on_execute_callback=say_so,
    )
