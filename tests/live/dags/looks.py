"""Two steps that wait until a test answers them, for what a person does to their tasks."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerCallbackStepOperator, SageMakerPipelineTaskGroup

with (
    DAG("looked_at", schedule=None),
    SageMakerPipelineTaskGroup(
        "group",
        pipeline_name="looked-at",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/looks",
        waiter_delay=2,
    ),
):
    for task_id in ("one", "other"):
        SageMakerCallbackStepOperator(
            task_id=task_id,
            sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/answers",
            inputs={"step": task_id},
        )
