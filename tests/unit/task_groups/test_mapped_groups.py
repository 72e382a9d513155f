"""A mapped ``@task_group`` inside a pipeline: the ForEach step it becomes, its edges, its references, its refusals."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG, TaskGroup, task, task_group

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerCallbackStepOperator,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerProcessingStepOperator,
    SageMakerTrainingStepOperator,
)
from airflow_sm_pipelines.compatibility.mapped import MappedTaskGroup
from airflow_sm_pipelines.definition.expressions import Join, PropertyReference
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.mapped_groups import GroupItems
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg
from tests.versions import DagSerialization

JOB = {"image_uri": "image", "instance_type": "ml.m5.large"}
DAG_D = "Dag 'd', "
GROUP = "Dag 'd', task group 'churn': "
FIT = "mapped task group 'churn.fit': "
GET_ITEM = {"Get": "ForEach.CurrentItem"}


def called(name, outputs=("o",), **arguments):
    return SageMakerCallbackStepOperator(task_id=name, sqs_queue_url="https://queue", outputs=outputs, **arguments)


@task
def fetched():
    return [1, 2]


@task
def shown(x):
    return x


@task_group
def fit(depth):
    """Call one step for a depth."""
    called("each", inputs={"depth": depth})


def steps(group):
    return json.loads(group.compile().text)["Steps"]


def for_each(group):
    [step] = [each for each in steps(group) if each["Type"] == "ForEach"]
    return step


def edges(dag):
    return {each.task_id: sorted(each.upstream_task_ids) for each in dag.tasks}


def body_step(name, arguments, **more):
    return {
        "Name": name,
        "Type": "Callback",
        "Arguments": arguments,
        **more,
        "OutputParameters": [{"OutputName": "o", "OutputType": "String"}],
        "SqsQueueUrl": "https://queue",
    }


def test_a_mapped_group_is_a_for_each_step(dag, group):
    """Named after the group, with the group's steps in its body: one reads another, one follows it, one does neither."""

    @task_group
    def fit(depth):
        a = called("a", inputs={"depth": depth})
        called("b", inputs={"read": a.output_parameters["o"]})
        a >> called("c")
        called("d", inputs={"text": Join("", ["d", depth])})

    with group() as made:
        fit.expand(depth=[3, 5]) >> called("behind")
    assert [{key: step.get(key) for key in ("Name", "Type", "DependsOn")} for step in steps(made)] == [
        {"Name": "fit", "Type": "ForEach", "DependsOn": None},
        {"Name": "behind", "Type": "Callback", "DependsOn": ["fit"]},
    ]
    assert for_each(made)["Arguments"] == {
        "IterableItems": [3, 5],
        "MaxConcurrency": 50,
        "ForEachBody": [
            body_step("fit-a", {"depth": GET_ITEM}),
            body_step("fit-b", {"read": {"Get": "Steps.fit-a.OutputParameters['o']"}}),
            body_step("fit-c", {}, DependsOn=["fit-a"]),
            body_step("fit-d", {"text": {"Std:Join": {"On": "", "Values": ["d", GET_ITEM]}}}),
        ],
    }
    assert edges(dag) == {
        "churn.fit.a": ["churn.launch"],
        "churn.fit.b": ["churn.fit.a"],
        "churn.fit.c": ["churn.fit.a"],
        "churn.fit.d": ["churn.launch"],
        "churn.behind": ["churn.fit.b", "churn.fit.c", "churn.fit.d"],
        "churn.launch": [],
    }


@pytest.mark.parametrize(
    ("expand", "expected_items", "expected"),
    [
        (
            lambda made: made.expand(depth=[3, 5], rate=[0.1]),
            [{"depth": 3, "rate": 0.1}, {"depth": 5, "rate": 0.1}],
            None,
        ),
        (lambda made: made.expand(depth=[3], rate=[1, 2]), [{"depth": 3, "rate": 1}, {"depth": 3, "rate": 2}], None),
        (
            lambda made: made.expand_kwargs([{"depth": 3, "rate": True}, {"depth": 5, "rate": False}]),
            [{"depth": 3, "rate": True}, {"depth": 5, "rate": False}],
            None,
        ),
        (lambda made: made.partial(rate=7).expand(depth=["a", "b"]), ["a", "b"], {"depth": GET_ITEM, "rate": 7}),
        (lambda made: made.partial(rate=7).expand_kwargs([{"depth": 3}]), [3], {"depth": GET_ITEM, "rate": 7}),
    ],
)
def test_an_item_is_the_one_argument_or_an_object_of_them(dag, group, expand, expected_items, expected):
    """In the order of Airflow's map indexes."""

    @task_group
    def fit(depth, rate):
        called("each", inputs={"depth": depth, "rate": rate})

    with group() as made:
        expand(fit)
    arguments = for_each(made)["Arguments"]
    assert [json.loads(item) if item[:1] == "{" else item for item in map(str, arguments["IterableItems"])] == [
        *(item if isinstance(item, dict) else str(item) for item in expected_items)
    ]
    fields = {name: {"Get": f"ForEach.CurrentItem.{name}"} for name in ("depth", "rate")}
    assert arguments["ForEachBody"][0]["Arguments"] == (expected or fields)


def test_fields_of_items_that_are_dicts(dag, group):
    """CURRENT_ITEM reads them, of the type that they have."""

    @task_group
    def fit(item):
        SageMakerTrainingStepOperator(
            task_id="each", hyperparameters={"d": CURRENT_ITEM["d"]}, instance_count=CURRENT_ITEM["n"], **JOB
        )

    with group() as made:
        fit.expand(item=[{"d": "a", "n": 1}, {"d": "b", "n": 2}])
    arguments = for_each(made)["Arguments"]
    assert arguments["IterableItems"] == ['{"d": "a", "n": 1}', '{"d": "b", "n": 2}']
    [body] = arguments["ForEachBody"]
    assert body["Arguments"]["HyperParameters"] == {"d": {"Get": "ForEach.CurrentItem.d"}}
    assert body["Arguments"]["ResourceConfig"]["InstanceCount"] == {"Get": "ForEach.CurrentItem.n"}


def test_numbers_of_items_stay_numbers_in_json(dag, group):
    """Where the Dag file has the items; the text of others stands in quotes."""

    @task_group
    def fit(depth, name):
        SageMakerTrainingStepOperator(task_id="each", code="train.py", hyperparameters={"all": [depth, name]}, **JOB)

    with group() as made:
        fit.expand(depth=[3, 5], name=["a"])
    [body] = for_each(made)["Arguments"]["ForEachBody"]
    depth, name = {"Get": "ForEach.CurrentItem.depth"}, {"Get": "ForEach.CurrentItem.name"}
    assert body["Arguments"]["HyperParameters"]["all"] == {
        "Std:Join": {"On": "", "Values": ["[", depth, ', "', name, '"]']}
    }


def test_a_function_is_a_step_of_a_group(dag, group):
    """It is given the item, a number as a number."""

    @task.sagemaker_processing(**JOB)
    def score(depth: int) -> dict:
        return {"depth": depth}

    @task_group
    def fit(depth):
        return score(depth)

    with group() as made:
        scored = fit.expand(depth=[3, 5])
    [body] = for_each(made)["Arguments"]["ForEachBody"]
    assert body["Name"] == "fit-score"
    assert body["Arguments"]["AppSpecification"]["ContainerArguments"] == [
        "--depth",
        {"Std:Join": {"On": "", "Values": [GET_ITEM]}},
    ]
    with pytest.raises(TranslationError) as caught:
        scored["depth"]
    assert str(caught.value) == (
        "Dag 'd', task 'churn.fit.score': a value of what the function returns is read by the name of its step, but in "
        "a pipeline the runs of a mapped step have no names. Read the file in a later step: "
        "iterations[0].property_files['returned'] is its URI."
    )


def test_a_group_between_airflow_tasks(dag, group):
    """Its steps read what the one before has returned, and the one behind waits for the whole group."""

    @task
    def choose():
        return "x"

    @task
    def approve():
        return "y"

    @task_group
    def fit(depth):
        called("a", inputs={"depth": depth})
        called("b", inputs={"chosen": chosen})

    with group(callback_queue_url="https://sqs.us-east-1.amazonaws.com/123456789012/answers") as made:
        chosen = choose()
        called("before") >> chosen
        fit.expand(depth=[1]) >> approve() >> called("behind")
    assert {step["Name"]: step.get("DependsOn") for step in steps(made)} == {
        "before": None,
        "fit": None,
        "behind": ["approve"],
        "choose": ["before"],
        "approve": ["fit"],
    }
    assert for_each(made)["Arguments"]["ForEachBody"][1]["Arguments"] == {
        "chosen": {"Get": "Steps.choose.OutputParameters['return_value']"}
    }
    assert edges(dag) == {
        "churn.before": ["churn.launch"],
        "churn.choose": ["churn.before"],
        "churn.choose_callback": ["churn.before"],
        "churn.fit.a": ["churn.choose"],
        "churn.fit.b": ["churn.choose"],
        "churn.approve": ["churn.fit.a", "churn.fit.b"],
        "churn.approve_callback": ["churn.fit.a", "churn.fit.b"],
        "churn.behind": ["churn.approve"],
        "churn.launch": [],
    }


def test_items_of_a_task_are_a_parameter_that_the_launch_task_renders(dag, group):
    """Of ``expand_kwargs``, too: an item is then a dict of the arguments."""
    late = fetched()

    @task_group
    def tune(depth, rate):
        called("each", inputs={"depth": depth, "rate": rate})

    with group() as made:
        fit.expand(depth=late)
        tune.expand_kwargs(late)
    assert made.compile().values == {"fit-iterable-items": ItemsXComArg(late)}
    assert [step["Arguments"]["IterableItems"] for step in steps(made)] == [
        {"Get": "Parameters.fit-iterable-items"},
        {"Get": "Parameters.fit-iterable-items"},
    ]
    assert [step["Arguments"]["ForEachBody"][0]["Arguments"] for step in steps(made)] == [
        {"depth": GET_ITEM},
        {"depth": {"Get": "ForEach.CurrentItem.depth"}, "rate": {"Get": "ForEach.CurrentItem.rate"}},
    ]
    assert edges(dag) == {
        "fetched": [],
        "churn.fit.each": ["churn.launch", "fetched"],
        "churn.tune.each": ["churn.launch", "fetched"],
        "churn.launch": ["fetched"],
    }


def test_a_pipeline_parameter_with_json_is_expanded_by_a_task_before_the_launch(dag, group):
    """The document reads the parameter itself."""
    with group(parameters={"Depths": "{{ params.depths | tojson }}"}) as made:
        fit.expand(depth=made.items("Depths"))
    assert for_each(made)["Arguments"]["IterableItems"] == {"Get": "Parameters.Depths"}
    assert edges(dag)["churn.fit.each"] == ["churn.launch", "churn_items_Depths"]


def test_steps_behind_read_the_best_run_of_a_step_or_one_by_its_index(dag, group):
    """Of the step that the function returns, or that is looked up in the group."""

    @task_group
    def fit(depth):
        prepare = SageMakerProcessingStepOperator(task_id="prepare", outputs=["x"], job_arguments=[depth], **JOB)
        return prepare, SageMakerTrainingStepOperator(task_id="train", inputs={"x": prepare.outputs["x"]}, **JOB)

    with group() as made:
        prepare, train = fit.expand(depth=[1, 2])
        called(
            "behind",
            inputs={
                "best": train.best(max_by="auc").model_artifacts,
                "data": [each.outputs["x"] for each in prepare.iterations],
            },
        )
    first, behind = steps(made)
    assert first["Arguments"]["Selector"] == {
        "Pick": "MaxBy",
        "Field": {"Get": "IterationOutput.fit-train.FinalMetricDataList['auc'].Value"},
    }
    output = "fit-prepare.ProcessingOutputConfig.Outputs['x'].S3Output.S3Uri"
    assert behind["Arguments"] == {
        "best": {"Get": "Steps.fit.Selected.ModelArtifacts.S3ModelArtifacts"},
        "data": [{"Get": f"Steps.fit.IterationOutputs[{index}].{output}"} for index in (0, 1)],
    }
    [written] = first["Arguments"]["ForEachBody"][0]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
    assert written["S3Output"]["S3Uri"]["Std:Join"]["Values"][2:] == [
        "fit-prepare",
        {"Get": "Execution.ProcessingJobName"},
        "x",
    ]
    assert edges(dag)["churn.behind"] == ["churn.fit.train"]


def test_the_group_waits_as_a_whole_and_is_waited_for_as_a_whole(dag, group):
    """Its first tasks follow what any task in it follows, and who follows any follows its last tasks."""

    @task_group
    def fit(depth):
        a = called("a", inputs={"depth": depth})
        b = called("b", inputs={"read": before.output_parameters["o"]})
        a >> b
        return a, b

    with group() as made:
        before, other = called("before"), called("other")
        a, b = fit.expand(depth=[1])
        other >> b
        a >> called("behind")
    assert edges(dag) == {
        "churn.before": ["churn.launch"],
        "churn.other": ["churn.launch"],
        "churn.fit.a": ["churn.before", "churn.other"],
        "churn.fit.b": ["churn.fit.a", "churn.other"],
        "churn.behind": ["churn.fit.a", "churn.fit.b"],
        "churn.launch": [],
    }
    assert {step["Name"]: step.get("DependsOn") for step in steps(made)} == {
        "before": None,
        "other": None,
        "fit": ["other"],
        "behind": ["fit"],
    }


def test_a_group_lies_in_a_branch_or_sees_to_a_failure(dag, group):
    """As a mapped step does: by its first tasks."""

    @task_group
    def fit(depth):
        called("last", inputs={"read": called("each", inputs={"depth": depth}).output_parameters["o"]})

    @task_group
    def salvage(name):
        called("a", inputs={"name": name}, trigger_rule="one_failed") >> called("b")

    with group() as made:
        fits = fit.expand(depth=[1])
        SageMakerConditionStepOperator(
            task_id="c", conditions=[PropertyReference("Execution.PipelineName").equals("x")], if_steps=[fits]
        )
        called("risky") >> salvage.expand(name=["a"])
    condition, _, rescued = steps(made)
    assert [step["Name"] for step in condition["Arguments"]["IfSteps"]] == ["fit"]
    assert dag.get_task("churn.fit.each").awaited.target.branches == (BranchOwner("c", True),)
    assert rescued["DependsOn"] == [{"Step": "risky", "Trigger": "Failed"}]


def test_the_lowest_limit_of_active_instances_is_the_concurrency(dag, group):
    """MaxConcurrency counts runs of steps, and no step's limit is passed."""

    @task_group(default_args={"max_active_tis_per_dagrun": 4})
    def fit(depth):
        called("a", inputs={"depth": depth})
        called("b", max_active_tis_per_dagrun=3)

    with group() as made:
        fit.expand(depth=[1, 2])
    assert for_each(made)["Arguments"]["MaxConcurrency"] == 3


def test_layout_inside_a_mapped_group_is_layout(dag, group):
    """A plain TaskGroup in it only shows in the steps' names; one around it in that of the ForEach step."""

    @task_group
    def fit(depth):
        with TaskGroup("inner"):
            called("a", inputs={"depth": depth})

    with group() as made, TaskGroup("outer"):
        fit.expand(depth=[1])
    step = for_each(made)
    assert (step["Name"], step["Arguments"]["ForEachBody"][0]["Name"]) == ("outer-fit", "outer-fit-inner-a")


def test_a_mapped_group_is_stored_and_read_again(group):
    """The scheduler counts the items, and starts every instance on a worker."""
    with DAG("d", schedule=None) as dag, group():  # Airflow 3.0 makes tasks while it stores: in no Dag's block
        fit.expand(depth=["3", "5"])
    stored = DagSerialization.to_dict(dag)
    again = DagSerialization.from_dict(stored)
    read = again.task_group.get_task_group_dict()["churn.fit"]
    assert read._expand_input.get_parse_time_mapped_ti_count() == 2
    [each] = [each["__var"] for each in stored["dag"]["tasks"] if each["__var"]["task_id"] == "churn.fit.each"]
    assert each["map_index_template"] == "{{ task.item_label }}"
    assert each.get("start_from_trigger", False) is False


def rendered(operator, map_index, dag, **values):
    instance = SimpleNamespace(map_index=map_index, task=operator, xcom_pull=lambda **_: "arn", **values)
    context = {"ti": instance, "task": operator, "dag": dag, "dag_run": SimpleNamespace(conf={}), "params": {}}
    operator.render_template_fields(context)
    return operator


def test_a_task_instance_follows_the_run_of_its_map_index(dag, group):
    """It is shown as its item."""
    with group():
        fit.expand(depth=["a", "b"])
    operator = rendered(dag.get_task("churn.fit.each"), 1, dag)
    assert (operator.awaited.target.name, operator.item_label, operator.pipeline_execution_arn) == (
        "fit-each-1",
        "b",
        "arn",
    )


def test_a_task_instance_of_late_items_is_shown_as_its_item(dag, group, monkeypatch):
    """Airflow reads the XCom that the group is expanded over."""
    late = fetched()
    with group():
        fit.expand(depth=late)
    monkeypatch.setattr(type(late), "resolve", lambda *_, **__: [{"x": 1}, {"x": 2}])
    operator = rendered(dag.get_task("churn.fit.each"), 1, dag, _upstream_map_indexes={})
    assert (operator.awaited.target.name, operator.item_label) == ("fit-each-1", "{'x': 2}")


def in_fit(build):
    """A mapped group whose function calls ``build``, with one argument."""

    @task_group(group_id="fit")
    def made(depth):
        build(depth)

    return made


def nested():
    @task_group
    def inner(rate):
        called("a", inputs={"rate": rate})

    return in_fit(lambda _: inner.expand(rate=[1]))


def two_rules(_):
    first, before = called("a"), called("b", trigger_rule="none_failed")
    return first, before


def chosen_twice(depth):
    a, b = called("a", inputs={"d": depth}), called("b")
    a.best(max_by="OutputParameters['o']")
    b.best(max_by="OutputParameters['o']")


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda _: fit.expand(depth=[]),
            (
                f"{DAG_D}{FIT}it is mapped over 0 items, and a ForEach step takes 1 to 100. Leave the group out where there is "
                "nothing to do."
            ),
        ),
        (
            lambda _: fit.expand(depth=[*range(101)]),
            f"{DAG_D}{FIT}it is mapped over 101 items, and a ForEach step takes 1 to 100. Map over fewer.",
        ),
        (
            lambda _: fit.expand(depth={"a": 1}),
            f"{DAG_D}{FIT}expand(depth=...) is given an object. Give a list.",
        ),
        (
            lambda late: task_group(group_id="fit")(lambda a, b: called("each", inputs={"a": a, "b": b})).expand(
                a=[1], b=late
            ),
            (
                f"{DAG_D}{FIT}expand(a=..., b=...) means every combination, but SageMaker cannot combine lists that "
                "are known only in a Dag run. Let the task return the combinations as dicts, and use "
                "expand_kwargs(...)."
            ),
        ),
        (
            lambda late: fit.expand_kwargs([{"depth": 1}, late]),
            (
                f"{DAG_D}{FIT}expand_kwargs(...) is given a list whose items are known only in a Dag run. Let one task "
                "return the whole list."
            ),
        ),
        (
            lambda _: in_fit(lambda depth: called("a", inputs={"d": f"depth {depth}"})).expand(depth=[1]),
            (
                f"{DAG_D}task 'churn.fit.a': an argument of its mapped task group is used inside text, such as an "
                "f-string, but is known only in a Dag run. Join it instead: Join('', ['text', argument])."
            ),
        ),
        (
            lambda _: nested().expand(depth=[1]),
            (
                f"{DAG_D}task 'churn.fit.inner.a' is in the mapped task group 'churn.fit.inner', which is in another, "
                "'churn.fit'. SageMaker does not allow a ForEach step inside a ForEach step. Map once, over the "
                "combinations."
            ),
        ),
        (
            lambda _: in_fit(
                lambda _: SageMakerCallbackStepOperator.partial(task_id="a", sqs_queue_url="https://q").expand(
                    inputs=[{"a": 1}]
                )
            ).expand(depth=[1]),
            (
                f"{DAG_D}mapped task 'churn.fit.a': it is in the mapped task group 'churn.fit', and SageMaker does not "
                "allow a ForEach step inside a ForEach step. Map once, over the combinations."
            ),
        ),
        (
            lambda _: in_fit(
                lambda depth: SageMakerTrainingStepOperator(task_id="a", hyperparameters=depth, **JOB)
            ).expand(depth=[{"a": 1}]),
            (
                f"{DAG_D}task 'churn.fit.a': it reads an object of the item {{'a': 1}}, but SageMaker inserts only one "
                "text, number or boolean. Write lists and objects out, with CURRENT_ITEM['...'] inside."
            ),
        ),
        (
            lambda late: in_fit(
                lambda depth: SageMakerTrainingStepOperator(task_id="a", hyperparameters=depth, **JOB)
            ).expand(depth=late),
            (
                f"{DAG_D}task 'churn.fit.a': hyperparameters=... is an argument of the mapped task group, but "
                "SageMaker must know its keys. Write it out with what differs inside, as in hyperparameters={'key': "
                "CURRENT_ITEM['key']}, where the items are dicts."
            ),
        ),
        (
            lambda _: in_fit(chosen_twice).expand(depth=[1]),
            (
                f"{DAG_D}task 'churn.fit.b': it selects MaxBy IterationOutput.fit-a.OutputParameters['o'] already, and a ForEach "
                "step selects once. Use one best(...), or map a second step."
            ),
        ),
        (
            lambda _: called("a").best(max_by="x"),
            (
                f"{DAG_D}task 'churn.a': best is for steps that run once for each item. This one runs once: use its "
                "references directly."
            ),
        ),
        (
            lambda _: in_fit(lambda _: SageMakerFailStepOperator(task_id="a", error_message="no")).expand(depth=[1]),
            (
                f"{GROUP}task 'churn.fit.a' is a Fail step and is in the mapped task group 'churn.fit'. SageMaker "
                "allows no Condition, Fail or ForEach step inside a ForEach step. Move it before or after that group."
            ),
        ),
        (
            lambda _: in_fit(lambda _: fetched()).expand(depth=[1]),
            (
                f"{GROUP}task 'churn.fit.fetched' (_PythonDecoratedOperator) is not a step, but is in the mapped task "
                "group 'churn.fit', which SageMaker runs as one ForEach step. Move it before or after that group."
            ),
        ),
        (
            lambda _: in_fit(lambda depth: called("a", inputs={"d": depth, "i": "{{ ti.map_index }}"})).expand(
                depth=[1]
            ),
            (
                f"{GROUP}task 'churn.fit.a' has '{{{{ ti.map_index }}}}'. Jinja is rendered once, before the pipeline starts, and "
                "map_index does not exist then. For what differs between items use CURRENT_ITEM, or an argument of the "
                "mapped task group."
            ),
        ),
        (
            lambda _: in_fit(lambda _: called("a") >> called("b", trigger_rule="all_done")).expand(depth=[1]),
            (
                f"{GROUP}task 'churn.fit.b' has trigger_rule='all_done' and follows another task of the mapped task "
                "group 'churn.fit'. A ForEach step fails with the first step in it that fails. Leave it "
                "trigger_rule='all_success', and handle failures in a step after the whole group."
            ),
        ),
        (
            lambda _: in_fit(two_rules).expand(depth=[1]),
            (
                f"{GROUP}tasks 'churn.fit.a' and 'churn.fit.b' are the first of the mapped task group 'churn.fit' and have "
                "trigger_rule='all_success' and 'none_failed'. The group is one ForEach step, which starts once: give them the "
                "same."
            ),
        ),
        (
            lambda _: in_fit(lambda _: called("a", step_name="n" * 61)).expand(depth=[1]),
            (
                f"{GROUP}task 'churn.fit.a': its step '{'n' * 61}' runs once for each item, and SageMaker adds a "
                "number to the name for each run. Set a step_name of at most 60 characters."
            ),
        ),
        (
            lambda _: in_fit(lambda _: called("a", max_active_tis_per_dagrun=51)).expand(depth=[1]),
            (
                f"{GROUP}{FIT}the lowest max_active_tis_per_dagrun of its tasks, 51, becomes the MaxConcurrency of a ForEach step, "
                "which is 1 to 50. Set another."
            ),
        ),
        (
            lambda _: in_fit(lambda _: called("a", inputs={"d": CURRENT_ITEM["x"]})).expand(depth=[{"x": None}]),
            (
                f"{DAG_D}task 'churn.fit.a': it reads None of the item {{'x': None}}, but SageMaker inserts only one "
                "text, number or boolean. Write lists and objects out, with CURRENT_ITEM['...'] inside."
            ),
        ),
        (
            lambda _: in_fit(lambda _: called("a")).expand(depth=[1, [2]]),
            f"{GROUP}{FIT}item 1 is a list of 1. Items are text, numbers, True and False, or all of them dicts that are JSON.",
        ),
        (
            lambda _: in_fit(lambda _: called("a", inputs={"d": CURRENT_ITEM["x"]})).expand(depth=[{"y": 1}]),
            f"{DAG_D}task 'churn.fit.a': the item {{'y': 1}} has no field 'x', which the step reads.",
        ),
        (
            lambda _: in_fit(lambda _: called("a", inputs={"d": CURRENT_ITEM["x"]})).expand(depth=[{"x": "{{ ds }}"}]),
            (
                f"{GROUP}{FIT}its items have several fields, and 'x' is '{{{{ ds }}}}', known only when the pipeline runs. An item "
                "is then one value: expand over that alone."
            ),
        ),
        (
            lambda _: (
                in_fit(lambda _: called("a")).expand(depth=[1]),
                called("b", inputs={"x": PropertyReference("Steps.fit-a.OutputParameters")["o"]}),
            ),
            (
                f"{GROUP}task 'churn.b' refers to step 'fit-a', which runs once for each item of the mapped task group "
                "'churn.fit'. Refer to one of its runs: a.best(max_by=...) or a.iterations[0]."
            ),
        ),
    ],
)
def test_what_sagemaker_cannot_map_is_refused(dag, group, build, message):
    """While the Dag is parsed, with the group or the task and what to do."""
    late = fetched()

    def parse():
        with group():
            build(late)

    with pytest.raises(TranslationError) as caught:
        parse()
    assert str(caught.value) == message


def test_an_item_is_no_reference(dag):
    """Airflow 3.0 would expand a group over one, newer versions iterate over it before anybody is asked."""
    items = GroupItems("it", "depth", ({"depth": PropertyReference("Steps.a.Status")},))
    with pytest.raises(TranslationError) as caught:
        items.in_document(lambda _: False)
    assert str(caught.value) == (
        "it: item 0 is a reference, and newer versions of Airflow do not expand a task group over one. Read it in the "
        "steps of the group, or map a single step."
    )


def test_a_condition_leads_to_the_whole_group(dag, group):
    """The pipeline starts it as a whole."""

    def parse():
        with group():
            in_fit(lambda _: (called("a"), called("b"))).expand(depth=[1])
            SageMakerConditionStepOperator(
                task_id="c",
                conditions=[PropertyReference("Execution.PipelineName").equals("x")],
                if_steps=[dag.get_task("churn.fit.a")],
            )

    with pytest.raises(TranslationError) as caught:
        parse()
    assert str(caught.value) == (
        f"{GROUP}Condition task 'churn.c' leads to 'churn.fit.a', a part of the mapped task group 'churn.fit', which is one "
        "step in SageMaker. Give the whole group: if_steps=[group]."
    )


def test_an_edge_to_a_part_of_a_group_is_drawn_inside_the_block(dag, group):
    """Later it would hold back a task and not its step."""
    with group() as made:
        before = called("before")
        in_fit(lambda _: (called("a"), called("b"))).expand(depth=[1])
    before >> dag.get_task("churn.fit.a")
    with pytest.raises(TranslationError) as caught:
        made.check_complete()
    assert str(caught.value) == (
        f"{GROUP}an edge to or from a part of a mapped task group was drawn after the 'with' block ended: 'churn.fit.b' "
        "would have to follow 'churn.before', too. Draw it inside the block."
    )


def test_a_group_of_the_dag_is_none_of_the_pipelines(dag, group):
    """Mapped groups beside a pipeline stay Airflow's."""
    made = task_group(group_id="beside")(shown).expand(x=[1])
    assert made.operator.task_group.__class__ is MappedTaskGroup
    with group() as pipeline:
        called("a")
    assert [step["Name"] for step in steps(pipeline)] == ["a"]
