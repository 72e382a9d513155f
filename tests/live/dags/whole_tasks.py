"""Step tasks with everything that hangs on the end of an Airflow task; their steps wait until a test answers them."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Asset, BaseNotifier

from airflow_sm_pipelines import (
    SageMakerCallbackStepOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
)
from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
SOON = {"retries": 1, "retry_delay": timedelta(seconds=1)}


def told(kind):
    def callback(context):
        error = context.get("exception")
        print(f"{kind}: {None if error is None else f'{type(error).__name__}: {error}'}")

    return callback


def report(context):
    """As in docs/guides/alerts.md: a callback reads what the step has left."""
    instance = context["ti"]
    left = instance.xcom_pull(task_ids=instance.task_id, key="step_report", map_indexes=instance.map_index)
    print(f"report: {left['status']}, {left['reason']}")


class Notifier(BaseNotifier):
    def notify(self, context):
        print(f"notified of {context['ti'].task_id}")


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
        artifact_uri="s3://example-ml/whole",
        waiter_delay=2,
        **settings,
    )


with DAG("whole_tasks", schedule=None), pipeline("whole_tasks"):
    answered("quiet", on_failure_callback=told("failure"), on_retry_callback=told("retry"))
    answered("success", on_success_callback=told("success"))
    answered("notified", on_success_callback=[Notifier()])
    answered("executed", on_execute_callback=told("execute"))
    answered("outlet", outlets=[Asset("whole_tasks")])
    answered("retried", **SOON, on_retry_callback=told("retry"), on_success_callback=told("success"))
    answered("failed", on_failure_callback=[told("failure"), Notifier()])

with (
    DAG("told_by_default", schedule=None, default_args={"on_success_callback": told("success")}),
    pipeline("told_by_default"),
):
    answered("step")

for end_tasks in ("worker", "triggerer"):
    dag_id = f"ended_by_{end_tasks}"
    with DAG(dag_id, schedule=None), pipeline(dag_id, end_tasks=end_tasks):
        answered("good", on_success_callback=told("success"))
        answered("bad", on_failure_callback=[told("failure"), report])

with DAG("durations", schedule=None), pipeline("durations"):
    answered("first") >> answered("second")

with DAG("fails_fast", schedule=None, fail_fast=True), pipeline("fails_fast"):
    answered("bad")
    answered("other") >> answered("behind")

if TASKS_LIVE_IN_TRIGGERER:  # retry policies came with Airflow 3.3
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

    failure = RetryRule(exception="airflow_sm_pipelines.exceptions.PipelineExecutionError", action=RetryAction.FAIL)
    with DAG("retried_by_policy", schedule=None), pipeline("retried_by_policy"):
        answered("never", **SOON, retry_policy=ExceptionRetryPolicy(rules=[failure]))

with DAG("listened_to", schedule=None), pipeline("listened_to"):
    answered("good")
    answered("bad", email="ml@example.com", email_on_failure=True)

with DAG("whole_executions_told", schedule=None):
    run = SageMakerPipelineOperator(
        task_id="run",
        pipeline_name="whole-executions-told",
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
        wait_for_completion=True,
        on_failure_callback=told("failure"),
    )
    SageMakerPipelineExecutionSensor(
        task_id="sense",
        pipeline_name="whole-executions-told",
        poke_interval=2,
        timeout=600,
        soft_fail=True,
        on_skipped_callback=told("skipped"),
    )
