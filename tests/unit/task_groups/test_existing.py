from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.sdk import Param, task
from airflow.sdk.definitions.param import DagParam

from airflow_sm_pipelines import ParameterFloat, ParameterInteger, SageMakerPipelineTaskGroup
from airflow_sm_pipelines.compatibility.mapped import expansion_of
from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg
from tests.valid_arguments import TRAINING

GOLDEN = Path(__file__).parents[2] / "golden"
ROLE = "arn:aws:iam::123456789012:role/sagemaker"
PREFIX = "Dag 'd', task group 'churn'"
IS_X = [{"Type": "Equals", "LeftValue": {"Get": "Execution.PipelineName"}, "RightValue": "x"}]


def existing(definition, **settings):
    return SageMakerPipelineTaskGroup.from_definition("churn", definition=definition, role_arn=ROLE, **settings)


def document(*steps, parameters=()):
    return {"Version": "2020-12-01", "Parameters": list(parameters), "Steps": list(steps)}


def step(name, *depends_on, type_="Mystery", **more):
    return {"Name": name, "Type": type_, "Arguments": {}, "DependsOn": list(depends_on), **more}


def condition(name, if_steps=(), else_steps=(), *depends_on):
    return {
        **step(name, *depends_on, type_="Condition"),
        "Arguments": {"Conditions": IS_X, "IfSteps": list(if_steps), "ElseSteps": list(else_steps)},
    }


def on(name, trigger):
    return {"Step": name, "Trigger": trigger}


def graph(dag):
    """By step: the trigger rule and the direct upstream, with the labels of its edges."""
    found = {}
    for each in dag.tasks:
        upstream = []
        for task_id in sorted(each.upstream_task_ids):
            label = dag.get_edge_info(task_id, each.task_id).get("label")
            upstream.append(task_id.removeprefix("churn.") + (f" ({label})" if label else ""))
        found[each.task_id.removeprefix("churn.")] = (each.trigger_rule.value, upstream)
    return found


def test_a_definition_beside_the_dag_becomes_its_tasks(dag, tmp_path):
    """Each step is a task of the same name, with the edges, branches and labels of the document."""
    (tmp_path / "churn.json").write_text((GOLDEN / "churn.json").read_text())
    pipeline = existing(
        "churn.json",
        parameters={
            "InputData": "s3://lake/{{ ds }}/",
            "train-instance-count": 2,
            "train-day": "{{ ds }}",
        },
    )
    assert graph(dag) == {
        "prepare": ("all_success", ["launch"]),
        "train": ("all_success", ["prepare"]),
        "evaluate": ("all_success", ["prepare", "train"]),
        "good_enough": ("all_success", ["evaluate"]),
        "register": ("all_success", ["good_enough (if)", "train"]),
        "reject": ("all_success", ["good_enough (else)"]),
        "launch": ("all_success", []),
    }
    compiled = pipeline.compile()
    assert compiled.text == (GOLDEN / "churn.json").read_text()
    assert pipeline.launch.parameters == compiled.values
    assert compiled.values == {
        "InputData": "s3://lake/{{ ds }}/",
        "train-instance-count": 2,
        "train-day": "{{ ds }}",
    }
    assert compiled.uploads == ()
    skipped = {"True": ["churn.reject"], "False": ["churn.register"]}
    assert [dag.get_task(f"churn.{name}").awaited for name in ("good_enough", "register", "evaluate")] == [
        Awaited(StepTarget("good_enough"), skipped_task_ids=skipped, returns_arn=False),
        Awaited(StepTarget("register", (BranchOwner("good_enough", True),)), returns_arn=False),
        Awaited(StepTarget("evaluate"), (PropertyFile("metrics", "evaluation", "metrics.json"),), returns_arn=False),
    ]


def test_everything_the_sdk_writes_becomes_tasks(dag):
    """The SDK's own document, with steps of every type, has a task for each step, named as the step."""
    text = (GOLDEN / "sdk_3_27.json").read_text()
    pipeline = existing(text)
    names = [located.step.name for located in pipeline.compile().definition.walk()]
    assert sorted(dag.task_ids) == sorted(f"churn.{name}" for name in [*names, "launch"])


def test_text_is_passed_on_untouched(dag):
    """Not a blank of given text is changed; a dict is passed on as it is."""
    steps = document(step("a", Unknown={"Key": [1.0, None]}, DisplayName="{{ left as it is }}"))
    text = json.dumps(steps, indent=3) + "\n"
    assert existing(text).compile().text == text
    given = SageMakerPipelineTaskGroup.from_definition("other", definition=steps, role_arn=ROLE)
    assert json.loads(given.compile().text) == steps


def test_an_sdk_pipeline_is_asked_for_its_definition(dag):
    """An object with the method of the SDK's Pipeline is enough."""

    class Pipeline:
        def definition(self):
            return json.dumps(document(step("a")))

    assert existing(Pipeline()).compile().text == json.dumps(document(step("a")))


def test_joins_and_nested_branches(dag):
    """A step after a condition follows the condition and the ends of its branches, whichever was taken."""
    existing(
        document(
            condition(
                "c",
                [step("i1"), step("i2", "i1"), condition("d", [step("x")], [], "i1"), step("y", "d")],
                [],
            ),
            step("after", "c"),
            condition("empty"),
            step("last", "empty", "after"),
        )
    )
    assert graph(dag) == {
        "c": ("all_success", ["launch"]),
        "i1": ("all_success", ["c (if)"]),
        "i2": ("all_success", ["i1"]),
        "d": ("all_success", ["i1"]),
        "x": ("all_success", ["d (if)"]),
        "y": ("none_failed_min_one_success", ["d", "x"]),
        "after": ("none_failed_min_one_success", ["c", "i2", "y"]),
        "empty": ("all_success", ["launch"]),
        "last": ("all_success", ["after", "empty"]),
        "launch": ("all_success", []),
    }


def test_run_conditions_are_trigger_rules(dag):
    """Waiting for a failure, for any end, for several: the rule that starts the task whenever its step may run."""
    existing(
        document(
            step("a"),
            step("b"),
            step("failed", on("a", "Failed")),
            step("stopped", on("a", "Stopped")),
            step("any", on("a", "Any"), on("b", "Any")),
            step("both", on("a", "Failed"), on("b", "Failed")),
            step("mixed", "a", on("b", "Failed")),
            condition("c", [step("i"), step("cleanup", on("i", "Any"))]),
            step("after", "c"),
        )
    )
    assert graph(dag) == {
        "a": ("all_success", ["launch"]),
        "b": ("all_success", ["launch"]),
        "failed": ("one_failed", ["a"]),
        "stopped": ("one_failed", ["a"]),
        "any": ("all_done", ["a", "b"]),
        "both": ("all_failed", ["a", "b"]),
        "mixed": ("all_done", ["a", "b"]),
        "c": ("all_success", ["launch"]),
        "i": ("all_success", ["c (if)"]),
        "cleanup": ("all_done", ["c (if)", "i"]),
        "after": ("all_done", ["c", "cleanup", "i"]),
        "launch": ("all_success", []),
    }


def test_run_conditions_on_steps_outside_a_branch(dag):
    """A step of a branch that waits for failures outside it also follows its condition, and a rule that allows that."""
    existing(
        document(
            step("a"),
            step("b"),
            condition(
                "c",
                [
                    step("one", on("a", "Failed")),
                    step("both", on("a", "Failed"), on("b", "Failed")),
                    condition("d", [], [step("deep", on("a", "Any"))]),
                ],
            ),
        )
    )
    assert {name: graph(dag)[name] for name in ("one", "both", "d", "deep")} == {
        "one": ("one_failed", ["a", "c (if)"]),
        "both": ("all_done", ["a", "b", "c (if)"]),
        "d": ("all_success", ["c (if)"]),
        "deep": ("all_done", ["a", "c (if)", "d (else)"]),
    }
    assert dag.get_task("churn.c").skipped_task_ids == {
        "True": [],
        "False": ["churn.one", "churn.both", "churn.d", "churn.deep"],
    }


def each_of(items, *body):
    fan = step("fan", type_="ForEach")
    fan["Arguments"] = {"IterableItems": items, "MaxConcurrency": 1, "ForEachBody": list(body)}
    return fan


def test_a_for_each_step_is_a_mapped_group_of_its_body(dag):
    """Its first tasks follow what any step of the body waits for, and what waits for it follows the last."""
    first, second = step("first", type_="Training"), step("second", "first", type_="Training")
    first["Arguments"] = {**TRAINING, "y": {"Get": "ForEach.CurrentItem"}}
    second["Arguments"] = {**TRAINING, "x": {"Get": "Steps.a.Out"}}
    other = step("other", type_="Training", Arguments=TRAINING)
    pipeline = existing(document(step("a"), each_of(["1", 2], second, first, other), step("behind", "fan")))
    assert graph(dag) == {
        "a": ("all_success", ["launch"]),
        "fan.second": ("all_success", ["fan.first"]),
        "fan.first": ("all_success", ["a"]),
        "fan.other": ("all_success", ["a"]),
        "behind": ("all_success", ["fan.other", "fan.second"]),
        "launch": ("all_success", []),
    }
    group = pipeline.get_child_by_label("fan")
    assert expansion_of(group) == ("expand", {"item": ["1", "2"]})
    task = group.get_child_by_label("second")
    assert (task.step_name, task.for_each_step_name, task.map_index_template) == (
        "second",
        "fan",
        "{{ task.item_label }}",
    )


def follower(dag, task_id, map_index):
    """The task of an instance, as a worker has it once its fields are rendered."""
    operator = dag.get_task(task_id)
    instance = SimpleNamespace(map_index=map_index, task=operator, xcom_pull=lambda **_: "arn")
    operator.render_template_fields({"ti": instance, "task": operator, "dag": dag, "params": {}})
    return operator


def test_a_task_of_a_body_follows_the_run_of_its_map_index(dag):
    """It is shown as its item; an object of the document's is JSON."""
    parameter = {"Name": "Items", "Type": "String", "DefaultValue": '["a", {"x": 1}]'}
    fan = each_of({"Get": "Parameters.Items"}, step("each", type_="Training", Arguments=TRAINING))
    existing(document(fan, parameters=[parameter]))
    assert graph(dag) == {"fan.each": ("all_success", ["launch"]), "launch": ("all_success", [])}
    operator = follower(dag, "churn.fan.each", 1)
    assert (operator.awaited.target.name, operator.item_label) == ("each-1", '{"x": 1}')


@pytest.mark.parametrize("is_jinja", [True, False])
def test_items_that_only_a_dag_run_has_are_expanded_by_a_task_before_the_launch(dag, is_jinja):
    """One for the parameter, whatever runs over it; a list is given to the pipeline as JSON."""
    dag.params["items"] = Param([1, 2], type="array")
    given = "{{ params.items | tojson }}" if is_jinja else DagParam(dag, "items")
    rendered = given if is_jinja else ItemsXComArg(given)
    fans = [each_of({"Get": "Parameters.Items"}, step(f"each-{n}", type_="Training", Arguments=TRAINING)) for n in "ab"]
    fans[1]["Name"] = "other"
    pipeline = existing(document(*fans, parameters=[{"Name": "Items", "Type": "String"}]), parameters={"Items": given})
    assert graph(dag) == {
        "churn_items_Items": ("all_success", []),
        "fan.each-a": ("all_success", ["launch", "churn_items_Items"]),
        "other.each-b": ("all_success", ["launch", "churn_items_Items"]),
        "launch": ("all_success", ["churn_items_Items"]),
    }
    assert pipeline.compile().values == {"Items": rendered}
    assert dag.get_task("churn_items_Items").items == given


@pytest.mark.parametrize(
    ("items", "body"),
    [
        ({"Get": "Steps.a.Out"}, [step("each", type_="Training", Arguments=TRAINING)]),
        ({"Get": "Parameters.None"}, [step("each", type_="Training", Arguments=TRAINING)]),
        (
            ["1"],
            [
                step("each", type_="Training", Arguments=TRAINING),
                step("other", on("each", "Failed"), type_="Training", Arguments=TRAINING),
            ],
        ),
    ],
)
def test_a_for_each_step_of_whose_runs_airflow_cannot_know_is_one_task(dag, items, body):
    """Its items are a step's, or no list, or one of its steps waits for a failure."""
    parameters = [{"Name": "None", "Type": "String", "DefaultValue": "no list"}]
    existing(document(step("a"), each_of(items, *body), parameters=parameters))
    upstream = ["a"] if items == {"Get": "Steps.a.Out"} else ["launch"]
    assert graph(dag) == {
        "a": ("all_success", ["launch"]),
        "fan": ("all_success", upstream),
        "launch": ("all_success", []),
    }


def test_a_for_each_step_in_a_branch_is_skipped_with_it(dag):
    """All first tasks follow the condition directly."""
    fan = each_of(
        ["1"],
        step("each", type_="Training", Arguments=TRAINING),
        step("other", type_="Training", Arguments=TRAINING),
    )
    existing(document(condition("c", [fan])))
    assert graph(dag) == {
        "c": ("all_success", ["launch"]),
        "fan.each": ("all_success", ["c (if)"]),
        "fan.other": ("all_success", ["c (if)"]),
        "launch": ("all_success", []),
    }
    assert dag.get_task("churn.c").skipped_task_ids == {"True": [], "False": ["churn.fan.each", "churn.fan.other"]}
    assert dag.get_task("churn.fan.each").branches == (BranchOwner("c", True),)


def test_all_runs_of_a_for_each_step_need_not_fail(dag):
    """Where several failures are waited for, a task behind is started when all are over."""
    fan = each_of(["1"], step("each", type_="Training", Arguments=TRAINING))
    existing(document(step("a"), fan, step("rescue", on("a", "Failed"), on("fan", "Failed"))))
    assert graph(dag)["rescue"] == ("all_done", ["a", "fan.each"])


def test_a_step_may_be_named_launch(dag):
    """The launch task makes way: tasks are named as their steps."""
    pipeline = existing(document(step("launch")))
    assert (graph(dag), pipeline.launch.task_id) == (
        {"launch": ("all_success", ["launch_"]), "launch_": ("all_success", [])},
        "churn.launch_",
    )


def test_the_group_is_followed_and_follows(dag):
    """Tasks outside are put before and after the group as with any TaskGroup."""

    @task
    def fetch():
        return "s3://box/x"

    @task
    def report():
        pass

    uri = fetch()
    pipeline = existing(document(step("a"), parameters=[{"Name": "In", "Type": "String"}]), parameters={"In": uri})
    pipeline >> report()
    assert pipeline.launch.upstream_task_ids == {"fetch"}
    assert dag.get_task("report").upstream_task_ids == {"churn.a"}
    assert pipeline.get_child_by_label("a").task_id == "churn.a"


def refused(build, error=TranslationError):
    with pytest.raises(error) as caught:
        build()
    return str(caught.value)


INTEGER = {"Name": "Rounds", "Type": "Integer"}


@pytest.mark.parametrize(
    ("declared", "given", "message"),
    [
        (
            [INTEGER],
            {"Round": 1},
            "the definition declares no pipeline parameter 'Round'. Did you mean 'Rounds'? It declares 'Rounds'.",
        ),
        ([], {"Round": 1}, "the definition declares no pipeline parameter 'Round'. It declares none."),
        (
            [INTEGER],
            {"Rounds": "many"},
            "Pipeline parameter 'Rounds' is declared Integer and was given 'many'; give a whole number, such as '5'.",
        ),
        (
            [INTEGER],
            {"Rounds": ParameterFloat("{{ x }}")},
            (
                "pipeline parameter 'Rounds' is Integer in the definition, and is given "
                "ParameterFloat(value='{{ x }}', default_value=None). Give ParameterInteger(...), or the value alone."
            ),
        ),
        (
            [INTEGER],
            {"Rounds": ParameterInteger("{{ x }}", default_value=5)},
            (
                "pipeline parameter 'Rounds' is given ParameterInteger(value='{{ x }}', default_value=5). Defaults and "
                "allowed values are in the definition, which is not changed. Give the value alone."
            ),
        ),
        (
            [INTEGER],
            {"Rounds": ParameterInteger("many")},
            "Pipeline parameter 'Rounds' is declared Integer and was given 'many'; give a whole number, such as '5'.",
        ),
        ([INTEGER], {}, "the definition has no default for 'Rounds'. Give a value in parameters={...}."),
    ],
)
def test_parameters_are_checked_against_the_definition(dag, declared, given, message):
    """An unknown name, a wrong type and a missing value are errors of the Dag file."""
    definition = document(step("a"), parameters=declared)
    assert refused(lambda: existing(definition, parameters=given)) == f"{PREFIX}: {message}"


def test_a_default_needs_no_value_and_jinja_is_checked_later(dag):
    """What has a default may be left out; what Airflow renders is checked by the launch task."""
    definition = document(step("a"), parameters=[{**INTEGER, "DefaultValue": 3}, {"Name": "P", "Type": "Float"}])
    assert existing(definition, parameters={"P": "{{ x }}"}).compile().values == {"P": "{{ x }}"}


def test_a_value_may_have_its_type_said(dag):
    """ParameterInteger and the like are taken for their values, and XComs in text are followed, as in other groups."""

    @task
    def fetch():
        return 5

    rounds = fetch()
    definition = document(step("a"), parameters=[INTEGER, {"Name": "Uri", "Type": "String"}])
    pipeline = existing(definition, parameters={"Rounds": ParameterInteger(3), "Uri": f"s3://box/{rounds}"})
    assert pipeline.compile().values == {
        "Rounds": 3,
        "Uri": "s3://box/{{ task_instance.xcom_pull(task_ids='fetch', dag_id='d', key='return_value') }}",
    }
    assert pipeline.launch.upstream_task_ids == {"fetch"}


def test_definitions_that_are_none_are_refused(dag, tmp_path):
    """No file, no JSON, no document, an invalid one: each says what is wrong, for the group."""
    assert refused(lambda: existing("missing.json")) == (
        f"{PREFIX}: cannot read the definition 'missing.json' (looked for {tmp_path}/missing.json): [Errno 2] No such "
        f"file or directory: '{tmp_path}/missing.json'. A relative path starts at the Dag file's directory; download a "
        "definition that is in S3 first."
    )


@pytest.mark.parametrize(
    ("definition", "error", "message"),
    [
        (
            5,
            TranslationError,
            (
                ": definition=5 is not a pipeline definition. Give the path of a JSON file, JSON text, a dict, or a "
                "Pipeline object of the SageMaker SDK."
            ),
        ),
        (
            {"Steps": {1}},
            TranslationError,
            ": the definition is not JSON: Object of type set is not JSON serializable.",
        ),
        (
            document(step("a"), step("b", "aa")),
            PipelineDefinitionError,
            (
                ", pipeline 'd-churn': step 'b' depends on 'aa': there is no step 'aa'. Did you mean 'a'? "
                "@ $.Steps[1].DependsOn[0]"
            ),
        ),
    ],
)
def test_bad_definitions_are_refused(dag, definition, error, message):
    """What is no definition, or breaks its rules, is an error of the Dag file."""
    assert refused(lambda: existing(definition), error) == PREFIX + message


def test_what_json_cannot_say_is_refused(dag):
    """A dict with a number that is none is no JSON, though Python would write it."""
    message = refused(lambda: existing(document(step("a", Share=float("nan")))))
    assert message.startswith(f"{PREFIX}: the definition is not JSON: Out of range float values are not JSON compliant")


# --- Local code


SUBMIT = {"sagemaker_program": '"train.py"', "sagemaker_submit_directory": '"s3://old/sourcedir.tar.gz"'}


def trained(directory):
    parameters = {**SUBMIT, "sagemaker_submit_directory": json.dumps(directory)}
    return document(step("train", type_="Training", Arguments={**TRAINING, "HyperParameters": parameters}))


def test_local_code_is_uploaded_and_referred_to(dag, tmp_path):
    """The definition has the code's place under its hash, which the launch task uploads; other code is another."""
    (tmp_path / "train.py").write_text("print(1)")
    pipeline = existing(
        trained("s3://old/sourcedir.tar.gz"),
        artifact_uri="s3://box/p/",
        code={"s3://old/sourcedir.tar.gz": "train.py"},
    )
    compiled = pipeline.compile()
    (upload,) = compiled.uploads
    assert upload.uri.startswith("s3://box/p/code/")
    assert compiled.definition.to_document() == json.loads(compiled.text) == trained(upload.uri)
    assert pipeline.definition_digest == definition_digest(compiled.text)


def test_local_code_needs_a_place(dag, tmp_path):
    """Without artifact_uri nobody knows where the code goes."""
    (tmp_path / "train.py").write_text("print(1)")
    code = {"s3://old/sourcedir.tar.gz": "train.py"}
    for settings, message in (
        ({}, "code={...} is uploaded, but no destination is given. Set artifact_uri."),
        (
            {"artifact_uri": "/p"},
            (
                "artifact_uri='/p' is not an S3 URI; give 's3://bucket/prefix', the same in every run (what differs "
                "from run to run goes into inputs and outputs)."
            ),
        ),
    ):
        with pytest.raises(TranslationError, match=f"^{re.escape(f'{PREFIX}: {message}')}$"):
            existing(trained("s3://old/sourcedir.tar.gz"), code=code, **settings)
        dag.task_group.children.clear()
        dag.task_group.used_group_ids.clear()


def test_code_that_the_definition_does_not_refer_to(dag, tmp_path):
    """A key that stands nowhere is an import error of the Dag."""
    (tmp_path / "train.py").write_text("print(1)")
    message = (
        f"{PREFIX}: code has the key 's3://old/sourcedir.tgz', which the definition does not refer to. Did you mean "
        "'s3://old/sourcedir.tar.gz'? It refers to these S3 URIs: s3://old/sourcedir.tar.gz."
    )
    with pytest.raises(TranslationError, match=f"^{re.escape(message)}$"):
        existing(
            trained("s3://old/sourcedir.tar.gz"), code={"s3://old/sourcedir.tgz": "train.py"}, artifact_uri="s3://box/p"
        )
