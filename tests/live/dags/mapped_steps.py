"""Mapped steps, which are ForEach steps, whose runs wait until a test answers them."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, task, task_group

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    Join,
    SageMakerCallbackStepOperator,
    SageMakerConditionStepOperator,
    SageMakerPipelineTaskGroup,
)
from airflow_sm_pipelines.definition.expressions import PropertyReference

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
SOON = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def answered(task_id, **arguments):
    return SageMakerCallbackStepOperator(
        task_id=task_id, sqs_queue_url=QUEUE_URL, inputs={"step": task_id}, **arguments
    )


def each_answered(**arguments):
    return SageMakerCallbackStepOperator.partial(
        task_id="each",
        sqs_queue_url=QUEUE_URL,
        inputs={"step": CURRENT_ITEM},
        outputs={"score": "Float"},
        **arguments,
    )


def pipeline(dag_id):
    return SageMakerPipelineTaskGroup(
        "group",
        pipeline_name=dag_id.replace("_", "-"),
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        artifact_uri="s3://example-ml/mapped",
        waiter_delay=2,
    )


@task
def names(given):
    return given


with DAG("mapped_steps_cleared", schedule=None), pipeline("mapped_steps_cleared"):
    each_answered().expand(item=["a", "b", "c"]) >> answered("behind")

with DAG("mapped_steps_retried", schedule=None):
    found = names(["a", "b"])
    with pipeline("mapped_steps_retried"):
        each_answered(**SOON).expand(item=found) >> answered("behind")

with DAG("mapped_steps_too_long", schedule=None):
    found = names(["long" * 10] * 30)
    with pipeline("mapped_steps_too_long"):
        each_answered().expand(item=found)


@task_group(default_args={"retries": 0})
def fit(item):
    first = SageMakerCallbackStepOperator(
        task_id="first",
        sqs_queue_url=QUEUE_URL,
        inputs={"step": Join("", ["first-", item])},
        outputs={"score": "Float"},
    )
    SageMakerCallbackStepOperator(
        task_id="second",
        sqs_queue_url=QUEUE_URL,
        inputs={"step": Join("", ["second-", item]), "read": first.output_parameters["score"]},
    )
    return first


with DAG("mapped_group_cleared", schedule=None), pipeline("mapped_group_cleared"):
    best = fit.expand(item=["a", "b"]).best(max_by="OutputParameters['score']")
    SageMakerCallbackStepOperator(
        task_id="behind",
        sqs_queue_url=QUEUE_URL,
        inputs={"step": "behind", "best": best.output_parameters["score"]},
    )


with DAG("mapped_branch", schedule=None), pipeline("mapped_branch") as branched:
    fit.expand(item=["a", "b"])
    each = each_answered().expand(item=["a", "b"])
    SageMakerConditionStepOperator(
        task_id="condition",
        conditions=[PropertyReference("Execution.PipelineName").equals("another")],
        if_steps=[branched.get_child_by_label("fit"), each],
        else_steps=[answered("other")],
    )


def each_name(name, step, **more):
    """A step of a document that waits for an answer."""
    return {
        "Name": name,
        "Type": "Callback",
        "Arguments": {"step": step},
        "SqsQueueUrl": QUEUE_URL,
        "OutputParameters": [{"OutputName": "score", "OutputType": "Float"}],
        **more,
    }


ITEM = {"Get": "ForEach.CurrentItem"}
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "Names", "Type": "String"}],
    "Steps": [
        {
            "Name": "fan",
            "Type": "ForEach",
            "Arguments": {
                "IterableItems": {"Get": "Parameters.Names"},
                "MaxConcurrency": 4,
                "ForEachBody": [
                    each_name("first", {"Std:Join": {"On": "-", "Values": ["first", ITEM]}}),
                    each_name("second", {"Std:Join": {"On": "-", "Values": ["second", ITEM]}}, DependsOn=["first"]),
                ],
            },
        },
        each_name("behind", "behind", DependsOn=["fan"]),
    ],
}

with DAG("mapped_definition", schedule=None, params={"names": Param(["a", "b"], type="array")}):
    SageMakerPipelineTaskGroup.from_definition(
        "group",
        definition=DEFINITION,
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        pipeline_name="mapped-definition",
        parameters={"Names": "{{ params.names | tojson }}"},
        waiter_delay=2,
    )
