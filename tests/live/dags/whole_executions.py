"""Dags with one task for a whole execution, and with sensors; their steps wait until a test answers them."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, task_group

from airflow_sm_pipelines import (
    Metric,
    SageMakerMetricBranchOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
    SageMakerRetryPipelineExecutionOperator,
    SageMakerStopPipelineExecutionOperator,
)

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/answers"
SOON = {"retries": 1, "retry_delay": timedelta(seconds=1)}
SENSOR = {"poke_interval": 2, "timeout": 600}


def answered(name, **more):
    return {
        "Name": name,
        "Type": "Callback",
        "SqsQueueUrl": QUEUE_URL,
        "Arguments": {"step": name},
        "OutputParameters": [],
        **more,
    }


def document(*steps, parameters=()):
    return {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters), "Steps": list(steps)}


def whole(dag_id, definition, **arguments):
    """One task for an execution of the pipeline that has the Dag's name."""
    return SageMakerPipelineOperator(
        **{
            "task_id": "run",
            "pipeline_name": dag_id.replace("_", "-"),
            "definition": definition,
            "role_arn": "arn:aws:iam::123456789012:role/SageMakerPipelines",
            "waiter_delay": 2,
            **arguments,
        }
    )


GO = {"Type": "Equals", "LeftValue": {"Get": "Parameters.Go"}, "RightValue": "on"}
BRANCHES = document(
    answered("first"),
    {
        "Name": "go",
        "Type": "Condition",
        "DependsOn": ["first"],
        "Arguments": {"Conditions": [GO], "IfSteps": [answered("on")], "ElseSteps": [answered("off")]},
    },
    parameters=[{"Name": "Go", "Type": "String"}],
)
TWO_STEPS = document(answered("before"), answered("behind", DependsOn=["before"]))
ONE_STEP = document(answered("step"))

with DAG("sensed", schedule=None):
    name = {"pipeline_name": "sensed", **SENSOR}
    whole("sensed", BRANCHES, parameters={"Go": "{{ 'on' }}"})
    SageMakerPipelineExecutionSensor(task_id="in_triggerer", **name)
    # Airflow's scheduler fails a task that it reschedules before it has heard that its worker is done.
    seldom = {**name, "poke_interval": 15}
    SageMakerPipelineExecutionSensor(task_id="rescheduled", deferrable=False, mode="reschedule", **seldom)
    SageMakerPipelineStepSensor(task_id="step_taken", step_name="on", **name)
    SageMakerPipelineStepSensor(task_id="step_not_taken", step_name="off", **name)
    SageMakerPipelineStepSensor(task_id="poked", step_name="first", deferrable=False, **name)

for dag_id, how in (
    ("whole_resumed", {"on_retry": "resume"}),
    ("whole_resumed_on_worker", {"deferrable": False}),
    ("whole_restarted", {"on_retry": "restart"}),
):
    with DAG(dag_id, schedule=None):
        whole(dag_id, TWO_STEPS, **how, **SOON)

with DAG("whole_refused", schedule=None):
    refuse = {"Name": "refuse", "Type": "Fail", "Arguments": {"ErrorMessage": "Not this way."}}
    whole("whole_refused", document(answered("before"), {**refuse, "DependsOn": ["before"]}), **SOON)

for dag_id, deferrable in (("whole_killed", True), ("whole_killed_on_worker", False)):
    with DAG(dag_id, schedule=None):
        whole(dag_id, ONE_STEP, deferrable=deferrable)

with DAG("whole_mapped", schedule=None):
    run = SageMakerPipelineOperator.partial(
        task_id="run",
        pipeline_name="whole-mapped",
        definition=BRANCHES,
        role_arn="arn:aws:iam::123456789012:role/SageMakerPipelines",
        waiter_delay=2,
    ).expand(parameters=[{"Go": "on"}, {"Go": "off"}])

    @task_group
    def look(arn):
        SageMakerPipelineStepSensor(task_id="sensor", pipeline_execution_arn=arn, step_name="on", **SENSOR)

    look.expand(arn=run.output)

with DAG("stopped_and_resumed", schedule=None):
    start = whole("stopped_and_resumed", ONE_STEP, wait_for_completion=False)
    stop = SageMakerStopPipelineExecutionOperator(task_id="stop", pipeline_execution_arn=start.output, waiter_delay=2)
    SageMakerRetryPipelineExecutionOperator(task_id="resume", pipeline_execution_arn=stop.output, waiter_delay=2)

with DAG("selected", schedule=None):
    full = whole("selected", TWO_STEPS)
    full >> SageMakerPipelineOperator(
        task_id="again", pipeline_name="selected", selected_steps=["behind"], waiter_delay=2
    )

for dag_id, deferrable in (("whole_out_of_time", True), ("whole_out_of_time_on_worker", False)):
    with DAG(dag_id, schedule=None):
        whole(dag_id, ONE_STEP, deferrable=deferrable, execution_timeout=timedelta(seconds=15))

with DAG("in_one_process", schedule=None) as in_one_process:
    decision = {"Name": "go", "Type": "Condition", "Arguments": {"Conditions": [GO], "IfSteps": [], "ElseSteps": []}}
    instant = whole(
        "in_one_process",
        document(decision, parameters=[{"Name": "Go", "Type": "String"}]),
        parameters={"Go": "{{ 'on' }}"},
    )
    SageMakerPipelineStepSensor(task_id="sensor", pipeline_execution_arn=instant.output, step_name="go", **SENSOR)

with DAG("metrics_in_s3", schedule=None, params={"minimum": 0.9, "file": "metrics.json"}):
    branch = SageMakerMetricBranchOperator(
        task_id="branch",
        conditions=[Metric("accuracy.value") >= "{{ params.minimum }}"],
        metrics_uri="s3://example-ml/whole-executions/{{ params.file }}",
        if_task_ids=["good"],
        else_task_ids=["bad"],
    )
    branch >> [EmptyOperator(task_id="good"), EmptyOperator(task_id="bad")]
