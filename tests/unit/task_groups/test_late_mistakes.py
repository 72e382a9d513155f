"""Mistakes that would otherwise show when the pipeline runs, after an hour of training."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone

import botocore
import pytest
from airflow.providers.standard.operators.empty import EmptyOperator

from airflow_sm_pipelines import (
    Join,
    Metric,
    Not,
    Or,
    ParameterFloat,
    ParameterString,
    SageMakerConditionStepOperator,
    SageMakerLambdaStepOperator,
    SageMakerMetricBranchOperator,
    SageMakerPipelineExecutionSensor,
    SageMakerPipelineOperator,
    SageMakerProcessingStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError

JOB = {
    "image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1",
    "instance_type": "ml.m5.large",
}


def evaluate(**more):
    return SageMakerProcessingStepOperator(
        task_id="evaluate", **JOB, outputs=["o"], property_files={"m": "o/m.json"}, **more
    )


def condition(*conditions):
    return SageMakerConditionStepOperator(task_id="good", conditions=list(conditions))


def arguments(made, step):
    [found] = [each for each in json.loads(made.compile().text)["Steps"] if each["Name"] == step]
    return found["Arguments"]


def joined(value):
    return {"Std:Join": {"On": "", "Values": [value]}}


def test_numbers_of_other_steps_become_text(dag, group):
    """Where the API wants text: in command lines, environments and hyperparameters. What is text stays as it is."""
    with group() as made:
        measured = evaluate()
        train = SageMakerTrainingStepOperator(task_id="train", **JOB)
        call = SageMakerLambdaStepOperator(
            task_id="call", function_arn="f", outputs={"rows": "Integer", "name": "String", "share": "Float"}
        )
        metric, loss = measured.metric("m", "accuracy"), train.properties.FinalMetricDataList["loss"].Value
        SageMakerProcessingStepOperator(
            task_id="use",
            **JOB,
            job_arguments=[metric, loss, train.properties.BillableTimeInSeconds, train.properties.TrainingJobName],
            environment={"ROWS": call.output_parameters["rows"], "NAME": call.output_parameters["name"]},
        )
        SageMakerTrainingStepOperator(
            task_id="again",
            **JOB,
            hyperparameters={
                "accuracy": metric,
                "share": call.output_parameters["share"],
                "text": Join("-", ["a", loss]),
                "spot": train.properties.EnableManagedSpotTraining,
            },
        )

    json_get = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.m"}, "Path": "accuracy"}}
    final = {"Get": "Steps.train.FinalMetricDataList['loss'].Value"}
    used = arguments(made, "use")
    assert used["AppSpecification"]["ContainerArguments"] == [
        joined(json_get),
        joined(final),
        joined({"Get": "Steps.train.BillableTimeInSeconds"}),
        {"Get": "Steps.train.TrainingJobName"},
    ]
    assert used["Environment"] == {
        "ROWS": joined({"Get": "Steps.call.OutputParameters['rows']"}),
        "NAME": {"Get": "Steps.call.OutputParameters['name']"},
    }
    assert arguments(made, "again")["HyperParameters"] == {
        "accuracy": joined(json_get),
        "share": joined({"Get": "Steps.call.OutputParameters['share']"}),
        "text": {"Std:Join": {"On": "-", "Values": ["a", final]}},
        "spot": joined({"Get": "Steps.train.EnableManagedSpotTraining"}),
    }


def test_numbers_in_a_command_line_become_text(dag, group):
    """As hyperparameters do."""
    with group() as made:
        SageMakerProcessingStepOperator(
            task_id="t", **JOB, job_arguments=["--depth", 3, "--share", 0.25, 1e-7, "--name", "x"]
        )
    assert arguments(made, "t")["AppSpecification"]["ContainerArguments"] == [
        "--depth",
        "3",
        "--share",
        "0.25",
        "1e-07",
        "--name",
        "x",
    ]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: SageMakerProcessingStepOperator(task_id="t", **JOB, job_arguments=[date(2026, 11, 27)]),
            (
                "Dag 'd', task group 'churn': task 'churn.t' holds datetime.date(2026, 11, 27), a date, at "
                "AppSpecification-ContainerArguments-0; a pipeline definition is JSON. Write it as text: "
                "datetime.date(2026, 11, 27).isoformat()."
            ),
        ),
        (
            lambda: SageMakerTrainingStepOperator(
                task_id="t", **JOB, hyperparameters={"days": [datetime(2026, 11, 27, tzinfo=timezone.utc)]}
            ),
            (
                "Dag 'd', task 'churn.t': hyperparameters['days'] is [datetime.datetime(2026, 11, 27, 0, 0, "
                "tzinfo=datetime.timezone.utc)]: datetime.datetime(2026, 11, 27, 0, 0, tzinfo=datetime.timezone.utc) "
                "in it is not JSON. Write it as text: datetime.datetime(2026, 11, 27, 0, 0, "
                "tzinfo=datetime.timezone.utc).isoformat()."
            ),
        ),
    ],
    ids=["argument", "hyperparameter"],
)
def test_a_date_has_to_be_written_as_text(dag, group, build, message):
    """JSON has none, and there are many ways to write one."""
    with pytest.raises(TranslationError) as caught, group():
        build()
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (
            lambda metric, _: metric >= "0.9",
            "accuracy is compared with the text '0.9', but <, <=, > and >= compare numbers. Write 0.9, without quotes.",
        ),
        (
            lambda metric, _: Or(metric.equals("x"), Not(metric < "1e3")),
            "accuracy is compared with the text '1e3', but <, <=, > and >= compare numbers. Write 1e3, without quotes.",
        ),
        (
            lambda _, least: least > "high",
            "Parameters.Least is compared with the text 'high', but <, <=, > and >= compare numbers. Give a number.",
        ),
    ],
    ids=["metric", "inside", "parameter"],
)
def test_text_is_not_compared_with_a_number(dag, group, compare, message):
    """The comparison would fail when all before it has run; a Condition step's and one of Airflow alike."""
    with pytest.raises(TranslationError) as caught, group(parameters={"Least": 0.5}) as made:
        condition(compare(evaluate().metric("m", "accuracy"), made.parameters["Least"]))
    assert str(caught.value) == f"Dag 'd', task group 'churn': task 'churn.good': {message}"


def test_text_is_not_compared_with_a_number_in_airflow(dag):
    """Neither is it where Airflow compares."""
    with pytest.raises(TranslationError) as caught:
        SageMakerMetricBranchOperator(
            task_id="b", conditions=[Metric("accuracy") >= "0.9"], if_task_ids="a", metrics_uri="s3://box/m.json"
        )
    assert str(caught.value) == (
        "Dag 'd', task 'b': accuracy is compared with the text '0.9', but <, <=, > and >= compare numbers. Write 0.9, "
        "without quotes."
    )


def test_what_may_be_compared(dag, group):
    """Text with text that a job has measured, what only a Dag run knows, and equality with any text."""
    with group(parameters={"Least": 0.5, "Day": "2026-11-27"}) as made:
        metric = evaluate().metric("m", "accuracy")
        condition(
            metric >= "2026-11-27",
            metric >= "{{ params.least }}",
            metric >= ParameterFloat("{{ params.least }}"),
            metric.equals("0.9"),
            made.parameters["Day"] >= "2026",
            made.parameters["Least"] <= metric,
        )
    assert len(arguments(made, "good")["Conditions"]) == 6


@pytest.mark.parametrize("late", ["{{ params.metric }}.value", "task"])
def test_the_path_of_a_metric_is_the_same_in_every_run(dag, group, late):
    """SageMaker takes no parameter there; where Airflow compares, the path is rendered."""
    path = EmptyOperator(task_id="say").output if late == "task" else late
    with pytest.raises(TranslationError) as caught, group():
        condition(evaluate().metric("m", path) >= 0.9)
    assert str(caught.value) == (
        f"Dag 'd', task group 'churn': task 'churn.good' looks for a metric of step 'evaluate' at {path!r}, which is "
        "known only in a Dag run. SageMaker does not accept a parameter there. Let the job write what is compared to a "
        "path that is the same in every run, or compare in Airflow: SageMakerMetricBranchOperator renders the path."
    )


def test_an_instance_type_that_is_none_is_refused(dag, group):
    """Written out, and as the value of a pipeline parameter."""

    def build():
        with group(parameters={"Machine": "ml.m5.lrge"}) as made:
            for task_id, machine in (("a", "ml.m5.lrge"), ("b", made.parameters["Machine"])):
                SageMakerTrainingStepOperator(task_id=task_id, image_uri=JOB["image_uri"], instance_type=machine)

    with pytest.raises(PipelineDefinitionError) as caught:
        build()
    none = "there is no instance type 'ml.m5.lrge'. Did you mean 'ml.m5.large'?"
    assert [problem.message for problem in caught.value.problems] == [
        f"step 'a': {none}",
        f"step 'b', pipeline parameter 'Machine': {none}",
    ]


def test_a_value_that_only_a_run_knows_is_left_to_the_launch_task(dag, group):
    """The default beside it is what other starts get."""
    with group(parameters={"Machine": ParameterString("{{ params.machine }}", default_value="ml.m5.lrge")}) as made:
        SageMakerTrainingStepOperator(task_id="b", image_uri=JOB["image_uri"], instance_type=made.parameters["Machine"])
    assert arguments(made, "b")["ResourceConfig"]["InstanceType"] == {"Get": "Parameters.Machine"}


def test_a_bucket_that_cannot_be_is_refused(dag, group):
    """Where code and outputs go, and wherever a step reads or writes."""
    rule = "a bucket's name has 3 to 63 lowercase letters, digits, hyphens and dots, a letter or digit at each end"
    old = "Only buckets of us-east-1 from before March 2018 may have others"
    with pytest.raises(TranslationError) as caught, group(artifact_uri="s3://My_Bucket/x"):
        evaluate()
    assert str(caught.value) == (
        f"Dag 'd', task group 'churn': artifact_uri='s3://My_Bucket/x' has the bucket 'My_Bucket', and {rule}. {old}."
    )
    with pytest.raises(PipelineDefinitionError) as refused, group("other", region_name="eu-west-1"):
        evaluate(inputs={"raw": "s3://My_Bucket/raw"})
    assert [problem.message for problem in refused.value.problems] == [
        f"step 'evaluate': 's3://My_Bucket/raw' has the bucket 'My_Bucket', and {rule}. {old}"
    ]
    with group("old", region_name="us-east-1", artifact_uri="s3://My_Bucket/x") as made:
        evaluate(inputs={"raw": "s3://My_Bucket/raw"})
    assert made.compile().definition.steps[0].name == "evaluate"


def test_a_region_that_is_none_is_refused(dag, group):
    """Of a group, an operator and a sensor alike; what the connection says is the connection's."""

    def operator():
        SageMakerPipelineOperator(task_id="run", pipeline_name="p", region_name="eu-wset-1")

    def sensor():
        SageMakerPipelineExecutionSensor(task_id="wait", pipeline_execution_arn="{{ x }}", region_name="eu-wset-1")

    none = (
        f"region_name='eu-wset-1' is not a region that botocore {botocore.__version__} knows. Did you mean "
        "'eu-west-1'? A newer region needs a newer botocore; or set it in the connection's extra instead."
    )
    subjects = {
        lambda: group(region_name="eu-wset-1"): "Dag 'd', task group 'churn'",
        operator: "Dag 'd', task 'run'",
        sensor: "Dag 'd', task 'wait'",
    }
    for build, subject in subjects.items():
        with pytest.raises(TranslationError) as caught:
            build()
        assert str(caught.value) == f"{subject}: {none}"
    with group("good", region_name="cn-north-1"):
        evaluate()
