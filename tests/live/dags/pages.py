"""Dags that are looked at in a browser; their steps wait until a test answers them."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerCallbackStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
)

ROLE_ARN = "arn:aws:iam::123456789012:role/SageMakerPipelines"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"


def answered(task_id, **arguments):
    return SageMakerCallbackStepOperator(
        task_id=task_id, sqs_queue_url=QUEUE_URL, inputs={"step": task_id}, **arguments
    )


def pipeline(dag_id, **arguments):
    return SageMakerPipelineTaskGroup(
        "group",
        pipeline_name=dag_id.replace("_", "-"),
        role_arn=ROLE_ARN,
        artifact_uri="s3://example-ml/pages",
        waiter_delay=2,
        **arguments,
    )


with DAG("pages_followed", schedule=None), pipeline("pages_followed"):
    answered("first") >> answered("second")

with DAG("pages_for_each", schedule=None), pipeline("pages_for_each"):
    SageMakerCallbackStepOperator.partial(
        task_id="each", sqs_queue_url=QUEUE_URL, inputs={"step": CURRENT_ITEM}
    ).expand(item=["a", "b", "c"]) >> answered("behind")

# Its connection is in Airflow's database, and loses its credentials.
with DAG("pages_without_credentials", schedule=None), pipeline("pages_without_credentials", aws_conn_id="forgotten"):
    answered("only")


def step(name, depends_on=()):
    return {
        "Name": name,
        "Type": "Callback",
        "SqsQueueUrl": QUEUE_URL,
        "Arguments": {"step": name},
        "OutputParameters": [],
        "DependsOn": list(depends_on),
    }


with DAG("pages_whole", schedule=None):
    SageMakerPipelineOperator(
        task_id="whole",
        pipeline_name="pages-whole",
        definition={
            "Version": "2020-12-01",
            "Parameters": [{"Name": "Rows", "Type": "Integer", "DefaultValue": 10}],
            "Steps": [step("one"), step("two", ["one"])],
        },
        role_arn=ROLE_ARN,
        parameters={"Rows": "20"},
        waiter_delay=2,
    )
