"""``partial(...).expand(...)`` of a decorated function: the ForEach step it becomes, its references, and its refusals."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import DAG, task, task_group

from airflow_sm_pipelines import CURRENT_ITEM, sagemaker_processing, sagemaker_training
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps import functions as operators
from airflow_sm_pipelines.operators.steps.functions import SageMakerProcessingFunctionOperator
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg
from tests.versions import DagSerialization

JOB = {"image_uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1", "instance_type": "ml.m5.large"}


@sagemaker_processing(**JOB, outputs=["train"])
def prepare(raw: Path, train: Path, fraction: float = 0.2, seed: int = 7, name: str = "x") -> dict[str, float]:
    """Split the rows."""
    (train / "rows").write_text(f"{raw} {fraction} {seed} {name}")
    return {"rows": 1}


@sagemaker_training(**JOB)
def fit(train: Path, model_dir: Path, depth: int = 5) -> None:
    (model_dir / "model").write_text(f"{train} {depth}")


@sagemaker_processing(**JOB)
def show(item: str) -> None:
    print(item)


@task
def fetched():
    return [1, 2]


def for_each(group, name):
    [step] = [each for each in json.loads(group.compile().text)["Steps"] if each["Name"] == f"{name}-for-each"]
    return step["Arguments"]


def command_line(group, name):
    return for_each(group, name)["ForEachBody"][0]["Arguments"]["AppSpecification"]["ContainerArguments"]


@pytest.mark.parametrize(
    ("expand", "items", "arguments"),
    [
        (
            lambda: prepare.partial(raw="s3://lake/raw", seed=1).expand(fraction=[0.1, 0.2]),
            ["0.1", "0.2"],
            ["--fraction", {"Get": "ForEach.CurrentItem"}, "--seed", "1"],
        ),
        (
            lambda: prepare.partial(raw="s3://lake/raw").expand(name=["a", "b"]),
            ["a", "b"],
            ["--name", {"Get": "ForEach.CurrentItem"}],
        ),
        (
            lambda: prepare.partial(raw="s3://lake/raw").expand(fraction=[0.1, 0.2], seed=[1, 2]),
            [
                '{"fraction": "0.1", "seed": "1"}',
                '{"fraction": "0.1", "seed": "2"}',
                '{"fraction": "0.2", "seed": "1"}',
                '{"fraction": "0.2", "seed": "2"}',
            ],
            [
                "--fraction",
                {"Get": "ForEach.CurrentItem.fraction"},
                "--seed",
                {"Get": "ForEach.CurrentItem.seed"},
            ],
        ),
        (
            lambda: prepare.partial(raw="s3://lake/raw").expand_kwargs([{"fraction": 0.1}, {"fraction": 0.3}]),
            ["0.1", "0.3"],
            ["--fraction", {"Get": "ForEach.CurrentItem"}],
        ),
        (
            lambda: prepare.partial(raw="s3://lake/raw", fraction=CURRENT_ITEM["f"]).expand(
                item=[{"f": 0.1}, {"f": 0.3}]
            ),
            ["0.1", "0.3"],
            ["--fraction", {"Get": "ForEach.CurrentItem"}],
        ),
        (lambda: show.expand(item=["a", "b"]), ["a", "b"], ["--item", {"Get": "ForEach.CurrentItem"}]),
    ],
)
def test_a_mapped_function_is_a_for_each_step(dag, group, expand, items, arguments):
    """What is expanded differs from item to item; what partial has is the same; a parameter may be called "item"."""
    with group() as made:
        mapped = expand()
    name = mapped.task_id.removeprefix("churn.")
    assert for_each(made, name)["IterableItems"] == items
    assert command_line(made, name) == arguments


def test_a_directory_may_be_what_differs(dag, group):
    """Runs of one mapped function are read by those of another."""
    with group() as made:
        prepared = prepare.partial(raw="s3://lake/raw").expand(seed=[1, 2])
        fit.partial(depth=3).expand(train=[each.outputs["train"] for each in prepared.iterations])
    output = "prepare.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"
    assert for_each(made, "fit")["IterableItems"] == [
        {"Get": f"Steps.prepare-for-each.IterationOutputs[{index}].{output}"} for index in (0, 1)
    ]
    [channel] = for_each(made, "fit")["ForEachBody"][0]["Arguments"]["InputDataConfig"]
    uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri == {"Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem"}]}}


@pytest.mark.parametrize(
    ("expand", "item"),
    [
        (lambda late: fit.partial(train="s3://lake/x").expand(depth=late), {"Get": "ForEach.CurrentItem"}),
        (
            lambda late: fit.partial(train="s3://lake/x", depth=CURRENT_ITEM["depth"]).expand(item=late),
            {"Get": "ForEach.CurrentItem.depth"},
        ),
    ],
)
def test_a_parameter_is_expanded_over_what_a_task_returns(dag, group, expand, item):
    """Or over a field of its items."""
    late = fetched()
    with group() as made:
        expand(late)
    assert made.compile().values == {"fit-for-each-iterable-items": ItemsXComArg(late)}
    body = for_each(made, "fit")["ForEachBody"][0]["Arguments"]
    assert body["HyperParameters"]["depth"] == {"Std:Join": {"On": "", "Values": ['"', item, '"']}}
    assert sorted(dag.get_task("churn.fit").upstream_task_ids) == ["churn.launch", "fetched"]


def test_references_of_the_runs(dag, group):
    """The best run, and each, offer what the step does; what a run returns is read by its URI."""
    with group() as made:
        mapped = fit.override(task_id="fits", retries=3).partial(train="s3://lake/x").expand(depth=[3, 5])
        prepared = prepare.partial(raw="s3://lake/raw").expand(seed=[1, 2])
        show.override(task_id="behind")(item=mapped.best(max_by="accuracy").model_artifacts)
        read = prepared.iterations[1].property_files["returned"].to_document()["Std:Join"]["Values"]
    assert (mapped.task_id, mapped.retries, prepared.doc_md) == ("churn.fits", 3, "Split the rows.")
    assert for_each(made, "fits")["Selector"] == {
        "Pick": "MaxBy",
        "Field": {"Get": "IterationOutput.fits.FinalMetricDataList['accuracy'].Value"},
    }
    assert read == [
        {
            "Get": "Steps.prepare-for-each.IterationOutputs[1].prepare.ProcessingOutputConfig.Outputs['returned'].S3Output.S3Uri"
        },
        "returned.json",
    ]


def test_calls_and_mapped_calls_are_tasks_of_their_own(dag, group):
    """Their ids are numbered as those of Airflow's decorators."""
    with group():
        made = [
            fit("s3://lake/x"),
            fit.partial(train="s3://lake/x").expand(depth=[1, 2]),
            fit.expand(train=["s3://lake/x", "s3://lake/y"]),
        ]
    assert [each.task_id for each in made] == ["churn.fit", "churn.fit__1", "churn.fit__2"]


def test_a_mapped_function_is_stored_with_its_items_only(group):
    """As any mapped step; an instance shows the arguments that are its own."""
    with DAG("d", schedule=None) as dag, group():
        prepare.partial(raw="s3://lake/raw").expand(fraction=[0.1, 0.2], seed=[1])
        fit.partial(train="s3://lake/x").expand(depth=[3, 5])
    stored = [each["__var"] for each in DagSerialization.to_dict(dag)["dag"]["tasks"]]
    assert {each["task_id"]: each["expand_input"]["value"]["__var"] for each in stored if each.get("_is_mapped")} == {
        "churn.prepare": {"item": ["fraction=0.1, seed=1", "fraction=0.2, seed=1"]},
        "churn.fit": {"item": ["3", "5"]},
    }
    [mapped] = [each for each in stored if each["task_id"] == "churn.prepare"]
    assert not {"function", "op_kwargs", "outputs", "image_uri"} & set(mapped["partial_kwargs"])
    again = [each["__var"] for each in DagSerialization.to_dict(copy.deepcopy(dag))["dag"]["tasks"]]
    assert again == stored


def test_the_worker_makes_the_step_of_an_item(dag, group):
    """With the item's arguments; it follows the run of that number."""
    with group():
        mapped = prepare.partial(raw="s3://lake/raw").expand(fraction=[0.1, 0.2], seed=[1, 2])
    instance = SimpleNamespace(map_index=2, task=mapped, xcom_pull=lambda **_: "arn")
    context = {"ti": instance, "task": mapped, "dag": dag, "dag_run": SimpleNamespace(conf={}), "params": {}}
    mapped.render_template_fields(context)
    operator = context["task"]
    assert type(operator) is SageMakerProcessingFunctionOperator
    assert operator.job_arguments == ["--fraction", "0.2", "--seed", "1"]
    assert (operator.item_label, operator.awaited.target.name) == ("fraction=0.2, seed=1", "prepare-2")


def test_code_is_read_once_for_all_items(dag, group, tmp_path, monkeypatch):
    """Not once for each, of which there may be 100."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("x = 1\n")
    read = []
    monkeypatch.setattr(operators, "read_files", lambda directory: read.append(directory) or (("helper.py", b""),))
    with group() as made:
        mapped = fit.override(code_dir="lib").partial(train="s3://lake/x").expand(depth=[*range(100)])
    assert read == [tmp_path / "lib"]
    assert len(mapped.to_step_node().uploads) == len(made.compile().uploads) == 1


LATE_NAMES = (
    "it gets values known only in a Dag run, but SageMaker must know which arguments differ. Name them, as in "
    "partial(fraction=CURRENT_ITEM['fraction']), and use expand(item=...)."
)
BY_HAND = "Map over fewer, or define one step for each item, in a Python loop."


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda _: prepare.partial(raw="s3://lake/raw", frction=0.1),
            (
                "function 'prepare', partial(...): prepare() has no parameter 'frction'. Did you mean 'fraction'? It has "
                "'raw', 'train', 'fraction', 'seed', 'name'."
            ),
        ),
        (
            lambda _: prepare.partial(raw="s3://lake/raw").expand(instance_type=["ml.m5.large"]),
            (
                "function 'prepare', expand(...): prepare() has no parameter 'instance_type'. It has 'raw', 'train', "
                "'fraction', 'seed', 'name'."
            ),
        ),
        (
            lambda _: prepare.partial(raw="s3://lake/raw").expand(),
            (
                "function 'prepare', expand(...): it is given nothing. Give a parameter a list: "
                "expand(fraction=[0.1, 0.2])."
            ),
        ),
        (
            lambda _: prepare.partial(seed=1).expand(seed=[1, 2]),
            "function 'prepare', expand(...): 'seed' is given in partial(...) as well. Give it once.",
        ),
        (
            lambda _: prepare.expand(name="ab"),
            (
                "function 'prepare', expand(...): name='ab' is not a list. Give a list of values, what a task "
                "outside the group returns, or pipeline.items('Name'): the list that the pipeline parameter 'Name' holds."
            ),
        ),
        (
            lambda late: prepare.expand(seed=late, fraction=[0.1]),
            (
                "function 'prepare', expand(...): it means every combination, but SageMaker cannot combine lists that "
                "are known only in a Dag run. Let the task return the combinations as dicts, and use expand(item=...) "
                "with partial(seed=CURRENT_ITEM['seed'], ...)."
            ),
        ),
        (
            lambda _: prepare.partial(seed=CURRENT_ITEM).expand(fraction=[0.1]),
            (
                "function 'prepare', expand(...): partial(...) uses CURRENT_ITEM, but expand(...) has no item. Use "
                "expand(item=[...])."
            ),
        ),
        (prepare.expand_kwargs, f"function 'prepare', expand_kwargs(...): {LATE_NAMES}"),
        (lambda late: prepare.expand_kwargs([late]), f"function 'prepare', expand_kwargs(...): {LATE_NAMES}"),
        (
            lambda _: prepare.expand_kwargs({"seed": [1]}),
            (
                "function 'prepare', expand_kwargs(...): {'seed': [1]} is not a list of dicts. Give the arguments of each item "
                "as a dict."
            ),
        ),
        (
            lambda _: prepare.expand_kwargs([{"seed": 1}, {"seed": 1, "fraction": 0.1}]),
            (
                "function 'prepare', expand_kwargs(...): its items give different parameters, (seed) and (seed, fraction), "
                "and a ForEach step gives all of them the same. Give each item the same parameters, or call the function "
                "in a Python loop."
            ),
        ),
        (
            lambda _: fit.partial(train="s3://lake/x").expand(depth=[*range(101)]),
            (
                "Dag 'd', mapped task 'churn.fit': it is mapped over 101 items, and a ForEach "
                f"step takes 1 to 100. {BY_HAND}"
            ),
        ),
        (
            lambda _: fit.partial(train="s3://lake/x").expand(depth=[3, "deep"]),
            (
                "Dag 'd', task 'churn.fit': fit() takes 'depth' as int, and is given 'deep'. "
                "Give a value of that type, Jinja, or a reference."
            ),
        ),
        (
            lambda _: fit.partial(train="s3://lake/x").expand(depth=[3, None]),
            (
                "Dag 'd', task 'churn.fit': fit() is given None for 'depth', which is int. Leave it out for its default, or "
                "annotate it with '| None'."
            ),
        ),
        (
            lambda _: fit.expand(depth=[3, 5]),
            (
                "Dag 'd', task 'churn.fit': fit() needs 'train'. Give train='s3://...' or a reference. A directory that a "
                "processing function writes into is named in its decorator instead: outputs=['train']."
            ),
        ),
        (
            lambda _: prepare.partial(raw="s3://lake/raw").expand(seed=[1, 2])["rows"],
            f"Dag 'd', mapped task 'churn.prepare': {operators._NOT_OF_A_RUN}",
        ),
        (
            lambda _: prepare.partial(raw="s3://lake/raw").expand(seed=[1, 2]).iterations[0]["rows"],
            f"Dag 'd', task 'churn.prepare': {operators._NOT_OF_A_RUN}",
        ),
    ],
)
def test_what_cannot_be_mapped_is_refused(dag, group, build, message):
    """Where it is written, with the function and what to do instead."""
    late = fetched()
    with pytest.raises(TranslationError) as caught, group():
        build(late)
    assert str(caught.value) == message


def test_a_task_behind_gets_what_all_runs_returned(dag, group):
    """The list, in the order of map indexes."""
    with group():
        mapped = prepare.partial(raw="s3://lake/raw").expand(seed=[1, 2])

    @task
    def tell(rows):
        print(rows)

    told = tell(mapped)
    assert sorted(told.operator.upstream_task_ids) == ["churn.prepare"]
    assert list(mapped.iter_references()) == [(mapped, "property_files")]


@sagemaker_training(**JOB)
def tune(name: str = "", table: dict | None = None) -> None:
    print(name, table)


@sagemaker_processing(**JOB)
def look(name: str = "", table: dict | None = None) -> None:
    print(name, table)


@pytest.mark.parametrize(
    ("call", "items", "message"),
    [
        (lambda item: fit(train="s3://lake/x", depth=item), [3, "7"], "fit() takes 'depth' as int, and is given '7'."),
        (lambda item: fit(train=item), ["s3://lake/x", "x"], "fit() reads 'train' as a directory, and is given 'x'."),
        (lambda item: look(table=item), ["x"], "look() takes 'table' as a list or a dict, and is given 'x'."),
        (
            lambda item: look(table={"a": item}),
            ["x", 'y"'],
            "the item 'y\"' has characters that JSON escapes, and SageMaker puts an item into text as it is.",
        ),
        (
            lambda item: tune(name=item),
            ["x", "y\n"],
            "the item 'y\\n' has characters that JSON escapes, and SageMaker puts an item into text as it is.",
        ),
    ],
)
def test_items_of_a_mapped_group_fit_the_parameters_of_functions(dag, group, call, items, message):
    """Where the Dag file has the items, each of them is held against the parameter, as in a mapped function."""

    @task_group
    def fits(item):
        call(item)

    with pytest.raises(TranslationError) as caught, group():
        fits.expand(item=items)
    assert message in str(caught.value)


def test_text_that_is_json_is_a_dict_by_itself(dag, group):
    """A reference to text, and items that only the run has, stand without quotes where a function takes a list or a dict."""
    late = fetched()
    item = {"Std:Join": {"On": "", "Values": [{"Get": "ForEach.CurrentItem"}]}}
    with group(parameters={"Table": '{"a": 1}'}) as made:
        tune(table=made.parameters["Table"])
        look(table=made.parameters["Table"])
        tune.override(task_id="tunes").expand(table=late)
        look.override(task_id="looks").expand(table=late)

    steps = {each["Name"]: each["Arguments"] for each in json.loads(made.compile().text)["Steps"]}
    [tunes], [looks] = (steps[f"{name}-for-each"]["ForEachBody"] for name in ("tunes", "looks"))
    assert steps["tune"]["HyperParameters"]["table"] == {"Get": "Parameters.Table"}
    assert steps["look"]["AppSpecification"]["ContainerArguments"] == ["--table", {"Get": "Parameters.Table"}]
    assert tunes["Arguments"]["HyperParameters"]["table"] == item
    assert looks["Arguments"]["AppSpecification"]["ContainerArguments"] == ["--table", item]
