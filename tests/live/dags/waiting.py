"""Dags whose steps wait until a test answers them: Callback steps, which take neither a job nor a worker."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset

from airflow_sm_pipelines import (
    SageMakerCallbackStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
)

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

with DAG("resumed_by_retries", schedule=None), pipeline("resumed_by_retries"):
    [answered("left", **SOON), answered("right", **SOON), answered("beside")] >> answered("behind")

with DAG("resumed_by_clearing", schedule=None), pipeline("resumed_by_clearing"):
    [answered("left"), answered("right")] >> answered("behind")

with DAG("restarted", schedule=None), pipeline("restarted", on_retry="restart"):
    [answered("left", **SOON), answered("right", **SOON)] >> answered("behind")

with DAG("ended_in_fail_step", schedule=None), pipeline("ended_in_fail_step"):
    answered("before") >> SageMakerFailStepOperator(task_id="refuse", error_message="Not this way.", **SOON)

for dag_id in ("step_marked_failed", "run_marked_failed", "cleared_while_running", "marked_successful"):
    with DAG(dag_id, schedule=None), pipeline(dag_id):
        answered("one")
        answered("other")

with DAG("not_stopped_on_kill", schedule=None), pipeline("not_stopped_on_kill", stop_on_kill=False):
    answered("one")
    answered("other")

for dag_id in ("in_server_errors", "throttled", "reset", "hanging", "token_expired_once"):
    with DAG(dag_id, schedule=None), pipeline(dag_id):
        [answered("before"), answered("beside")] >> answered("behind")

for dag_id in ("access_denied", "execution_not_found", "token_expired"):
    with DAG(dag_id, schedule=None), pipeline(dag_id):
        answered("one")
        answered("other")

with DAG("launched_in_trouble", schedule=None), pipeline("launched_in_trouble"):
    answered("step")

with DAG("started_in_trouble", schedule=None):
    SageMakerPipelineOperator(
        task_id="run",
        pipeline_name="started-in-trouble",
        definition={
            "Version": "2020-12-01",
            "Metadata": {},
            "Parameters": [],
            "Steps": [
                {
                    "Name": "step",
                    "Type": "Callback",
                    "SqsQueueUrl": QUEUE_URL,
                    "Arguments": {"step": "step"},
                    "OutputParameters": [],
                }
            ],
        },
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        waiter_delay=2,
    )

with DAG("out_of_time", schedule=None), pipeline("out_of_time"):
    answered("step", execution_timeout=timedelta(seconds=30))
    answered("with_outlet", execution_timeout=timedelta(seconds=30), outlets=[Asset("never_made")])

with DAG("out_of_patience", schedule=None), pipeline("out_of_patience", waiter_max_attempts=8):
    answered("step")
    answered("with_outlet", outlets=[Asset("never_made")])

with DAG("started_anew", schedule=None), pipeline("started_anew"):
    answered("before") >> answered("behind")
