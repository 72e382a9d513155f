"""Dags with Airflow tasks in the middle of their pipelines; they end as a test says, in a variable of Airflow."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import DAG, task

from airflow_sm_pipelines import SageMakerCallbackStepOperator, SageMakerPipelineTaskGroup

QUEUES = "https://sqs.us-east-1.amazonaws.com/123456789012"


def pipeline(dag_id):
    """A group whose pipeline has the Dag's name."""
    return SageMakerPipelineTaskGroup(
        "group",
        pipeline_name=dag_id.replace("_", "-"),
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/middle",
        callback_queue_url=f"{QUEUES}/middle",
        waiter_delay=2,
    )


def answered(task_id, **inputs):
    """A step that a test answers."""
    return SageMakerCallbackStepOperator(
        task_id=task_id, sqs_queue_url=f"{QUEUES}/answers", inputs={"step": task_id, **inputs}
    )


@task.sensor(poke_interval=1, timeout=240)
def choose(params=None):
    """Wait for the file that a test writes, and return what is in it; fail or be skipped where that is said."""
    import json
    from pathlib import Path

    from airflow.sdk import PokeReturnValue

    file = Path(params["file"])
    if not file.exists():
        return False
    chosen = json.loads(file.read_text())
    if chosen == "skip":
        raise AirflowSkipException("skipped")
    if chosen == "fail":
        raise ValueError("failed")
    return PokeReturnValue(is_done=True, xcom_value=chosen)


for dag_id in ("middle_succeeds", "middle_skips", "middle_fails", "middle_stopped", "middle_lost", "middle_killed"):
    with DAG(dag_id, schedule=None, params={"file": ""}), pipeline(dag_id):
        before = answered("before")
        chosen = choose.override(
            retries=int(dag_id in ("middle_fails", "middle_killed")), retry_delay=timedelta(seconds=1)
        )()
        before >> chosen
        answered("behind", rounds=chosen["rounds"])
        if dag_id == "middle_stopped":
            answered("beside")
