"""``partial(...).expand(...)`` of a step operator: the ForEach step it becomes, its references, and its refusals."""

from __future__ import annotations

import copy
import json
import math
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG, Param, task
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput
from airflow.sdk.definitions.param import DagParam
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerCallbackStepOperator,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.definition.expressions import PropertyReference
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError
from airflow_sm_pipelines.operators.steps import generic
from airflow_sm_pipelines.translation.code import read_local_code
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg
from tests.unit.conftest import PIPELINE_SETTINGS
from tests.versions import DagSerialization

JOB = {"image_uri": "image", "instance_type": "ml.m5.large"}
TASK = "Dag 'd', mapped task 'churn.train': "
GROUP = "Dag 'd', task group 'churn': "


def training(**arguments):
    return SageMakerTrainingStepOperator.partial(task_id="train", **{**JOB, **arguments})


def called(name="train", **arguments):
    return SageMakerCallbackStepOperator.partial(task_id=name, sqs_queue_url="https://queue", **arguments)


@task
def fetched():
    return [1, 2]


def steps(group):
    return json.loads(group.compile().text)["Steps"]


def for_each(group):
    [step] = [each for each in steps(group) if each["Type"] == "ForEach"]
    return step


def refused(build, error=TranslationError):
    with pytest.raises(error) as caught:
        build()
    return str(caught.value)


def test_a_mapped_step_is_a_for_each_step(dag, group):
    """Its name has a suffix, the step in its body keeps its own; a follower depends on the ForEach step."""
    with group() as made:
        mapped = called(inputs={"step": CURRENT_ITEM}, outputs=["o"]).expand(item=["a", "b"])
        mapped >> SageMakerCallbackStepOperator(task_id="behind", sqs_queue_url="https://queue")
    assert [{key: step.get(key) for key in ("Name", "Type", "DependsOn")} for step in steps(made)] == [
        {"Name": "train-for-each", "Type": "ForEach", "DependsOn": None},
        {"Name": "behind", "Type": "Callback", "DependsOn": ["train-for-each"]},
    ]
    assert for_each(made)["Arguments"] == {
        "IterableItems": ["a", "b"],
        "MaxConcurrency": 50,
        "ForEachBody": [
            {
                "Name": "train",
                "Type": "Callback",
                "Arguments": {"step": {"Get": "ForEach.CurrentItem"}},
                "OutputParameters": [{"OutputName": "o", "OutputType": "String"}],
                "SqsQueueUrl": "https://queue",
            }
        ],
    }


@pytest.mark.parametrize(
    ("expand", "expected_items", "expected"),
    [
        (
            lambda: training().expand(hyperparameters=[{"d": 3, "same": 1}, {"d": 5, "same": 1}]),
            ["3", "5"],
            {"d": {"Get": "ForEach.CurrentItem"}, "same": "1"},
        ),
        (
            lambda: training().expand_kwargs([{"hyperparameters": {"d": 3}}, {"hyperparameters": {"d": 5}}]),
            ["3", "5"],
            {"d": {"Get": "ForEach.CurrentItem"}},
        ),
        (
            lambda: training(hyperparameters={"d": CURRENT_ITEM["x"]}).expand(item=[{"x": 3}, {"x": 5}]),
            ["3", "5"],
            {"d": {"Get": "ForEach.CurrentItem"}},
        ),
        (
            lambda: training(hyperparameters={"d": CURRENT_ITEM}).expand(item=[3, None]),
            ["3", "null"],
            {"d": {"Get": "ForEach.CurrentItem"}},
        ),
        (
            lambda: training().expand(hyperparameters=[{"d": 3, "e": 1}, {"d": 5, "e": 2}]),
            ['{"d": "3", "e": "1"}', '{"d": "5", "e": "2"}'],
            {"d": {"Get": "ForEach.CurrentItem.d"}, "e": {"Get": "ForEach.CurrentItem.e"}},
        ),
    ],
)
def test_what_differs_between_the_items_is_the_item(dag, group, expand, expected_items, expected):
    """However it is expanded, an item is what the requests differ in, as the operator would write it for each."""
    with group() as made:
        expand()
    arguments = for_each(made)["Arguments"]
    assert arguments["IterableItems"] == expected_items
    assert arguments["ForEachBody"][0]["Arguments"]["HyperParameters"] == expected


@settings(max_examples=20, database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_several_keywords_are_every_combination_in_airflows_order(lengths):
    """Each task instance has the item that Airflow would expand it to, by its map index."""
    keywords = ("volume_size_in_gb", "instance_count", "max_runtime_in_seconds")
    lists = {
        keyword: [10 * place + number for number in range(length)]
        for place, (keyword, length) in enumerate(zip(keywords, lengths, strict=False), 1)
    }
    with DAG("d"), SageMakerPipelineTaskGroup("churn", **PIPELINE_SETTINGS):
        mapped = training().expand(**lists)
    airflows = DictOfListsExpandInput(lists)
    contexts = [{"ti": SimpleNamespace(map_index=index)} for index in range(math.prod(lengths))]
    assert [mapped._expand_mapped_kwargs(context)[0] for context in contexts] == [
        airflows.resolve(context)[0] for context in contexts
    ]


def test_items_of_a_task_are_a_parameter_that_the_launch_task_renders(dag, group):
    """The launch task follows the task, and so does the mapped one; what is no text is joined where text is wanted."""
    late = fetched()
    with group() as made:
        training(hyperparameters={"d": CURRENT_ITEM}).expand(item=late)
    compiled = made.compile()
    assert json.loads(compiled.text)["Parameters"] == [{"Name": "train-for-each-iterable-items", "Type": "String"}]
    assert compiled.values == {"train-for-each-iterable-items": ItemsXComArg(late)}
    arguments = for_each(made)["Arguments"]
    assert arguments["IterableItems"] == {"Get": "Parameters.train-for-each-iterable-items"}
    assert arguments["ForEachBody"][0]["Arguments"]["HyperParameters"] == {
        "d": {"Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem"}]}}
    }
    assert {each.task_id: sorted(each.upstream_task_ids) for each in dag.tasks} == {
        "fetched": [],
        "churn.train": ["churn.launch", "fetched"],
        "churn.launch": ["fetched"],
    }


def test_several_fields_of_items_of_a_task(dag, group):
    """Fields of the item are named in the arguments."""
    late = fetched()
    with group() as made:
        training(hyperparameters={"d": CURRENT_ITEM["depth"]}, environment={"E": CURRENT_ITEM["odd name"]}).expand(
            item=late
        )
    arguments = for_each(made)["Arguments"]["ForEachBody"][0]["Arguments"]
    assert [arguments["HyperParameters"]["d"], arguments["Environment"]["E"]] == [
        {"Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem.depth"}]}},
        {"Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem['odd name']"}]}},
    ]


def test_a_pipeline_parameter_with_json_is_expanded_by_a_task_before_the_launch(dag, group):
    """The document reads the parameter itself; the task stands beside the group, once for each parameter."""
    with group(parameters={"Depths": "{{ params.depths | tojson }}"}) as made:
        training(hyperparameters={"d": CURRENT_ITEM}).expand(item=made.items("Depths"))
        called("other", inputs={"d": CURRENT_ITEM}).expand(item=made.items("Depths"))
    found = {step["Name"]: step["Arguments"]["IterableItems"] for step in steps(made)}
    assert found == {
        "train-for-each": {"Get": "Parameters.Depths"},
        "other-for-each": {"Get": "Parameters.Depths"},
    }
    assert made.compile().values == {"Depths": "{{ params.depths | tojson }}"}
    assert {each.task_id: sorted(each.upstream_task_ids) for each in dag.tasks} == {
        "churn_items_Depths": [],
        "churn.train": ["churn.launch", "churn_items_Depths"],
        "churn.other": ["churn.launch", "churn_items_Depths"],
        "churn.launch": ["churn_items_Depths"],
    }


def test_a_dag_param_that_is_a_list_is_given_as_json(dag, group):
    """A pipeline parameter is text; the task is given the list."""
    dag.params["depths"] = Param([1, 2], type="array")
    depths = DagParam(dag, "depths")
    with group(parameters={"Depths": depths}) as made:
        training(hyperparameters={"d": CURRENT_ITEM}).expand(item=made.items("Depths"))
    assert made.compile().values == {"Depths": ItemsXComArg(depths)}
    assert dag.get_task("churn_items_Depths").items is depths


@pytest.mark.parametrize(
    ("value", "found"),
    [("[1, 2]", [1, 2]), ([1, 2], [1, 2]), ('[{"a": 1}]', [{"a": 1}])],
)
def test_the_task_of_the_items_returns_them(dag, group, value, found):
    """Rendered JSON, or a list."""
    with group(parameters={"Depths": "[]"}) as made:
        made.items("Depths")
        called(inputs={"d": CURRENT_ITEM}).expand(item=[1])
    operator = copy.copy(dag.get_task("churn_items_Depths"))
    operator.items = value
    assert operator.execute({}) == found


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("[1,", "is '[1,', which is not JSON: Expecting value: line 1 column 4 (char 3)"),
        ("[]", "is '[]'. A step is mapped over a list of at least one item"),
        ("3", "is '3'. A step is mapped over a list of at least one item"),
    ],
)
def test_what_is_no_list_fails_the_task_of_the_items(dag, group, value, why):
    """Before the launch task, in one sentence."""
    with group(parameters={"Depths": "[1]"}) as made:
        made.items("Depths")
        called(inputs={"d": CURRENT_ITEM}).expand(item=[1])
    operator = copy.copy(dag.get_task("churn_items_Depths"))
    operator.items = value
    with pytest.raises(AirflowFailException) as caught:
        operator.execute({})
    assert str(caught.value) == f"Pipeline parameter 'Depths' {why}"


def test_max_active_instances_are_the_concurrency(dag, group):
    """How many of a run Airflow runs at a time, SageMaker does."""
    with group() as made:
        called(inputs={"d": CURRENT_ITEM}, max_active_tis_per_dagrun=3).expand(item=[1, 2])
    assert for_each(made)["Arguments"]["MaxConcurrency"] == 3


def test_the_best_run_is_selected(dag, group):
    """A step behind reads Selected; the selector compares a metric, or a property that is named."""
    with group() as made:
        train = training().expand(hyperparameters=[{"d": 1}, {"d": 2}])
        SageMakerRegisterModelStepOperator(
            task_id="register",
            model_package_group_name="g",
            image_uri="image",
            model_data=train.best(max_by="validation:auc").model_artifacts,
        )
    first, register = steps(made)
    assert first["Arguments"]["Selector"] == {
        "Pick": "MaxBy",
        "Field": {"Get": "IterationOutput.train.FinalMetricDataList['validation:auc'].Value"},
    }
    [container] = register["Arguments"]["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == {"Get": "Steps.train-for-each.Selected.ModelArtifacts.S3ModelArtifacts"}
    assert dag.get_task("churn.register").upstream_task_ids == {"churn.train"}


def test_runs_are_read_by_index(dag, group):
    """Where the Dag has the items, all of them."""
    with group() as made:
        mapped = SageMakerProcessingStepOperator.partial(task_id="train", outputs=["o"], **JOB).expand(
            environment=[{"E": "a"}, {"E": "b"}]
        )
        read = [each.outputs["o"] for each in mapped.iterations]
        called("all", inputs={"uris": read[0], "count": mapped.properties.SucceededStepCount}).expand(item=[1])
    base = "Steps.train-for-each.IterationOutputs"
    output = "train.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"
    assert read == [PropertyReference(f"{base}[{index}].{output}") for index in (0, 1)]
    body = steps(made)[0]["Arguments"]["ForEachBody"][0]["Arguments"]
    [written] = body["ProcessingOutputConfig"]["Outputs"]
    assert written["S3Output"]["S3Uri"] == {
        "Std:Join": {
            "On": "/",
            "Values": [
                "s3://lab/churn",
                {"Get": "Execution.PipelineExecutionId"},
                "train",
                {"Get": "Execution.ProcessingJobName"},
                "o",
            ],
        }
    }


def test_a_branch_may_begin_with_a_mapped_step(dag, group):
    """It lies in the branch of its condition as any step does."""
    with group() as made:
        mapped = called(inputs={"d": CURRENT_ITEM}).expand(item=[1])
        SageMakerConditionStepOperator(
            task_id="c",
            conditions=[PropertyReference("Execution.PipelineName").equals("x")],
            if_steps=[mapped],
        )
    [condition] = steps(made)
    assert [step["Name"] for step in condition["Arguments"]["IfSteps"]] == ["train-for-each"]
    # Airflow 3.0 starts its instances although the condition has skipped them: they end skipped.
    instance = SimpleNamespace(map_index=0, task=mapped, xcom_pull=lambda **_: "arn")
    context = {"ti": instance, "task": mapped, "dag": dag, "dag_run": SimpleNamespace(conf={}), "params": {}}
    mapped.render_template_fields(context)
    assert context["task"].awaited.target.branches == (BranchOwner("c", True),)


def test_a_mapped_task_is_stored_without_the_steps_arguments(group):
    """Airflow stores them as text where they are no JSON, and the scheduler needs no more than how many items there are."""
    with DAG("d", schedule=None) as dag, group():  # Airflow 3.0 makes tasks while it stores: in no Dag's block
        before = SageMakerProcessingStepOperator(task_id="before", outputs=["a", "b"], **JOB)
        training().expand(inputs=[{"x": before.outputs["a"]}, {"x": before.outputs["b"]}])
    stored = [each["__var"] for each in DagSerialization.to_dict(dag)["dag"]["tasks"]]
    [mapped] = [each for each in stored if each.get("_is_mapped")]
    shown = [
        f"{{'x': PropertyReference(\"Steps.before.ProcessingOutputConfig.Outputs['{name}'].S3Output.S3Uri\")}}"
        for name in "ab"
    ]
    assert mapped["expand_input"] == {
        "type": "dict-of-lists",
        "value": {"__type": "dict", "__var": {"item": shown}},
    }
    assert not {"inputs", "image_uri", "instance_type"} & set(mapped["partial_kwargs"])
    assert mapped["partial_kwargs"]["map_index_template"] == "{{ task.item_label }}"
    assert mapped.get("start_trigger_args") is None
    assert mapped.get("start_from_trigger", False) is False
    assert mapped["_operator_name"] == "Training for each item"
    again = [each["__var"] for each in DagSerialization.to_dict(copy.deepcopy(dag))["dag"]["tasks"]]
    assert [each for each in again if each.get("_is_mapped")] == [mapped]


def test_the_worker_makes_an_ordinary_step_of_an_item(dag, group):
    """With the item in its place; it follows the run of the step that has the task's map index."""
    late = fetched()
    with group():
        mapped = training(hyperparameters={"d": CURRENT_ITEM["x"]}).expand(item=[{"x": 3}, {"x": 5}])
        of_a_task = called("late", inputs={"d": CURRENT_ITEM}).expand(item=late)
    instance = SimpleNamespace(map_index=1, task=mapped, xcom_pull=lambda **_: "arn")
    context = {"ti": instance, "task": mapped, "dag": dag, "dag_run": SimpleNamespace(conf={}), "params": {}}
    mapped.render_template_fields(context)
    operator = context["task"]
    assert type(operator) is SageMakerTrainingStepOperator
    assert (operator.hyperparameters, operator.item_label) == ({"d": 5}, "x=5")
    assert (operator.awaited.target.name, operator.pipeline_execution_arn) == ("train-1", "arn")
    assert of_a_task.unmap({"item": 7}).inputs == {"d": 7}


def test_local_code_is_read_once_for_all_items(dag, group, tmp_path, monkeypatch):
    """Once for each script, where that is what differs."""
    for name in "ab":
        (tmp_path / f"{name}.py").write_text(name)
    read = []

    def reading(code, *arguments):
        read.append(code)
        return read_local_code(code, *arguments)

    monkeypatch.setattr(generic, "read_local_code", reading)
    with group() as made:
        training(code="a.py").expand(hyperparameters=[{"d": depth} for depth in range(100)])
        SageMakerProcessingStepOperator.partial(task_id="both", **JOB).expand(code=["a.py", "b.py", "a.py"])
    assert read == ["a.py", "a.py", "b.py"]
    assert sorted(upload.content for upload in made.compile().uploads if upload.uri.endswith(".py")) == [b"a", b"b"]


BY_HAND = "or define one step for each item, in a Python loop."
LATE = (
    "Let the task return the combinations as dicts, and use expand(item=...) with CURRENT_ITEM['...'] in partial(...)."
)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda _: training().expand(hyperparameters=[]),
            (
                "it is mapped over 0 items, and a ForEach step takes 1 to 100. Leave the step out where there is nothing to "
                "do."
            ),
        ),
        (
            lambda _: training().expand(volume_size_in_gb=[*range(101)]),
            f"it is mapped over 101 items, and a ForEach step takes 1 to 100. Map over fewer, {BY_HAND}",
        ),
        (
            lambda late: training().expand(hyperparameters=[{"a": 1}], volume_size_in_gb=late),
            (
                "expand(hyperparameters=..., volume_size_in_gb=...) means every combination, but SageMaker cannot "
                f"combine lists that are known only in a Dag run. {LATE}"
            ),
        ),
        (
            lambda late: training().expand_kwargs(late),
            (
                "expand_kwargs(...) gets values known only in a Dag run, but SageMaker must know which arguments "
                "differ. Name the places in partial(...), as in hyperparameters={'max_depth': "
                "CURRENT_ITEM['max_depth']}, and use expand(item=...)."
            ),
        ),
        (
            lambda _: training().expand(volume_size_in_gb={"a": 1}),
            "expand(volume_size_in_gb=...) is given a dict, whose items are pairs. Give a list.",
        ),
        (
            lambda _: training(volume_size_in_gb=1).expand_kwargs([{"volume_size_in_gb": 2}]),
            "partial(...) and expand_kwargs(...) both give 'volume_size_in_gb'. Give it once.",
        ),
        (
            lambda _: training(max_active_tis_per_dagrun=51).expand(volume_size_in_gb=[1]),
            "max_active_tis_per_dagrun=51 becomes the MaxConcurrency of a ForEach step, which is 1 to 50. Set another.",
        ),
        (
            lambda _: training(step_name="n" * 60).expand(volume_size_in_gb=[1]),
            f"the name of its ForEach step, '{'n' * 60}-for-each', has more than 64 characters. Set a shorter step_name.",
        ),
        (
            lambda _: training(hyperparameters={"d": CURRENT_ITEM["x"]}).expand(item=[{"y": 1}]),
            "the item {'y': 1} has no field 'x', which the step reads.",
        ),
        (
            lambda _: SageMakerFailStepOperator.partial(task_id="train").expand(error_message=["a", "b"]),
            (
                "it is a Fail step, and SageMaker allows no Condition, Fail or ForEach step inside a ForEach step. Do "
                "not map it; it may follow a mapped step."
            ),
        ),
        (
            lambda _: SageMakerStepOperator.partial(task_id="train", step_type="ForEach").expand(
                arguments=[{"a": 1}, {"a": 2}]
            ),
            (
                "it is a ForEach step, and SageMaker allows no Condition, Fail or ForEach step inside a ForEach step. "
                "Do not map it; it may follow a mapped step."
            ),
        ),
        (
            lambda _: training(hyperparameters={"d": CURRENT_ITEM}).expand(volume_size_in_gb=[1, 2]),
            "partial(...) uses CURRENT_ITEM, but expand(...) has no item. Use expand(item=[...]).",
        ),
        (
            lambda _: training().expand(volume_size_in_gb=[1]).best(),
            "best(...) takes either max_by or min_by.",
        ),
        (
            lambda _: [
                mapped := training().expand(volume_size_in_gb=[1]),
                mapped.best(max_by="a"),
                mapped.best(min_by="a"),
            ],
            (
                "it selects MaxBy IterationOutput.train.FinalMetricDataList['a'].Value already, and a ForEach step selects "
                "once. Use one best(...), or map a second step."
            ),
        ),
    ],
)
def test_what_sagemaker_cannot_map_is_refused(dag, group, build, message):
    """Where it is written, with the task and what to do instead."""
    late = fetched()

    def parse():
        with group():
            build(late)

    assert refused(parse) == TASK + message


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda _: training().expand(hyperparameters=[{"a": 1}, {"b": 1}]),
            (
                f"{TASK}its items differ at HyperParameters-a, which only some of them have. In SageMaker the items of a "
                "ForEach step may differ in text, numbers, true and false only: give all items the same keys and lists of "
                "the same length, or define the steps in a Python loop."
            ),
        ),
        (
            lambda late: (
                called(inputs={"d": CURRENT_ITEM}).expand(item=late)
                >> SageMakerStepOperator(
                    task_id="b", step_type="Callback", arguments={}, trigger_rule="all_failed", step_options={}
                )
            ),
            (
                f"{GROUP}task 'churn.b' has trigger_rule='all_failed' and follows the mapped task 'churn.train'. Airflow "
                "would run it when all its instances have failed; a ForEach step fails when one of its runs does. Use "
                "trigger_rule='one_failed'."
            ),
        ),
        (
            lambda _: training(instance_count=CURRENT_ITEM).expand(item=["two", "three"]),
            (
                f"{GROUP}task 'churn.train' gives the item 'two' at ResourceConfig-InstanceCount, where the API wants a "
                "whole number. Expand over values of that type; what only the run knows is ParameterInteger(...)."
            ),
        ),
        (
            lambda _: training().expand(instance_count=[1, "2"]),
            (
                f"{GROUP}task 'churn.train' gives the item '2' at ResourceConfig-InstanceCount, where the API wants a "
                "whole number. Expand over values of that type; what only the run knows is ParameterInteger(...)."
            ),
        ),
        (
            lambda _: training().expand(hyperparameters=[{"a": "{{ ds }}", "b": 1}, {"a": "x", "b": 2}]),
            (
                f"{TASK}its items have several fields, and 'a' is '{{{{ ds }}}}', known only when the pipeline runs. An item "
                "is then one value: expand over that alone, and put the rest into partial(...)."
            ),
        ),
        (
            lambda late: SageMakerStepOperator.partial(task_id="train", step_type="Training").expand(arguments=late),
            (
                "Dag 'd', task 'churn.train': arguments=... is expanded over values known only in a Dag run, but "
                "SageMaker must know its keys. Write it out in partial(...) with CURRENT_ITEM inside, as in "
                "arguments={'key': CURRENT_ITEM['key']}, and use expand(item=...)."
            ),
        ),
    ],
)
def test_what_only_the_whole_group_shows_is_refused(dag, group, build, message):
    """When its block ends at the latest."""
    late = fetched()

    def parse():
        with group():
            build(late)

    assert refused(parse) == message


def test_the_xcom_of_a_step_of_the_group_is_no_list_of_items(dag, group):
    """It is there after the pipeline has started."""

    def parse():
        with group():
            before = SageMakerStepOperator(task_id="before", step_type="Callback", arguments={})
            called(inputs={"d": CURRENT_ITEM}).expand(item=before.output)

    assert refused(parse) == (
        f"{GROUP}task 'churn.train' uses the XCom of 'churn.before', a step of the same pipeline. XComs are read before the "
        "pipeline starts. Use a reference to the step instead, such as its outputs['name'], model_artifacts, metric(...) or "
        "properties. Put it into text by Join('', ['text', reference]). "
        "See docs/troubleshooting.md#the-xcom-of-a-step-of-the-same-pipeline"
    )


def test_metrics_are_not_of_a_run(dag, group):
    """A property file is named by its step; a run has none in the document."""
    with group():
        mapped = SageMakerProcessingStepOperator.partial(
            task_id="train", outputs=["o"], property_files={"m": "o/m.json"}, **JOB
        ).expand(instance_count=[1, 2])
        with pytest.raises(TranslationError) as caught:
            mapped.iterations[0].metric("m", "x")
    assert str(caught.value) == (
        "Dag 'd', task 'churn.train': metric(...) reads a property file by the name of its step, but in a pipeline the "
        "runs of a mapped step have no names. Read the file in a later step: inputs={'metrics': "
        "...property_files['name']}."
    )


def test_default_arguments_reach_a_mapped_step(dag, group):
    """Those of the group as well as those of the Dag, as with any step."""
    with group(default_args={"image_uri": "default", "retries": 3}) as made:
        mapped = SageMakerTrainingStepOperator.partial(task_id="train", instance_type="ml.m5.large").expand(
            hyperparameters=[{"d": 1}, {"d": 2}]
        )
    body = for_each(made)["Arguments"]["ForEachBody"][0]["Arguments"]
    assert (body["AlgorithmSpecification"]["TrainingImage"], mapped.retries) == ("default", 3)


def test_an_unmapped_step_has_no_item(dag, group):
    """The keyword would go nowhere."""

    def parse():
        with group():
            SageMakerTrainingStepOperator(task_id="train", item=3, **JOB)

    assert refused(parse) == (
        "Dag 'd', task 'churn.train': item=... is for mapped steps: partial(...).expand(item=[...])."
    )


def test_a_mapped_step_has_no_single_result(dag, group):
    """What an unmapped one offers is offered for its best run, and by index."""
    with group():
        mapped = training().expand(volume_size_in_gb=[1, 2])
        with pytest.raises(AttributeError) as caught:
            _ = mapped.model_artifacts
        with pytest.raises(IndexError) as beyond:
            _ = mapped.iterations[2]
    assert str(caught.value) == (
        "Dag 'd', mapped task 'churn.train' has no 'model_artifacts': it runs once for each item. Use "
        ".best(max_by=...).model_artifacts, or .iterations[0].model_artifacts for one of them."
    )
    assert str(beyond.value) == f"{TASK}it has 2 items, and none with the index 2."


def test_late_items_have_no_number(dag, group):
    """They are read by index only."""
    late = fetched()
    with group():
        mapped = called(inputs={"d": CURRENT_ITEM}, outputs=["o"]).expand(item=late)
        read = mapped.iterations[4].output_parameters["o"]
        with pytest.raises(TypeError) as caught:
            len(mapped.iterations)
    assert read == PropertyReference("Steps.train-for-each.IterationOutputs[4].train.OutputParameters['o']")
    assert str(caught.value) == f"{TASK}how many items it has is known when the Dag runs; use an index."


def test_a_parameter_that_holds_no_list_is_refused(dag, group):
    """Numbers have no items."""

    def parse():
        with group(parameters={"Depths": 3}) as made:
            made.items("Depths")

    assert refused(parse) == (
        f"{GROUP}pipeline parameter 'Depths' is Integer, and a step is mapped over a list. Give it as JSON, as in "
        '"[3, 5, 7]".'
    )


def test_the_current_item_is_of_mapped_steps_only(dag, group):
    """SageMaker has none elsewhere."""

    def parse():
        with group():
            SageMakerTrainingStepOperator(task_id="train", hyperparameters={"d": CURRENT_ITEM}, **JOB)

    assert refused(parse, PipelineDefinitionError) == (
        "Dag 'd', task group 'churn', pipeline 'd-churn': step 'train' reads "
        "'ForEach.CurrentItem': the current item exists only in the steps of a ForEach body @ "
        "$.Steps[0].Arguments.HyperParameters.d.Std:Join.Values[0]"
    )
