from __future__ import annotations

import json

import pytest
from airflow.sdk import DAG, task

from airflow_sm_pipelines import (
    Join,
    Not,
    Or,
    ParameterBoolean,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
    SageMakerConditionStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.hyperparameters import hyperparameter
from airflow_sm_pipelines.translation.xcoms import JsonXComArg
from tests.valid_arguments import PROCESSING

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
    """Jinja and XComArgs in images, inputs, arguments, variables, raw requests and options become parameters, each once."""
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
        "a-image-uri": "String",
        "a-n": "String",
        "a-container-arguments-2": "String",
        "a-uri": "String",
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-2": "String",
        "a-ProcessingInputs-1-S3Input-S3Uri": "String",
        "a-max-runtime-in-seconds": "Integer",
        "a-K": "String",
    }
    assert values == {
        "a-Tags-0-Value": xcom["tag"],
        "a-image-uri": "{{ params.image }}",
        "a-n": xcom["n"],
        "a-container-arguments-2": "{{ a }} and {{ b }}",
        "a-uri": xcom,
        "a-ProcessingInputs-0-S3Input-S3Uri-Std-Join-Values-2": "{{ ds }}",
        "a-ProcessingInputs-1-S3Input-S3Uri": "s3://{{ params.bucket }}/{{ ds }}",
        "a-max-runtime-in-seconds": "{{ params.seconds }}",
        "a-K": xcom["q"],
    }
    assert pipeline.launch.upstream_task_ids == {"fetch"}


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (["--fraction", "{{ a }}", "-n", "{{ b }}"], ["a-fraction", "a-n"]),
        (
            ["--max_rows", "up to {{ a }}", "--class-weight", Join("", ["x", "{{ b }}"])],
            ["a-max-rows", "a-class-weight"],
        ),
        (["--tag", "{{ a }}", "--tag", "{{ b }}"], ["a-tag", "a-AppSpecification-ContainerArguments-3"]),
        (["--range", "{{ a }}", "{{ b }}"], ["a-range", "a-container-arguments-2"]),
        (["{{ a }}", "-1", "{{ b }}"], ["a-container-arguments-0", "a-container-arguments-2"]),
        (["--flag={{ a }}", "--", "{{ b }}"], ["a-container-arguments-0", "a-container-arguments-2"]),
    ],
)
def test_values_of_a_command_line_are_named_after_their_flags(dag, group, command, names):
    """Where one stands before the value; a name is given once, and no number is a flag."""
    with group() as pipeline:
        SageMakerProcessingStepOperator(task_id="a", **JOB, code="s3://box/x.py", job_arguments=command)
    assert list(lifted(pipeline)[0]) == names


def test_the_flag_is_that_of_the_same_list(dag, group):
    """Also in raw arguments; a list that a further key of the step holds has none of the request's."""
    with group() as pipeline:
        SageMakerStepOperator(
            task_id="a",
            step_type="Unknown",
            arguments={"Inner": [{"Args": ["--rows", "{{ a }}"]}], "Other": ["--rows", "x"]},
            step_options={"Other": ["x", "{{ b }}"]},
        )
    assert list(lifted(pipeline)[0]) == ["a-rows", "a-Other-1"]


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
                "count": ParameterInteger("{{ x }}"),
                "modes": [ParameterString("{{ x }}", default_value="a", enum_values=("a", "b"))],
            },
        )
    step = pipeline.compile().definition.to_document()["Steps"][0]
    assert step["Arguments"]["HyperParameters"] == {
        "depth": get("t-depth"),
        "list": {
            "Std:Join": {
                "On": "",
                "Values": ["[", get("t-list"), ', 1, "a \\"quote\\""]'],
            }
        },
        "dict": {
            "Std:Join": {
                "On": "",
                "Values": [
                    '{"x": ',
                    get("t-dict"),
                    ', "rounds": ',
                    get("Rounds"),
                    ', "name": "',
                    get("Name"),
                    '"}',
                ],
            }
        },
        "plain": '[1, {"a": null}]',
        "count": {"Std:Join": {"On": "", "Values": [get("t-count")]}},
        "modes": {"Std:Join": {"On": "", "Values": ["[", get("t-modes"), "]"]}},
    }
    parameters = {parameter.name: parameter.to_document() for parameter in pipeline.compile().definition.parameters}
    assert parameters["t-count"]["Type"] == "Integer"
    assert parameters["t-modes"] == {
        "Name": "t-modes",
        "Type": "String",
        "DefaultValue": '"a"',
        "EnumValues": ['"a"', '"b"'],
    }
    values = pipeline.compile().values
    assert values["t-list"] == JsonXComArg("{{ ds }}")
    assert values["t-dict"] == JsonXComArg(xcom)
    assert pipeline.launch.upstream_task_ids == {"fetch"}


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
    with group(parameters={"a-X-Y": "mine"}) as pipeline:
        SageMakerStepOperator(
            task_id="a",
            step_type="Brand-new",
            arguments={"Environment": {"X.Y": "{{ 1 }}", "X/Y": "{{ 2 }}", "Z" * 300: "{{ 3 }}"}},
        )
    types, values = lifted(pipeline)
    long_name = next(name for name in types if "ZZ" in name)
    assert values == {
        "a-X-Y": "mine",
        "a-Environment-X-Y": "{{ 1 }}",
        "a-Environment-X-Y-2": "{{ 2 }}",
        long_name: "{{ 3 }}",
    }
    assert (len(long_name), long_name[:20]) == (245, "a-Environment-ZZZZZZ")


def test_the_place_in_the_request_types_its_parameter(dag, group, xcom):
    """Jinja and XComArgs in raw arguments are numbers and booleans where the API wants those, and text elsewhere."""
    with group() as pipeline:
        SageMakerStepOperator(
            task_id="a",
            step_type="Processing",
            arguments={
                "RoleArn": PROCESSING["RoleArn"],
                "AppSpecification": PROCESSING["AppSpecification"],
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": xcom["n"], "InstanceType": "{{ 1 }}", "VolumeSizeInGB": 1}
                },
                "ProcessingInputs": [{"AppManaged": "{{ 2 }}", "InputName": "{{ 3 }}"}],
                "NetworkConfig": {"EnableNetworkIsolation": "{{ 4 }}"},
                "Environment": {"InstanceCount": "{{ 5 }}"},
            },
        )
        SageMakerStepOperator(
            task_id="b",
            step_type="EndpointConfig",
            arguments={
                "ProductionVariants": [
                    {"VariantName": "a"},
                    {"VariantName": "b", "InitialVariantWeight": "{{ x }}", "InitialInstanceCount": xcom},
                ]
            },
        )
        SageMakerStepOperator(task_id="c", step_type="Brand-new", arguments={"InstanceCount": "{{ 6 }}"})
    assert lifted(pipeline)[0] == {
        "a-instance-count": "Integer",
        "a-instance-type": "String",
        "a-app-managed": "Boolean",
        "a-input-name": "String",
        "a-enable-network-isolation": "Boolean",
        "a-Environment-InstanceCount": "String",
        "b-initial-variant-weight": "Float",
        "b-initial-instance-count": "Integer",
        "c-instance-count": "String",
    }


def test_a_value_in_several_places_is_one_parameter(dag, group, xcom):
    """Named after the first; another where the API wants another type. Literals that the author gave a type stay apart."""
    with group() as pipeline:
        for task_id in ("a", "b"):
            SageMakerProcessingStepOperator(
                task_id=task_id,
                **JOB,
                inputs={"x": xcom["x"], "y": f"s3://box/{task_id}"},
                instance_count="{{ n }}",
                environment={"N": "{{ n }}", "X": xcom["x"], "FIVE": ParameterInteger(5)},
            )
    compiled = pipeline.compile()
    assert compiled.values == {
        "a-instance-count": "{{ n }}",
        "a-uri": xcom["x"],
        "a-N": "{{ n }}",
        "a-FIVE": 5,
        "b-FIVE": 5,
    }
    environments = [step.arguments["Environment"] for step in compiled.definition.steps]
    assert environments == [
        {"N": get("a-N"), "X": get("a-uri"), "FIVE": {"Std:Join": {"On": "", "Values": [get(f"{task_id}-FIVE")]}}}
        for task_id in ("a", "b")
    ]


def test_the_author_may_type_a_value_where_it_stands(dag, group, xcom):
    """ParameterInteger and the like work anywhere in the arguments, with their defaults."""
    with group() as pipeline:
        SageMakerStepOperator(
            task_id="a",
            step_type="Brand-new",
            arguments={
                "Count": ParameterInteger("{{ params.count }}", default_value=2),
                "Share": [ParameterFloat(xcom["share"]), ParameterBoolean(True)],
                "Mode": ParameterString("{{ params.mode }}", enum_values=("File", "Pipe")),
                "Text": Join("-", ["run", ParameterInteger(5)]),
            },
        )
        SageMakerProcessingStepOperator(
            task_id="b",
            **JOB,
            instance_count=ParameterInteger("{{ x }}"),
            environment={"N": ParameterInteger("{{ y }}")},
        )
        a = SageMakerProcessingStepOperator(task_id="c", **JOB, outputs=["o"], property_files={"m": "o/m.json"})
        SageMakerConditionStepOperator(
            task_id="d",
            conditions=[
                a.metric("m", "x") >= ParameterInteger("{{ x }}"),
                a.metric("m", "y").equals(ParameterFloat(1.5)),
            ],
        )
    compiled = pipeline.compile()
    assert [parameter.to_document() for parameter in compiled.definition.parameters] == [
        {"Name": "a-count", "Type": "Integer", "DefaultValue": 2},
        {"Name": "a-share-0", "Type": "Float"},
        {"Name": "a-share-1", "Type": "Boolean", "DefaultValue": True},
        {"Name": "a-mode", "Type": "String", "EnumValues": ["File", "Pipe"]},
        {"Name": "a-text", "Type": "Integer", "DefaultValue": 5},
        {"Name": "b-instance-count", "Type": "Integer"},
        {"Name": "b-N", "Type": "Integer"},
        {"Name": "d-Conditions-1-2", "Type": "Float", "DefaultValue": 1.5},
    ]
    assert compiled.values == {
        "a-count": "{{ params.count }}",
        "a-share-0": xcom["share"],
        "a-share-1": True,
        "a-mode": "{{ params.mode }}",
        "a-text": 5,
        "b-instance-count": "{{ x }}",
        "b-N": "{{ y }}",
        "d-Conditions-1-2": 1.5,
    }
    assert pipeline.launch.upstream_task_ids == {"fetch"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            ParameterInteger("many"),
            (
                "task 'churn.t', at X-0: Pipeline parameter 't-X-0' is declared Integer and was given 'many'; give a whole "
                "number, such as '5'."
            ),
        ),
        (
            ParameterFloat([1]),
            (
                "task 'churn.t', at X-0: A pipeline parameter holds a str, int, float or bool, not list (a list of 1). "
                "Pass one of its values with Jinja: {{ ti.xcom_pull(...)['name'] }}. Or pass a JSON "
                "string, or put the content in S3 and pass its URI."
            ),
        ),
        (
            {"{{ ds }}": 1},
            (
                "task 'churn.t' has the key '{{ ds }}'. SageMaker does not accept a parameter in place of a key, so "
                "keys must be the same in every run. Write it out."
            ),
        ),
    ],
)
def test_what_cannot_be_a_parameter_is_refused(dag, group, value, message):
    """A default of the wrong type, and Jinja where no parameter can stand, are errors of the Dag file."""
    with pytest.raises(TranslationError) as caught, group():
        SageMakerStepOperator(task_id="t", step_type="Training", arguments={"X": [value]})
    assert str(caught.value) == f"Dag 'd', task group 'churn': {message}"


def test_an_xcomarg_in_text_is_followed(dag, group, xcom):
    """Airflow sees only Jinja in an f-string with an XComArg; the launch task follows the task all the same."""

    @task
    def other():
        return {}

    with DAG("elsewhere", schedule=None):
        foreign = other()
    other = other()
    with group(parameters={"P": f"s3://{other['bucket']}/"}) as pipeline:
        SageMakerTrainingStepOperator(
            task_id="t", **JOB, hyperparameters={"list": [f"{xcom} and {foreign}"]}, environment={"A": f"{foreign}"}
        )
    assert pipeline.launch.upstream_task_ids == {"fetch", "other"}
    assert pipeline.compile().values["P"] == (
        "s3://{{ task_instance.xcom_pull(task_ids='other', dag_id='d', key='bucket') }}/"
    )


def test_an_xcomarg_of_a_step_in_text_is_refused(dag, group):
    """An f-string hides the XCom of a step of the same pipeline from nobody."""

    def build():
        with group():
            first = SageMakerStepOperator(task_id="a", step_type="Training")
            SageMakerStepOperator(task_id="b", step_type="Training", arguments={"X": f"s3://{first.output}"})

    with pytest.raises(TranslationError) as caught:
        build()
    assert str(caught.value) == (
        "Dag 'd', task group 'churn': task 'churn.b' uses the XCom of 'churn.a', a step of the same pipeline. XComs are "
        "read before the pipeline starts. Use a reference to the step instead, such as its outputs['name'], "
        "model_artifacts, metric(...) or properties. Put it into text by Join('', ['text', reference]). "
        "See docs/troubleshooting.md#the-xcom-of-a-step-of-the-same-pipeline"
    )


def test_what_is_rendered_inside_json_is_escaped(dag, group, xcom):
    """Whatever Jinja and XComs turn out to be, the hyperparameter they stand in is JSON."""

    class TaskInstance:
        task = None

        def xcom_pull(self, key="return_value", **_):
            return {"return_value": ["x", 1, {"a": 'b"c'}], "text": 'say "hi"'}[key]

    with group() as pipeline:
        SageMakerTrainingStepOperator(
            task_id="t",
            **JOB,
            hyperparameters={
                "given": {"a": "{{ params.a }} <b>", "b": [xcom, xcom["text"]], "c": ParameterInteger("{{ 2 }}")}
            },
        )
    launch = pipeline.launch
    launch.render_template_fields({"task": launch, "ti": TaskInstance(), "params": {"a": 'quo"te \\ and\nline'}})
    [step] = pipeline.compile().definition.to_document()["Steps"]
    pieces = [
        str(launch.parameters[piece["Get"].removeprefix("Parameters.")]) if isinstance(piece, dict) else piece
        for piece in step["Arguments"]["HyperParameters"]["given"]["Std:Join"]["Values"]
    ]
    assert json.loads("".join(pieces)) == {
        "a": 'quo"te \\ and\nline <b>',
        "b": [["x", 1, {"a": 'b"c'}], 'say "hi"'],
        "c": 2,
    }


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
        f"Dag 'd', task 'churn.t': {keyword}='of {{{{ ds }}}}' holds Jinja. SageMaker does not accept a parameter "
        "there, so the value must be the same in every run. Write it out."
    )
