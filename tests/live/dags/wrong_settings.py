"""Dags of one step each, with one wrong setting each."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator

RIGHT = {
    "role_arn": "arn:aws:iam::123456789012:role/SageMakerPipelines",
    "artifact_uri": "s3://example-ml/wrong-settings",
}
WRONG = {
    "missing_bucket": {"artifact_uri": "s3://nobody-made-this-bucket/wrong-settings"},
    "unknown_connection": {"aws_conn_id": "nobody_made_this_connection"},
    "unreachable_endpoint": {
        "aws_conn_id": "nobody_listens",
        "botocore_config": {"retries": {"max_attempts": 0}},
    },
}

for dag_id, settings in WRONG.items():
    group = {"pipeline_name": dag_id.replace("_", "-"), **RIGHT, **settings}
    with DAG(dag_id, schedule=None), SageMakerPipelineTaskGroup("pipeline", **group):
        SageMakerProcessingStepOperator(
            task_id="prepare", image_uri="example", instance_type="ml.m5.large", code="steps/fail.py"
        )
