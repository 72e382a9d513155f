"""Jobs that get secrets of Airflow's connections and variables, and tell them wherever they can."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerPipelineTaskGroup, SageMakerProcessingStepOperator

GIVEN = {
    "GIVEN_PASSWORD": "{{ conn.secrets_db.password }}",
    "GIVEN_URL": "postgres://{{ conn.secrets_db.login }}:{{ conn.secrets_db.password }}@db/ml",
    "GIVEN_EXTRA": "{{ conn.secrets_db.extra_dejson.api_key }}",
    "GIVEN_TOKEN": "{{ var.value.secrets_token }}",
    "GIVEN_JSON": "{{ var.json.secrets_json.password }}",
}


def tell(task_id, *, and_fail):
    return SageMakerProcessingStepOperator(
        task_id=task_id,
        image_uri="example",
        instance_type="ml.m5.large",
        code="steps/tell_secrets.py",
        job_arguments=["{{ var.value.secrets_api_key }}"],
        environment={**GIVEN, "AND_FAIL": and_fail},
        outputs=["told"],
        property_files={"told": "told/told.json"},
    )


with DAG("secrets", schedule=None):
    for end_tasks in ("worker", "triggerer"):
        with SageMakerPipelineTaskGroup(
            f"ended_by_{end_tasks}",
            pipeline_name=f"secrets-{end_tasks}",
            role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
            artifact_uri="s3://example-ml/secrets",
            waiter_delay=2,
            end_tasks=end_tasks,
        ):
            tell("good", and_fail="no") >> tell("bad", and_fail="yes")
