"""A pipeline whose first script fails, and a step behind it that never starts."""

from __future__ import annotations

from airflow.sdk import dag

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator


@dag(schedule=None)
def failing_script():
    with SageMakerPipelineTaskGroup(
        "broken",
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/broken",
    ):
        prepare = SageMakerProcessingStepOperator(
            task_id="prepare",
            image_uri="example",
            instance_type="ml.m5.large",
            code="steps/fail.py",
            outputs=["table"],
        )
        SageMakerProcessingStepOperator(
            task_id="summarise",
            image_uri="example",
            instance_type="ml.m5.large",
            code="steps/fail.py",
            inputs={"table": prepare.outputs["table"]},
        )


failing_script()
