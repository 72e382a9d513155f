"""Mapped tasks: an operator that waits for its executions, one that does not, and sensors for those of the latter."""

from __future__ import annotations

from airflow.sdk import DAG, task_group

from airflow_sm_pipelines import (
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
)


def answered(name, **more):
    return {
        "Name": name,
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/answers",
        "Arguments": {"step": name, "number": {"Get": "Parameters.Number"}},
        "OutputParameters": [],
        **more,
    }


def told(kind):
    """Print which instance a callback is about, and what its exception says."""

    def callback(context):
        print(f"{kind} of {context['ti'].map_index}: {context.get('exception')}")

    return callback


TOLD = {"on_success_callback": told("success"), "on_failure_callback": told("failure")}
PIPELINE = {
    "definition": {
        "Version": "2020-12-01",
        "Metadata": {},
        "Parameters": [{"Name": "Number", "Type": "Integer"}],
        "Steps": [answered("early"), answered("late", DependsOn=["early"])],
    },
    "role_arn": "arn:aws:iam::123456789012:role/SageMakerPipelines",
    "waiter_delay": 2,
}

with DAG("mapped_operators", schedule=None):
    SageMakerPipelineOperator.partial(task_id="wait", pipeline_name="mapped-waiting", **TOLD, **PIPELINE).expand(
        parameters=[{"Number": number} for number in range(3)]
    )

with DAG("mapped_sensors", schedule=None):
    start = SageMakerPipelineOperator.partial(
        task_id="start", pipeline_name="mapped-watched", wait_for_completion=False, **PIPELINE
    ).expand(parameters=[{"Number": number} for number in range(3)])

    @task_group
    def watch(arn):
        step = SageMakerPipelineStepSensor(
            task_id="step", pipeline_execution_arn=arn, step_name="early", poke_interval=2, timeout=300
        )
        step >> SageMakerPipelineExecutionSensor(
            task_id="end", pipeline_execution_arn=arn, poke_interval=2, timeout=300, **TOLD
        )

    watch.expand(arn=start.output)
