"""A pipeline of 150 steps, which fill two pages of a listing: the first and the last wait to be answered.

And a pipeline of three steps, which are called as some of the others.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_sm_pipelines import SageMakerPipelineTaskGroup


def answered(name, **more):
    return {
        "Name": name,
        "Type": "Callback",
        "SqsQueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/answers",
        "Arguments": {"step": name},
        "OutputParameters": [],
        **more,
    }


def instant(name):
    yes = {"Type": "Equals", "LeftValue": "yes", "RightValue": "yes"}
    return {
        "Name": name,
        "Type": "Condition",
        "DependsOn": ["first"],
        "Arguments": {"Conditions": [yes], "IfSteps": [], "ElseSteps": []},
    }


each = {
    "Name": "each",
    "Type": "ForEach",
    "DependsOn": ["first"],
    "Arguments": {
        "IterableItems": ["a", "b", "c"],
        "MaxConcurrency": 3,
        "ForEachBody": [
            {
                "Name": "child",
                "Type": "Model",
                "Arguments": {
                    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/SageMakerPipelines",
                    "PrimaryContainer": {"Image": "example"},
                },
            }
        ],
    },
}


for dag_id, middle in (
    ("many_steps", [f"middle-{number}" for number in range(147)]),
    ("few_steps", []),
):
    steps = [
        answered("first"),
        *(instant(name) for name in middle),
        each,
        answered("last", DependsOn=[*middle, "each"]),
    ]
    with DAG(dag_id, schedule=None):
        SageMakerPipelineTaskGroup.from_definition(
            "group",
            pipeline_name=dag_id.replace("_", "-"),
            definition={"Version": "2020-12-01", "Metadata": {}, "Parameters": [], "Steps": steps},
            role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
            waiter_delay=2,
        )
