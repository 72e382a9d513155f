from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.exceptions import SerializationError
from airflow.providers.common.compat.sdk import TaskDeferred, TriggerRule
from airflow.sdk import DAG, Asset, Label, TaskGroup, task

from airflow_sm_pipelines import (
    ParameterFloat,
    ParameterInteger,
    SageMakerConditionStepOperator,
    SageMakerFailStepOperator,
    SageMakerModelStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerQualityCheckStepOperator,
    SageMakerRegisterModelStepOperator,
    SageMakerStepOperator,
    SageMakerTrainingStepOperator,
    SageMakerTuningStepOperator,
)
from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.execution.time_limit import AIRFLOW_LATER
from tests.scripted_service import EXECUTION_ARN, connection_json
from tests.valid_arguments import TRAINING
from tests.versions import DagSerialization, in_triggerer

GOLDEN = Path(__file__).parents[2] / "golden" / "churn.json"


def step(task_id, arguments=(), **keywords):
    arguments = {**TRAINING, **dict(arguments)}
    return SageMakerStepOperator(task_id=task_id, step_type="Training", arguments=arguments, **keywords)


def churn(group):
    """The author's example of the README."""
    with group(
        parameters={
            "InputData": "s3://lake/churn/{{ ds }}/",
            "MinAccuracy": ParameterFloat("{{ params.min_accuracy }}", default_value=0.9),
            "Rounds": 10,
        },
        waiter_delay=5,
    ) as pipeline:
        prepare = SageMakerProcessingStepOperator(
            task_id="prepare",
            image_uri="image",
            instance_type="ml.m5.xlarge",
            code="prepare.py",
            inputs={"raw": pipeline.parameters["InputData"]},
            outputs=["train", "test"],
            cache="P30D",
        )
        train = SageMakerTrainingStepOperator(
            task_id="train",
            image_uri="image",
            instance_type="ml.m5.xlarge",
            instance_count="{{ params.instances }}",
            code="train.py",
            inputs={"train": prepare.outputs["train"]},
            hyperparameters={"max_depth": 5, "rounds": pipeline.parameters["Rounds"], "day": "{{ ds }}"},
        )
        evaluate = SageMakerProcessingStepOperator(
            task_id="evaluate",
            image_uri="image",
            instance_type="ml.m5.xlarge",
            code="evaluate.py",
            inputs={"model": train.model_artifacts, "test": prepare.outputs["test"]},
            outputs=["evaluation"],
            property_files={"metrics": "evaluation/metrics.json"},
        )
        register = SageMakerRegisterModelStepOperator(
            task_id="register", model_package_group_name="churn", image_uri="image", model_data=train.model_artifacts
        )
        reject = SageMakerFailStepOperator(task_id="reject", error_message="not accurate enough")
        SageMakerConditionStepOperator(
            task_id="good_enough",
            if_steps=[register],
            else_steps=[reject],
            conditions=[evaluate.metric("metrics", "accuracy.value") >= pipeline.parameters["MinAccuracy"]],
        )
    return pipeline


def edges(dag):
    return {task_id: sorted(dag.get_task(task_id).upstream_task_ids) for task_id in sorted(dag.task_ids)}


def test_the_example_compiles_to_the_golden_document(dag, group):
    """The README's example is, byte for byte, the document a person has checked."""
    compiled = churn(group).compile()
    assert json.dumps(compiled.definition.to_document(), indent=1) + "\n" == GOLDEN.read_text()
    assert compiled.values == {
        "InputData": "s3://lake/churn/{{ ds }}/",
        "MinAccuracy": "{{ params.min_accuracy }}",
        "Rounds": 10,
        "train-instance-count": "{{ params.instances }}",
        "train-day": "{{ ds }}",
    }
    assert [upload.uri.rsplit("/", 1)[1] for upload in compiled.uploads] == [
        "prepare.py",
        "sourcedir.tar.gz",
        "evaluate.py",
    ]


def test_references_and_branches_are_edges(dag, group):
    """Reading a step is following it; the launch task comes before the first steps."""
    churn(group)
    assert edges(dag) == {
        "churn.evaluate": ["churn.prepare", "churn.train"],
        "churn.good_enough": ["churn.evaluate"],
        "churn.launch": [],
        "churn.prepare": ["churn.launch"],
        "churn.register": ["churn.good_enough", "churn.train"],
        "churn.reject": ["churn.good_enough"],
        "churn.train": ["churn.prepare"],
    }


@in_triggerer
def test_steps_start_from_their_trigger(dag, group):
    """What Airflow stores for a step task is all its trigger needs, the branches to follow included."""
    pipeline = churn(group)
    after = step_outside_pipeline("after")
    dag.get_task("churn.good_enough").set_downstream(after)
    stored = {each["__var"]["task_id"]: each["__var"] for each in DagSerialization.to_dict(dag)["dag"]["tasks"]}
    assert [name for name, each in stored.items() if each.get("start_from_trigger")] == [
        "churn.prepare",
        "churn.train",
        "churn.evaluate",
        "churn.register",
        "churn.reject",
        "churn.good_enough",
    ]
    assert dag.get_task("churn.good_enough").start_trigger_args.trigger_kwargs == {
        "awaited": {
            "step_name": "good_enough",
            "skipped_task_ids": {"True": ["churn.reject"], "False": ["churn.register"]},
            "returns_arn": False,
        },
        "wait": {"waiter_delay": 5},
        "ends_here": ["success", "skipped"],
        "deferred_by_worker": False,
        "launch_task_id": "churn.launch",
        "definition_digest": definition_digest(pipeline.compile().text),
    }
    assert pipeline.launch.task_id == "churn.launch"


def step_outside_pipeline(name):
    @task(task_id=name)
    def nothing():
        pass

    return nothing().operator


@in_triggerer
@pytest.mark.parametrize(
    ("keywords", "end_tasks", "ends"),
    [
        ({}, "auto", ["success", "skipped"]),
        ({"outlets": [Asset("model")]}, "auto", ["skipped"]),
        ({"on_success_callback": print}, "auto", ["skipped"]),
        ({"on_success_callback": [print]}, "triggerer", ["success", "failed", "skipped"]),
        ({"on_skipped_callback": print}, "auto", ["success"]),
        ({"on_failure_callback": print, "on_retry_callback": print}, "auto", ["success", "skipped"]),
        ({"on_execute_callback": print}, "auto", []),
        ({"post_execute": print}, "auto", []),
        ({"outlets": [Asset("model")]}, "triggerer", ["failed", "skipped"]),
        ({}, "worker", []),
    ],
)
def test_in_which_states_the_triggerer_ends_a_step(dag, group, keywords, end_tasks, ends):
    """Those in which nothing waits for its end; failures are a worker's. Every step starts in the triggerer."""
    with group(end_tasks=end_tasks):
        made = step("a", **keywords)
    assert made.start_from_trigger
    assert made.start_trigger_args.trigger_kwargs.get("ends_here", []) == ends


def test_callbacks_of_default_args_count(dag, group):
    """A callback that all tasks of the group have is one of each step."""
    with group(default_args={"on_success_callback": print}):
        made = step("a")
    assert made.start_trigger_args.trigger_kwargs["ends_here"] == ["skipped"]


def test_airflow_ends_a_step_deferred_by_a_worker_later_than_its_trigger_does(dag, group, monkeypatch):
    """The trigger gives up at the execution_timeout and says what it saw last, which Airflow cannot."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json("http://localhost:1"))
    with group():
        limited = step("a", outlets=[Asset("model")], execution_timeout=timedelta(hours=1))
        unlimited = step("b", outlets=[Asset("model")])
    deferrals = []
    for each in (limited, unlimited):
        each.pipeline_execution_arn = EXECUTION_ARN
        with pytest.raises(TaskDeferred) as caught:
            each.execute({})
        limit = caught.value.trigger.time_limit()
        deferrals.append((limit and (limit.name, limit.seconds), caught.value.timeout))
    assert deferrals == [(("execution_timeout", 3600.0), timedelta(hours=1) + AIRFLOW_LATER), (None, None)]


def test_launch_follows_whatever_the_group_follows(dag, group):
    """Edges into the group, its steps, its parameters and its steps' arguments all hold back the launch task."""
    names = ["before", "early", "inner", "parameter", "argument", "late"]
    outside = {name: step_outside_pipeline(name) for name in names}
    with TaskGroup("first") as first:
        step_outside_pipeline("leaf")
    pipeline = group(parameters={"P": outside["parameter"].output})
    outside["early"] >> pipeline
    first >> pipeline
    with pipeline:
        a = step("a", arguments={"X": [outside["argument"].output]})
        b = step("b")
        a >> Label("edges may have labels") >> b
        outside["inner"] >> b
    outside["late"] >> pipeline
    assert sorted(pipeline.launch.upstream_task_ids) == [
        "argument",
        "early",
        "first.leaf",
        "inner",
        "late",
        "parameter",
    ]
    assert pipeline.launch.parameters.keys() == {"P", "a-X-0"}


def test_an_outside_task_counts_for_a_steps_trigger_rule(dag, group):
    """A join that also follows an outside task has one success for certain, so it is in no branch."""
    fetch = step_outside_pipeline("fetch")
    with group() as pipeline:
        i = step("i")
        SageMakerConditionStepOperator(
            task_id="c", conditions=[Get("Execution.PipelineName").equals("x")], if_steps=[i]
        )
        [i, fetch] >> step("join", trigger_rule="none_failed_min_one_success")
    assert pipeline.compile().definition.to_document()["Steps"][1] == {
        "Name": "join",
        "Type": "Training",
        "Arguments": TRAINING,
        "DependsOn": ["c"],
    }
    assert sorted(pipeline.launch.upstream_task_ids) == ["fetch"]


def test_what_follows_the_group_follows_its_leaves(dag, group):
    """Downstream edges are those of a TaskGroup, drawn before or after its tasks."""
    before, early, late = map(step_outside_pipeline, ["before", "early", "late"])
    pipeline = group()
    before >> pipeline >> early
    with pipeline:
        step("a") >> [step("b"), step("c")]
    pipeline >> late
    assert sorted(early.upstream_task_ids) == ["before", "churn.b", "churn.c"]
    assert sorted(late.upstream_task_ids) == ["churn.b", "churn.c"]


def test_task_groups_inside_are_layout(dag, group):
    """Steps in a TaskGroup inside the pipeline are steps like the others, and have its id in their names."""
    with group() as pipeline:
        a = step("a")
        with TaskGroup("more"):
            b = step("b")
        a >> b
    names = [each["Name"] for each in pipeline.compile().definition.to_document()["Steps"]]
    assert (names, b.task_id) == (["a", "more-b"], "churn.more.b")


def test_groups_of_a_loop_have_steps_of_the_same_ids(dag, group):
    """Each step's name has the ids of the groups around it, but for the pipeline's; where an id has none, nor has the name."""
    with group() as pipeline:
        for model in ("tree", "forest"):
            with TaskGroup(model):
                step("train")
                with TaskGroup("more"):
                    step("test")
        with TaskGroup("plain", prefix_group_id=False):
            step("last")
    names = [each["Name"] for each in pipeline.compile().definition.to_document()["Steps"]]
    assert names == ["tree-train", "tree-more-test", "forest-train", "forest-more-test", "last"]


def test_default_args_are_the_steps_defaults(dag, group):
    """Airflow's default_args of a group give keywords to all steps that have them, those of a base class included."""
    image = {
        "image_uri": "xgboost",
        "instance_type": "ml.m5.xlarge",
        "role_arn": "arn:aws:iam::123456789012:role/job",
        "retries": 2,
    }
    with group(default_args=image) as pipeline:
        own = {key: value for key, value in TRAINING.items() if key != "RoleArn"}
        SageMakerStepOperator(task_id="generic", step_type="Training", arguments=own)
        SageMakerProcessingStepOperator(task_id="process", image_uri="sklearn")
        tuning = SageMakerTuningStepOperator(task_id="tune", hyperparameter_ranges={}, objective_metric_name="auc")
        SageMakerQualityCheckStepOperator(task_id="check", dataset="s3://box/data")
        with TaskGroup("inner", default_args={"instance_type": "ml.g5.xlarge"}):
            SageMakerTrainingStepOperator(task_id="train")
        SageMakerModelStepOperator(task_id="model", model_data=tuning.model_artifacts)
    steps = {each["Name"]: each["Arguments"] for each in pipeline.compile().definition.to_document()["Steps"]}

    def machine(request, resources):
        return (request["RoleArn"], request[resources]["InstanceType"])

    job = ("arn:aws:iam::123456789012:role/job", "ml.m5.xlarge")
    assert steps["generic"] == {"RoleArn": "arn:aws:iam::123456789012:role/job", **own}
    assert [steps[name]["AppSpecification"]["ImageUri"] for name in ("process", "check")] == ["sklearn", "xgboost"]
    assert [
        (steps[name]["RoleArn"], steps[name]["ProcessingResources"]["ClusterConfig"]["InstanceType"])
        for name in ("process", "check")
    ] == [job, job]
    assert machine(steps["tune"]["TrainingJobDefinition"], "HyperParameterTuningResourceConfig") == job
    assert machine(steps["inner-train"], "ResourceConfig") == ("arn:aws:iam::123456789012:role/job", "ml.g5.xlarge")
    assert steps["model"]["PrimaryContainer"]["Image"] == "xgboost"
    assert {task.task_id: task.retries for task in pipeline} == dict.fromkeys(dag.task_ids, 2)


def test_compiling_changes_nothing(dag, group):
    """Compiling again, also after the Dag is complete, gives the same document and leaves the Dag as it was."""
    pipeline = churn(group)
    before = edges(dag)
    first, second = pipeline.compile(), pipeline.compile()
    assert first.definition.to_json() == second.definition.to_json()
    assert edges(dag) == before


def test_a_group_is_translated_once(dag, group):
    """Serialisation and launch translate again only what was changed after the block: an edge, a rule, an argument."""
    with group() as pipeline:
        a = SageMakerStepOperator(task_id="a", step_type="New", arguments={"Tags": [{"Key": "k", "Value": "v"}]})
        b = step("b")
    kept = pipeline.compile_changes()
    DagSerialization.to_dict(dag)
    assert pipeline.compile_changes() is kept
    assert pipeline.compile() is not kept
    assert pipeline.compile() == kept

    def changed():
        nonlocal kept
        before, kept = kept, pipeline.compile_changes()
        assert kept is not before
        assert kept.text == pipeline.compile().text != before.text
        return kept.definition.to_document()["Steps"]

    a >> b
    assert changed()[1]["DependsOn"] == ["a"]
    b.trigger_rule = TriggerRule.ALL_DONE
    assert changed()[1]["DependsOn"] == [{"Step": "a", "Trigger": "Any"}]
    a.arguments["Tags"][0]["Value"] = 1
    assert changed()[0]["Arguments"]["Tags"] == [{"Key": "k", "Value": 1}]
    a.arguments["Tags"][0]["Value"] = True  # which Python calls equal
    assert changed()[0]["Arguments"]["Tags"][0]["Value"] is True
    a.arguments["Tags"][0] = {"Value": True, "Key": "k"}
    assert list(changed()[0]["Arguments"]["Tags"][0]) == ["Value", "Key"]


def test_the_pipeline_is_named_after_the_group(dag, group):
    """Without a name, Dag id and group id make one that SageMaker takes: pipelines are shared by the account's Dags."""
    with TaskGroup("outer"), group("my_pipeline") as pipeline:
        step("a")
    assert pipeline.settings.pipeline_name == "d-outer-my-pipeline"
    assert pipeline.settings.launch_task_id == "outer.my_pipeline.launch"


def test_an_error_in_the_block_stays_itself(dag, group):
    """A body that raises is not translated, and its own exception comes out."""
    with pytest.raises(ZeroDivisionError), group():
        1 / 0  # noqa: B018
    assert dag.task_ids == []


PREFIX = "Dag 'd', task group 'churn': "


def refused(build):
    with pytest.raises(TranslationError) as caught:
        build()
    return str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"pipeline_name": "my_pipeline"},
            (
                "SageMaker refuses the pipeline name 'my_pipeline': 1 to 256 letters, digits and hyphens, beginning and "
                "ending with a letter or digit. Set pipeline_name."
            ),
        ),
        (
            {"role_arn": "sagemaker"},
            "role_arn='sagemaker' is not a role ARN; give 'arn:aws:iam::<account>:role/<name>'.",
        ),
        (
            {"artifact_uri": "/data"},
            (
                "artifact_uri='/data' is not an S3 URI; give 's3://bucket/prefix', the same in every run (what differs "
                "from run to run goes into inputs and outputs)."
            ),
        ),
        ({"waiter_delay": 0}, "waiter_delay must be greater than 0 seconds, got 0."),
        ({"waiter_delay": True}, "waiter_delay must be greater than 0 seconds, got True."),
        (
            {"waiter_max_attempts": 0},
            "waiter_max_attempts must be a whole number of at least 1, or None for no limit, got 0.",
        ),
        (
            {"max_parallel_execution_steps": 0},
            "max_parallel_execution_steps must be a whole number of at least 1, got 0.",
        ),
        (
            {"tags": [{"team": "ml"}]},
            "tags=[{'team': 'ml'}] is not a list of tags. Write tags=[{'Key': 'team', 'Value': 'ml'}].",
        ),
        ({"log_lines": 10_001}, "log_lines must be a whole number from 0 to 10000, got 10001."),
        ({"on_retry": "again"}, "on_retry must be 'resume' or 'restart', got 'again'."),
        (
            {"parameters": {"a b": 1}},
            "SageMaker refuses the parameter name 'a b': 1 to 256 letters, digits, hyphens and underscores.",
        ),
        (
            {"parameters": {"P": ["a"]}},
            (
                "pipeline parameter 'P' is given a list of 1. A parameter holds text, a number or a boolean of at most "
                "1024 characters; put more into S3 and pass its URI."
            ),
        ),
        (
            {"parameters": {"P": ParameterInteger(0.5)}},
            "Pipeline parameter 'P' is declared Integer and was given '0.5'; give a whole number, such as '5'.",
        ),
        (
            {"parameters": {"P": ParameterFloat("{{ x }}", default_value="high")}},
            "Pipeline parameter 'P' is declared Float and was given 'high'; give a number, such as '0.9'.",
        ),
        (
            {"parameters": {"P": "x" * 1025}},
            (
                "The value of pipeline parameter 'P' has 1025 characters; SageMaker takes at most 1024. Put the content "
                "in S3 and pass its URI."
            ),
        ),
    ],
)
def test_bad_settings_are_refused_at_parse_time(dag, group, settings, message):
    """Settings and parameters that SageMaker would refuse are errors of the Dag file."""
    assert refused(lambda: group(**settings)) == PREFIX + message


def test_a_task_that_is_no_step_is_refused(dag, group):
    """An ordinary task inside the group cannot run in SageMaker."""

    def build():
        with group():
            step_outside_pipeline("notify")

    assert refused(build) == PREFIX + (
        "task 'churn.notify' (_PythonDecoratedOperator) is not a step of a SageMaker pipeline. Move it before or after "
        "the group, use one of the SageMaker...StepOperator classes, or give the group callback_queue_url: the pipeline then "
        "waits for an Airflow task in its middle. See docs/troubleshooting.md#airflow-tasks-inside-a-group"
    )


def test_a_mapped_task_that_is_no_step_is_refused(dag, group):
    """The pipeline could not wait for all of its instances."""

    def build():
        with group():
            SageMakerPipelineOperator.partial(task_id="a", pipeline_name="p").expand(parameters=[{}, {}])

    assert refused(build) == PREFIX + (
        "task 'churn.a' is mapped and is not a step of a SageMaker pipeline, which waits for one task at a time. Move it "
        "before or after the group, or define one task for each item, in a Python loop."
    )


def test_xcoms_of_inner_steps_are_refused(dag, group):
    """An XCom of a step is there after the pipeline has started: too late for its parameters."""

    def build():
        with group():
            step("b", arguments={"X": step("a").output})

    assert refused(build) == PREFIX + (
        "task 'churn.b' uses the XCom of 'churn.a', a step of the same pipeline. XComs are read before the pipeline "
        "starts. Use a reference to the step instead, such as its outputs['name'], model_artifacts, metric(...) or "
        "properties. Put it into text by Join('', ['text', reference]). "
        "See docs/troubleshooting.md#the-xcom-of-a-step-of-the-same-pipeline"
    )


def test_a_cycle_is_refused(dag, group):
    """Two steps that read one another are refused, with both named."""

    def build():
        with group():
            b = step("b", arguments={"X": {"Get": "Steps.a.X"}})
            step("a", arguments={"X": b.properties.X})

    assert refused(build) == PREFIX + (
        "the tasks wait for one another in a cycle: 'churn.a' >> 'churn.b' >> 'churn.a'. Remove one of these "
        "dependencies; a reference to another step is a dependency too."
    )


def test_a_step_of_the_name_launch_is_refused(dag, group):
    """The launch task's id is taken."""

    def build():
        with group():
            step("launch")

    assert refused(build) == PREFIX + ("task 'churn.launch' has the id of the launch task. Give it another task_id.")


def test_unknown_parameters_are_refused(dag, group):
    """Asking for a parameter that the group does not have names the nearest one, or where it is declared."""
    pipeline = group(parameters={"InputData": "x"})
    assert refused(lambda: pipeline.parameters["InputDta"]) == PREFIX + (
        "there is no pipeline parameter 'InputDta'. Did you mean 'InputData'? (there is 'InputData')"
    )
    assert refused(lambda: pipeline.parameters["Depths"]) == PREFIX + (
        "there is no pipeline parameter 'Depths' (there is 'InputData'). Declare it in the group: "
        "parameters={'Depths': ...}"
    )


def test_edges_drawn_too_late_are_refused_at_launch(dag, group):
    """An edge from outside to a step, after the block, would not hold back its step: the launch task refuses."""
    with group() as pipeline:
        a = step("a")
    step_outside_pipeline("late") >> a
    assert refused(pipeline.require_launch_follows_outside_upstreams) == PREFIX + (
        "a step was made to follow task 'late' after the 'with' block ended. The pipeline would start its step "
        "without waiting. Draw the edge inside the block, or to the whole group: late >> group."
    )


def test_edges_drawn_too_late_are_import_errors(dag, group):
    """Airflow serializes a Dag whose file has been read to its end: what would be refused at launch is refused there."""
    with group():
        a, b = step("a"), step("b")
    a >> step_outside_pipeline("middle") >> b
    with pytest.raises(SerializationError) as caught:
        DagSerialization.to_dict(dag)
    assert str(caught.value) == "Failed to serialize DAG 'd': " + PREFIX + (
        "a step was made to follow task 'middle' after the 'with' block ended. The pipeline would start its step "
        "without waiting. Draw the edge inside the block, or to the whole group: middle >> group."
    )


def test_a_graph_that_becomes_impossible_later_is_an_import_error(dag, group):
    """Edges between steps may be drawn after the block, as long as SageMaker can run the graph."""
    with group() as pipeline:
        a, b, c = step("a"), step("b"), step("c", trigger_rule="one_failed")
        a >> c
    a >> b
    DagSerialization.to_dict(dag)
    assert pipeline.compile().definition.to_document()["Steps"][1]["DependsOn"] == ["a"]
    b >> c
    with pytest.raises(SerializationError) as caught:
        DagSerialization.to_dict(dag)
    assert str(caught.value) == "Failed to serialize DAG 'd': " + PREFIX + (
        "task 'churn.c' has trigger_rule='one_failed' and 2 upstream steps. SageMaker can wait for the failure of one "
        "step only. Give it one upstream step."
    )


def test_launch_is_there_after_the_block_only(dag, group):
    """Asking for the launch task inside the block is an error."""
    with group() as pipeline:
        step("a")
        assert refused(lambda: pipeline.launch) == PREFIX + "the launch task is made when the 'with' block ends."


def test_two_groups_in_one_dag(dag, group):
    """Each group has its own pipeline and launch task, and one may follow the other."""
    with group("one") as one:
        step("a")
    with group("two") as two:
        step("a")
    one >> two
    assert edges(dag) == {"one.a": ["one.launch"], "one.launch": [], "two.a": ["two.launch"], "two.launch": ["one.a"]}


def test_a_group_needs_a_dag(group):
    """Outside a Dag a group says so, in Airflow's words."""
    with pytest.raises(RuntimeError, match=r"^TaskGroup can only be used inside a dag$"):
        SageMakerPipelineTaskGroup("x", role_arn="arn:aws:iam::1:role/r", artifact_uri="s3://box/p")


def test_groups_work_with_the_dag_decorator_too(tmp_path, group):
    """A Dag given as an argument is enough."""
    dag = DAG("e", schedule=None)
    with SageMakerPipelineTaskGroup(
        "x", role_arn="arn:aws:iam::1:role/r", artifact_uri="s3://box/p/", dag=dag
    ) as pipeline:
        step("a", dag=dag)
    assert (sorted(dag.task_ids), pipeline.settings.artifact_uri) == (["x.a", "x.launch"], "s3://box/p")


def test_several_roots_leaves_and_nested_groups(dag, group):
    """Launch leads to all first steps, all last steps lead on, and a TaskGroup inside may be waited for as a whole."""
    report = step_outside_pipeline("report")
    inner_report = step_outside_pipeline("inner_report")
    with group() as pipeline:
        a, b = step("a"), step("b")
        with TaskGroup("features") as features:
            step("x")
            with TaskGroup("more"):
                step("y")
        last = step("last")
        [a, b] >> features >> last
        step("alone")
        b >> inner_report
    pipeline >> report
    assert edges(dag) == {
        "churn.a": ["churn.launch"],
        "churn.alone": ["churn.launch"],
        "churn.b": ["churn.launch"],
        "churn.features.more.y": ["churn.a", "churn.b"],
        "churn.features.x": ["churn.a", "churn.b"],
        "churn.last": ["churn.features.more.y", "churn.features.x"],
        "churn.launch": [],
        "inner_report": ["churn.b"],
        "report": ["churn.alone", "churn.last"],
    }
    steps = pipeline.compile().definition.to_document()["Steps"]
    assert {each["Name"]: each.get("DependsOn") for each in steps} == {
        "a": None,
        "b": None,
        "features-x": ["a", "b"],
        "features-more-y": ["a", "b"],
        "last": ["features-more-y", "features-x"],
        "alone": None,
    }


def test_a_way_out_of_the_group_and_back_is_refused(dag, group):
    """A task outside cannot run in the middle of a pipeline: the launch task would wait for its own steps."""
    outside = step_outside_pipeline("approve")

    def build():
        with group():
            step("a") >> outside >> step("b")

    assert refused(build) == PREFIX + (
        "task 'approve' outside the group follows step 'churn.a', and a step follows 'approve' or uses its XCom. The whole "
        "pipeline starts at once, so no task outside can run in the middle of it. Make two groups, one before and one "
        "after 'approve', or define it inside the group and give the group callback_queue_url. "
        "See docs/troubleshooting.md#airflow-tasks-inside-a-group"
    )


def test_two_groups_of_one_pipeline_are_refused(dag, group):
    """Two groups that would overwrite each other's definition are refused."""
    with group("one", pipeline_name="shared"):
        step("a")
    assert refused(lambda: group("two", pipeline_name="shared")) == (
        "Dag 'd', task group 'two': task group 'one' runs pipeline 'shared' too. The two would overwrite each other's "
        "definition. Give each its own pipeline_name."
    )


def test_a_group_is_filled_once(dag, group):
    """Entering the block a second time is refused: the pipeline has been compiled."""
    with group() as pipeline:
        step("a")

    def build():
        with pipeline:
            step("b")

    assert refused(build) == PREFIX + (
        "'churn.b' was added after the group was complete. Define all steps inside its 'with' block; a group made by "
        "from_definition accepts no more."
    )

    def enter():
        with pipeline:
            pass

    assert refused(enter) == PREFIX + "its 'with' block was entered a second time. Define all steps in one block."


def test_copies_of_a_dag_keep_their_pipelines(dag, group):
    """A copied Dag, or a part of one, can compile and launch its pipeline like the original."""
    pipeline = churn(group)
    text = pipeline.compile().definition.to_json()
    copied = copy.deepcopy(dag).task_group.get_task_group_dict()["churn"]
    part = dag.partial_subset("churn").task_group.get_task_group_dict()["churn"]
    assert copied.compile().definition.to_json() == text
    assert part.compile().definition.to_json() == text
    assert part.settings == pipeline.settings
