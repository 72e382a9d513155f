from __future__ import annotations

import pytest
from airflow.sdk import task

from airflow_sm_pipelines import (
    Join,
    Not,
    Or,
    SageMakerConditionStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.values import boolean, hyperparameter, integer, number
from airflow_sm_pipelines.translation.nodes import RuntimeValue

JOB = {"image_uri": "image", "instance_type": "ml.m5.xlarge"}


@pytest.fixture
def xcom(dag):
    """The XCom of a task outside the group."""

    @task
    def fetch():
        return {}

    return fetch()


def get(name):
    return {"Get": f"Parameters.{name}"}


def lifted(pipeline):
    """The pipeline parameters' types and the values that the launch task renders."""
    compiled = pipeline.compile()
    types = {parameter.name: parameter.type for parameter in compiled.definition.parameters}
    return types, dict(compiled.values)


def test_runtime_values_of_a_processing_step(dag, group, xcom):
    """Jinja and XComArgs in images, inputs, arguments, variables, raw requests and options become parameters."""
    with group() as pipeline:
        SageMakerProcessingStepOperator(
            task_id="a",
            **{**JOB, "image_uri": "{{ params.image }}"},
            inputs={"x": Join("/", ["s3:/", xcom, "{{ ds }}"]), "y": "s3://{{ params.bucket }}/{{ ds }}"},
            job_arguments=["--n", xcom["n"], "{{ a }} and {{ b }}"],
            environment={"A": xcom},
            max_runtime_in_seconds="{{ params.seconds }}",
            arguments={"Tags": [{"Key": "k", "Value": xcom["tag"]}]},
            step_options={"New": ["{{ ds }}", {"K": xcom["q"]}]},
        )
    types, values = lifted(pipeline)
    assert types == {
        "a-Tags-0-Value": "String",
        "a-AppSpecification-ImageUri": "String",
        "a-AppSpecification-ContainerArguments-1": "String",
        "a-AppSpecification-ContainerArguments-2": "String",
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-1": "String",
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-2": "String",
        "a-ProcessingInputs-1-S3Input-S3Uri": "String",
        "a-Environment-A": "String",
        "a-StoppingCondition-MaxRuntimeInSeconds": "Integer",
        "a-New-0": "String",
        "a-New-1-K": "String",
    }
    assert values == {
        "a-Tags-0-Value": xcom["tag"],
        "a-AppSpecification-ImageUri": "{{ params.image }}",
        "a-AppSpecification-ContainerArguments-1": xcom["n"],
        "a-AppSpecification-ContainerArguments-2": "{{ a }} and {{ b }}",
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-1": xcom,
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-2": "{{ ds }}",
        "a-ProcessingInputs-1-S3Input-S3Uri": "s3://{{ params.bucket }}/{{ ds }}",
        "a-Environment-A": xcom,
        "a-StoppingCondition-MaxRuntimeInSeconds": "{{ params.seconds }}",
        "a-New-0": "{{ ds }}",
        "a-New-1-K": xcom["q"],
    }
    assert pipeline.launch.upstream_task_ids == {"fetch"}


def test_runtime_values_in_hyperparameters(dag, group, xcom):
    """A hyperparameter may be a runtime value, or a list or dict with such values and references in it."""
    with group(parameters={"Rounds": 5, "Name": "x"}) as pipeline:
        SageMakerTrainingStepOperator(
            task_id="t",
            **JOB,
            hyperparameters={
                "depth": xcom["depth"],
                "list": ["{{ ds }}", 1, 'a "quote"'],
                "dict": {"x": xcom, "rounds": pipeline.parameters["Rounds"], "name": pipeline.parameters["Name"]},
                "plain": [1, {"a": None}],
            },
        )
    step = pipeline.compile().definition.to_document()["Steps"][0]
    assert step["Arguments"]["HyperParameters"] == {
        "depth": get("t-HyperParameters-depth"),
        "list": {
            "Std:Join": {
                "On": "",
                "Values": ['["', get("t-HyperParameters-list-Std-Join-Values-1"), '", 1, "a \\"quote\\""]'],
            }
        },
        "dict": {
            "Std:Join": {
                "On": "",
                "Values": [
                    '{"x": "',
                    get("t-HyperParameters-dict-Std-Join-Values-1"),
                    '", "rounds": ',
                    get("Rounds"),
                    ', "name": "',
                    get("Name"),
                    '"}',
                ],
            }
        },
        "plain": '[1, {"a": null}]',
    }


def test_runtime_values_in_conditions(dag, group, xcom):
    """Operands of orderings are numbers, all others text, however deep the condition."""
    with group() as pipeline:
        a = SageMakerProcessingStepOperator(
            task_id="a", **JOB, outputs=["o"], property_files={"m": "o/m.json"}, code="prepare.py"
        )
        metric = a.metric("m", "x")
        SageMakerConditionStepOperator(
            task_id="c",
            conditions=[metric >= xcom["least"], Not(Or(metric.in_([xcom, "{{ ds }}"]), metric.equals("{{ x }}")))],
        )
    assert lifted(pipeline) == (
        {
            "c-Conditions-0-2": "Float",
            "c-Conditions-1-2": "String",
            "c-Conditions-1-3": "String",
            "c-Conditions-1-5": "String",
        },
        {
            "c-Conditions-0-2": xcom["least"],
            "c-Conditions-1-2": xcom,
            "c-Conditions-1-3": "{{ ds }}",
            "c-Conditions-1-5": "{{ x }}",
        },
    )


def test_places_with_one_name_get_parameters_of_their_own(dag, group):
    """Keys that differ in signs only, and names the author took, do not share a parameter; long ones are cut."""
    with group(parameters={"a-Environment-X-Y": "mine"}) as pipeline:
        SageMakerStepOperator(
            task_id="a",
            step_type="Processing",
            arguments={"Environment": {"X.Y": "{{ 1 }}", "X/Y": "{{ 2 }}", "Z" * 300: "{{ 3 }}"}},
        )
    types, values = lifted(pipeline)
    long_name = next(name for name in types if "ZZ" in name)
    assert values == {
        "a-Environment-X-Y": "mine",
        "a-Environment-X-Y-2": "{{ 1 }}",
        "a-Environment-X-Y-3": "{{ 2 }}",
        long_name: "{{ 3 }}",
    }
    assert (len(long_name), long_name[:20]) == (245, "a-Environment-ZZZZZZ")


@pytest.mark.parametrize(("lift", "type_"), [(integer, "Integer"), (number, "Float"), (boolean, "Boolean")])
def test_a_place_whose_type_is_known_types_its_parameter(lift, type_):
    """Jinja where the API wants a number or a boolean becomes a parameter of that type; the rest stays."""
    assert (lift("{{ x }}"), lift(5)) == (RuntimeValue("{{ x }}", type_), 5)


def test_text_hyperparameters_are_json():
    """Script mode reads hyperparameters as JSON, so text has quotes."""
    assert (hyperparameter("a"), hyperparameter(0.5), hyperparameter(True)) == ('"a"', "0.5", "true")


def test_text_hyperparameters_of_built_in_algorithms_are_text(dag, group):
    """Without code there is no script to read JSON: quotes would be part of the value."""
    with group():
        step = SageMakerTrainingStepOperator(
            task_id="t", **JOB, hyperparameters={"objective": "reg:linear", "eta": 0.2}
        )
    assert step.to_step_node().arguments["HyperParameters"] == {"objective": "reg:linear", "eta": "0.2"}


@pytest.mark.parametrize("keyword", ["display_name", "description"])
def test_names_are_no_runtime_values(dag, group, keyword):
    """SageMaker takes no parameter in a step's name and description, so Jinja there is refused."""
    with pytest.raises(TranslationError) as caught, group():
        SageMakerStepOperator(task_id="t", step_type="Training", **{keyword: "of {{ ds }}"})
    assert str(caught.value) == (
        f"Dag 'd', task 'churn.t': {keyword}='of {{{{ ds }}}}' holds Jinja. SageMaker takes no parameter there, so it "
        "must be the same in every run. Write it out."
    )
