"""A Dag with ten days to catch up on. Each run leaves its own day behind, and waits for its answer."""

from __future__ import annotations

from datetime import datetime, timezone

from airflow.sdk import DAG

from airflow_sm_pipelines import (
    SageMakerCallbackStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
)

with (
    DAG(
        "ten_at_once",
        schedule="@daily",
        start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
        end_date=datetime(2026, 1, 10, tzinfo=timezone.utc),
        catchup=True,
        is_paused_upon_creation=True,
    ),
    SageMakerPipelineTaskGroup(
        "group",
        pipeline_name="ten-at-once",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/ten-at-once",
        parameters={"Day": "{{ ds }}"},
        waiter_delay=2,
    ) as group,
):
    note = SageMakerProcessingStepOperator(
        task_id="note",
        image_uri="example",
        instance_type="ml.m5.large",
        code="steps/note_day.py",
        job_arguments=[group.parameters["Day"]],
        outputs=["note"],
        property_files={"day": "note/day.json"},
    )
    note >> SageMakerCallbackStepOperator(
        task_id="step",
        sqs_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/answers",
        inputs={"step": "step", "day": group.parameters["Day"]},
    )
