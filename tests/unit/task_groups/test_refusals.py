"""What authors may write by mistake, refused while the Dag file is parsed."""

from __future__ import annotations

import botocore
import pytest
from airflow.sdk import TaskGroup, task, task_group
from airflow.sdk.definitions.param import DagParam

from airflow_sm_pipelines import (
    Join,
    ParameterInteger,
    ParameterString,
    SageMakerConditionStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineTaskGroup,
    SageMakerProcessingStepOperator,
    SageMakerStepOperator,
)
from airflow_sm_pipelines.compatibility.sdk import LOOPS
from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, SageMakerPipelinesError, TranslationError
from tests.valid_arguments import PROCESSING, TRAINING
from tests.versions import needs_pinned_botocore

IS_X = Get("Execution.PipelineName").equals("x")
ROLE = PROCESSING["RoleArn"]
IN_GROUP = "Dag 'd', task group 'churn': "


def step(task_id, **keywords):
    return SageMakerStepOperator(
        task_id=task_id, step_type="Training", arguments={**TRAINING, **keywords.pop("arguments", {})}, **keywords
    )


def process(task_id, **keywords):
    job = {"image_uri": "image", "instance_type": "ml.m5.xlarge", "outputs": ["o"]}
    return SageMakerProcessingStepOperator(task_id=task_id, **{**job, **keywords})


def condition(task_id, if_steps=(), else_steps=()):
    return SageMakerConditionStepOperator(task_id=task_id, conditions=[IS_X], if_steps=if_steps, else_steps=else_steps)


def refused(build, error=SageMakerPipelinesError):
    with pytest.raises(error) as caught:
        build()
    return str(caught.value)


@task
def fetch(x=None):
    return x


READS = "step 'b' reads 'Steps.a.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri': "


@pytest.mark.parametrize("trigger_rule", ["none_failed", "none_failed_min_one_success"])
def test_a_reference_into_a_branch_from_outside_is_refused(dag, group, trigger_rule):
    """A step that also runs when the branch is not taken cannot read a step of it."""

    def build():
        with group():
            a, other = process("a"), step("other")
            condition("c", [a], [other])
            other >> process("b", inputs={"x": a.outputs["o"]}, trigger_rule=trigger_rule)

    assert refused(build, PipelineDefinitionError) == (
        f"Dag 'd', task group 'churn', pipeline 'd-churn': {READS}it runs only in the if-branch of Condition step 'c'; "
        "depend on 'c' instead, or move 'b' into that branch @ $.Steps[1].Arguments.ProcessingInputs[0].S3Input.S3Uri"
    )


def test_a_reference_across_branches_is_refused(dag, group):
    """A step of one branch cannot read a step of the other: it would never run."""

    def build():
        with group():
            a = process("a")
            condition("c", [a], [process("b", inputs={"x": a.outputs["o"]})])

    assert refused(build) == IN_GROUP + (
        "Task 'churn.b' has trigger_rule='all_success' and follows tasks of different branches: the if-branch of 'c'; the "
        "else-branch of 'c'. Only one of them runs, so this task would never run. To join branches, set "
        "trigger_rule='none_failed_min_one_success'."
    )


def test_a_step_that_reads_a_step_of_a_branch_is_in_it(dag, group):
    """Reading is following, so the reader is part of the branch."""
    with group() as pipeline:
        a = process("a")
        condition("c", [a])
        process("b", inputs={"x": a.outputs["o"]})
    [choice] = pipeline.compile().definition.to_document()["Steps"]
    assert [each["Name"] for each in choice["Arguments"]["IfSteps"]] == ["a", "b"]


def test_a_reference_to_another_pipeline_is_refused(dag, group):
    """References end at their pipeline, and the error says how the other pipeline's result can be had."""
    with group("first"):
        a = process("a")

    def build():
        with group():
            process("b", inputs={"x": a.outputs["o"]})

    assert refused(build) == IN_GROUP + (
        "task 'churn.b' refers to step 'a', which is task 'first.a' of another pipeline. References work only inside "
        "their pipeline. Read what the step pushed to XCom: \"{{ ti.xcom_pull('first.a', "
        "key='step_report')['outputs']['name'] }}\", with the edge drawn: 'first.a' >> group."
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda a: process("b", inputs={"x": a.outputs["o"]}),
        lambda a: process("b", inputs={"x": Join("/", [a.outputs["o"], "part"])}),
        lambda a: SageMakerConditionStepOperator(task_id="b", conditions=[a.metric("m", "x") > 1]),
        lambda a: SageMakerConditionStepOperator(
            task_id="b", conditions=[a.properties.ProcessingJobStatus.equals("Completed")]
        ),
        lambda a: SageMakerProcessingStepOperator.partial(
            task_id="b", image_uri="image", instance_type="ml.m5.xlarge"
        ).expand(inputs=[{"x": a.outputs["o"]}, {"x": "s3://lake/b"}]),
    ],
)
def test_a_reference_to_another_pipeline_is_refused_where_both_have_such_a_step(dag, group, use):
    """It would read the step of the same name in its own pipeline."""
    with group("first"):
        a = process("a", property_files={"m": "o/m.json"})

    def build():
        with group():
            process("a", property_files={"m": "o/m.json"})
            use(a)

    assert refused(build).startswith(
        IN_GROUP + "task 'churn.b' refers to step 'a', which is task 'first.a' of another pipeline. References work "
        "only inside their pipeline."
    )


@pytest.mark.parametrize(
    ("as_value", "what"),
    [
        (lambda output: output, "the return value"),
        (lambda output: f"s3://{output}", "the return value"),
        (lambda output: output["job_arn"], "the XCom 'job_arn'"),
    ],
)
def test_xcoms_that_steps_do_not_leave(dag, group, as_value, what):
    """What another pipeline's step never leaves is refused, in text as well."""
    with group("first"):
        a = process("a")

    def build():
        with group(parameters={"P": as_value(a.output)}):
            step("b")

    assert refused(build) == IN_GROUP + (
        f"pipeline parameter 'P' is given {what} of 'first.a', a step of another pipeline. Steps push only the XComs "
        "step_report and property_files: \"{{ ti.xcom_pull('first.a', key='step_report')['outputs']['name'] }}\", "
        "with the edge drawn: 'first.a' >> group."
    )


def test_xcoms_of_another_pipeline_are_values(dag, group):
    """What another pipeline's step and launch task do leave in XCom may be read, and is waited for."""
    with group("first") as first:
        a = process("a")
    with group(parameters={"Arn": first.launch.output, "Job": a.output["step_report"]}) as pipeline:
        step("b")
    assert pipeline.launch.upstream_task_ids == {"first.a", "first.launch"}


def test_a_value_from_a_task_behind_the_group_is_refused(dag, group):
    """The launch task cannot wait for what comes after its own steps."""

    def build():
        with group():
            late = fetch()
            step("a") >> late
            step("b", arguments={"X": late})

    with TaskGroup("other"):
        message = refused(build)
    assert message.startswith("Dag 'd', task group 'other.churn': task 'other.churn.fetch' (_PythonDecoratedOperator)")

    outside = fetch()

    def build_outside():
        with group():
            step("a") >> outside
            step("b", arguments={"X": outside})

    assert refused(build_outside) == IN_GROUP + (
        "task 'fetch' outside the group follows step 'churn.a', and a step follows 'fetch' or uses its XCom. The whole "
        "pipeline starts at once, so no task outside can run in the middle of it. Make two groups, one before and one "
        "after 'fetch', or define it inside the group and give the group callback_queue_url. "
        "See docs/troubleshooting.md#airflow-tasks-inside-a-group"
    )


def in_a_mapped_group(group):
    @task_group(group_id="mapped")
    def mapped(x):
        with group():
            step("a")

    mapped.expand(x=[1, 2])


def inside_a_pipeline(group):
    with group("outer"):
        step("a")
        with group():
            step("b")


def with_a_teardown(group):
    with group():
        a = step("a")
        a >> step("b") >> step("t").as_teardown(setups=a)


def with_depends_on_past(group):
    with group(default_args={"depends_on_past": True}):
        step("a")


@pytest.mark.skipif(not LOOPS, reason="loops came with Airflow 3.4")
def test_loops_and_pipelines_go_round_each_other(dag, group):
    """Neither a pipeline in a loop, nor a loop in a pipeline: the launch task is one, and a pipeline goes one way."""

    @task_group
    def around():
        with group():
            step("a")

    with pytest.raises(TranslationError) as caught:
        around.loop(max_iterations=2)
    assert str(caught.value) == (
        "Dag 'd', task group 'around.churn': it is in the loop 'around', and a pipeline group runs once in a Dag run. "
        "Loop around a SageMakerPipelineOperator."
    )

    @task_group
    def inside():
        step("b")

    with pytest.raises(TranslationError) as caught, group():
        inside.loop(max_iterations=2)
    assert str(caught.value) == (
        "Dag 'd', task group 'churn': task 'churn.inside.b' is in the loop 'churn.inside', and a pipeline has no "
        "loops. Define the steps as often as they are to run, or loop around a SageMakerPipelineOperator."
    )


def with_wait_for_downstream(group):
    with group(default_args={"wait_for_downstream": True}):
        step("a")


def with_a_misspelt_keyword(group):
    group(end_task="worker")


def with_a_version(group):
    group(pipeline_version_alias="live")


def with_an_unknown_keyword(group):
    group(schedule="@daily")


def imported_with_depends_on_past(group):
    SageMakerPipelineTaskGroup.from_definition(
        "churn",
        definition={"Version": "2020-12-01", "Steps": [{"Name": "a", "Type": "Training", "Arguments": TRAINING}]},
        role_arn="arn:aws:iam::1:role/r",
        default_args={"depends_on_past": True},
    )


def with_too_many_values(group):
    with group(parameters={"P": "{{ ds }}"}):
        step("a", arguments={"X": {f"K{index}": f"{{{{ {index} }}}}" for index in range(200)}})


def with_bad_jinja(group):
    with group():
        step("a", arguments={"X": {"query": "{{}}"}})


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            in_a_mapped_group,
            ("task group 'mapped.churn': it is in the mapped task group 'mapped', and a pipeline group cannot be "
            "mapped. Make one group for each item in a Python loop, or run a pipeline several times with "
            "SageMakerPipelineOperator.partial(...).expand(...)."),
        ),
        (
            inside_a_pipeline,
            ("task group 'outer.churn': it is in task group 'outer', which is a pipeline itself, and a pipeline cannot hold a pipeline. Use a TaskGroup for layout, or put one pipeline after the other."),
        ),
        (
            with_a_teardown,
            ("task group 'churn': task 'churn.t' is a teardown, and SageMaker has no teardowns. Let the teardown follow the "
            "group: group >> clean_up().as_teardown(setups=...)."),
        ),
        (
            with_depends_on_past,
            ("task group 'churn': task 'churn.a' has depends_on_past. SageMaker runs its step whatever happened to it in the last Dag run. Set depends_on_past=False for the steps, as in the group's default_args; for the whole "
            "pipeline, launch_arguments={'depends_on_past': True}."),
        ),
        (
            with_wait_for_downstream,
            ("task group 'churn': task 'churn.a' has wait_for_downstream. SageMaker runs its step whatever happened to it in the last Dag run. Set wait_for_downstream=False for the steps, as in the group's default_args; for the "
            "whole pipeline, launch_arguments={'wait_for_downstream': True}."),
        ),
        (
            with_a_misspelt_keyword,
            "task group 'churn': SageMakerPipelineTaskGroup has no keyword 'end_task'. Did you mean 'end_tasks'?",
        ),
        (
            with_an_unknown_keyword,
            "task group 'churn': SageMakerPipelineTaskGroup has no keyword 'schedule'. Leave it out.",
        ),
        (
            with_a_version,
            ("task group 'churn': SageMakerPipelineTaskGroup has no keyword 'pipeline_version_alias'. A group runs its own definition as a whole. SageMakerPipelineOperator runs another version of a pipeline, or some of its "
            "steps."),
        ),
        (
            imported_with_depends_on_past,
            ("task group 'churn': task 'churn.a' has depends_on_past. SageMaker runs its step whatever happened to it in the last Dag run. Set depends_on_past=False for the steps, as in the group's default_args; for the whole "
            "pipeline, launch_arguments={'depends_on_past': True}."),
        ),
        (
            with_too_many_values,
            ("task group 'churn': the pipeline has 201 parameters, 200 of them for Jinja and XComArgs in steps, but an execution can be started with at most 200 values. Put some of them into one file in S3."),
        ),
        (
            with_bad_jinja,
            ("task group 'churn': '{{}}', the value of pipeline parameter 'a-query', is not valid Jinja: Expected an "
            "expression, got 'end of print statement'. To keep braces as they are, write {% raw %}...{% "
            "endraw %} around them."),
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_no_pipeline_can_do_is_refused(dag, group, build, message):
    """Airflow's mapping, nesting, teardowns and memory of past runs have no counterpart; the error says what does."""
    assert refused(lambda: build(group)) == f"Dag 'd', {message}"


def test_depends_on_past_of_the_launch_task(dag, group):
    """The launch task may wait for the last run's, and Jinja in raw blocks is no error."""
    arguments = {"depends_on_past": True}
    with group(launch_arguments=arguments, parameters={"P": "{% raw %}{{}}{% endraw %}"}) as pipeline:
        step("a")
    assert (pipeline.launch.depends_on_past, pipeline.launch.parameters) == (True, {"P": "{% raw %}{{}}{% endraw %}"})


def test_steps_added_too_late_are_refused(dag, group):
    """A step added to the complete group is refused at once, one in a TaskGroup inside it by the launch task."""
    with group() as pipeline:
        step("a")
        with TaskGroup("inner") as inner:
            step("b")
    assert refused(lambda: step("late", task_group=pipeline)) == IN_GROUP + (
        "'churn.late' was added after the group was complete. Define all steps inside its 'with' block; a group made "
        "by from_definition accepts no more."
    )
    step("late", task_group=inner)
    assert refused(pipeline.require_launch_follows_outside_upstreams) == IN_GROUP + (
        "step 'churn.inner.late' was added after the 'with' block ended, and its task waits for nothing. Define all steps "
        "inside the block."
    )


def test_dag_params_are_values(dag, group):
    """A Dag param, as the arguments of a ``@dag`` function are, becomes a parameter like Jinja."""
    rounds = DagParam(dag, "rounds", 5)
    with group(parameters={"P": ParameterInteger(rounds)}) as pipeline:
        step("a", arguments={"ResourceConfig": {**TRAINING["ResourceConfig"], "InstanceCount": rounds}})
    compiled = pipeline.compile()
    assert {each.name: each.type for each in compiled.definition.parameters} == {
        "P": "Integer",
        "a-instance-count": "Integer",
    }
    assert compiled.values == {"P": rounds, "a-instance-count": rounds}


def at_place(place, value):
    """Make arguments with a value at a place."""
    for key in reversed(place.split(".")):
        value = {key: value}
    return value


COUNT = "ResourceConfig.InstanceCount"


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (COUNT, "5", ("'5' at ResourceConfig-InstanceCount, where the API wants a whole number. Write a literal of that "
         "type, Jinja, or a reference.")),
        (COUNT, 1.5, ("1.5 at ResourceConfig-InstanceCount, where the API wants a whole number. Write a literal of that "
         "type, Jinja, or a reference.")),
        (COUNT, True, ("True at ResourceConfig-InstanceCount, where the API wants a whole number. Write a literal of that "
         "type, Jinja, or a reference.")),
        (COUNT, ParameterString("{{ x }}"), ("ParameterString('{{ x }}') at ResourceConfig-InstanceCount, where the API "
         "wants a whole number. Write ParameterInteger(...), or the value alone.")),
        (COUNT, "Text", ("pipeline parameter 'Text', which is String, at ResourceConfig-InstanceCount, where the API wants "
         "a whole number. Declare it Integer: ParameterInteger(...), or a literal of that type.")),
        (COUNT, Join("", ["1", "0"]), ("a Join, which is text, at ResourceConfig-InstanceCount, where the API wants a whole "
         "number. Give one Integer parameter.")),
        ("EnableManagedSpotTraining", 1, ("1 at EnableManagedSpotTraining, where the API wants True or False. Write a literal "
         "of that type, Jinja, or a reference.")),
        ("Environment.N", 5, "5 at Environment-N, where the API wants text. Write '5'."),
        ("Environment.N", ["a"], "['a'] at Environment-N, where the API wants text. Give one value, no list or object."),
        ("RoleArn", {"a": 1}, "{'a': 1} at RoleArn, where the API wants text. Give one value, no list or object."),
        (COUNT, [1, 2], ("[1, 2] at ResourceConfig-InstanceCount, where the API wants a whole number. Give one value, no "
         "list or object.")),
        ("InputDataConfig", "s3://box/x", ("'s3://box/x' at InputDataConfig, where the API wants a list or an object. Write it "
         "out as boto3 takes it.")),
        ("HyperParameters", True, ("True at HyperParameters, where the API wants a list or an object. Write it out as boto3 "
         "takes it.")),
        ("Environment", "{{ x }}", ("'{{ x }}' at Environment, where the API wants a list or an object. A pipeline "
         "parameter holds one text, number or boolean: write the list or object out, and let its members be parameters.")),
        ("X", float("nan"), None),
        ("X", {1: 2}, None),
    ],
)  # fmt: skip
def test_values_of_a_wrong_type_are_refused(dag, group, place, value, message):
    """A type that SageMaker would refuse is an error of the Dag file, with task, place and fix."""

    def build():
        with group(parameters={"Text": "x", "Count": 5}) as pipeline:
            given = pipeline.parameters["Text"] if value == "Text" else value
            step("a", arguments=at_place(place, given))

    wanted = f"task 'churn.a' gives {message}"
    if place == "X":
        wanted = {
            float: "task 'churn.a' holds nan, a float, at X; a pipeline definition is JSON. Give text, a number, a list, a "
            "dict, or a reference such as step.outputs['x'].",
            dict: "task 'churn.a' has the key 1, a int. Keys are text in JSON.",
        }[type(value)]
    assert refused(build) == IN_GROUP + wanted


@needs_pinned_botocore
def test_arguments_that_the_api_refuses_are_import_errors(dag, group):
    """The end of the block names each argument that the API would refuse, with its place, and whose model says so."""
    refusal = (
        f"pipeline 'd-churn', by botocore {botocore.__version__} has 2 problems:\n"
        "  - step 'a': 'RoleArn' is 'arn:aws:iam::42:role/nobody', which does not match the API's pattern "
        r"arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+ @ $.Steps[0].Arguments.RoleArn"
        "\n  - step 'a': 'InstanceCount' is 0; it must be at least 1 "
        "@ $.Steps[0].Arguments.ProcessingResources.ClusterConfig.InstanceCount"
    )

    def build():
        with group():
            process("a", role_arn="arn:aws:iam::42:role/nobody", instance_count=0)

    assert refused(build) == f"Dag 'd', task group 'churn', {refusal}"


@needs_pinned_botocore
def test_a_given_definition_that_the_api_refuses_is_an_import_error(dag):
    """A definition made elsewhere is held against the same rules, by a group and by a task for the whole execution."""
    cluster = {"ClusterConfig": {**PROCESSING["ProcessingResources"]["ClusterConfig"], "InstanceCount": 0}}
    arguments = {**PROCESSING, "ProcessingResources": cluster}
    definition = {
        "Version": "2020-12-01",
        "Steps": [{"Name": "a", "Type": "Processing", "Arguments": arguments}],
    }
    whole = (
        f"pipeline 'p', by botocore {botocore.__version__}: step 'a': 'InstanceCount' is 0; it must be at least 1 "
        "@ $.Steps[0].Arguments.ProcessingResources.ClusterConfig.InstanceCount"
    )
    given = {"definition": definition, "role_arn": ROLE, "pipeline_name": "p"}
    assert [
        refused(lambda: SageMakerPipelineTaskGroup.from_definition("g", **given)),
        refused(lambda: SageMakerPipelineOperator(task_id="run", **given)),
    ] == [f"Dag 'd', task group 'g', {whole}", f"Dag 'd', task 'run', {whole}"]


def test_numbers_become_text_where_the_api_wants_text(dag, group):
    """A pipeline parameter that is no text is joined into one where the API takes only text; a whole number is a number."""
    with group(parameters={"Count": 5, "Share": 0.5}) as pipeline:
        count = pipeline.parameters["Count"]
        process("a", environment={"N": count, "S": pipeline.parameters["Share"]}, job_arguments=["-n", count])
        SageMakerStepOperator(
            task_id="b",
            step_type="EndpointConfig",
            arguments={"ProductionVariants": [{"VariantName": "v", "InitialVariantWeight": count}]},
        )
    a, b = (each["Arguments"] for each in pipeline.compile().definition.to_document()["Steps"])
    joined = {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Count"}]}}
    assert a["Environment"] == {"N": joined, "S": {"Std:Join": {"On": "", "Values": [{"Get": "Parameters.Share"}]}}}
    assert a["AppSpecification"]["ContainerArguments"] == ["-n", joined]
    assert b == {"ProductionVariants": [{"VariantName": "v", "InitialVariantWeight": {"Get": "Parameters.Count"}}]}


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("Name", "Set step_name."),
        ("Type", "Set step_type."),
        ("Arguments", "Set arguments."),
        ("DependsOn", "Draw the edges between the tasks: a >> b."),
        ("DisplayName", "Set display_name."),
        ("Description", "Set description."),
    ],
)
def test_step_options_are_further_keys(dag, group, key, instead):
    """Keys that a step has anyway stand in keywords: a task follows the step that its keywords name."""

    def build():
        with group():
            step("a", step_options={key: "x"})

    assert refused(build) == f"Dag 'd', task 'churn.a': step_options has {key!r}, which every step has. {instead}"


def test_conditions_have_an_operator_of_their_own(dag, group):
    """A generic step cannot be a Condition step, whose branches are tasks."""

    def build():
        with group():
            SageMakerStepOperator(task_id="c", step_type="Condition", arguments={"Conditions": [], "IfSteps": []})

    assert refused(build) == (
        "Dag 'd', task 'churn.c': the branches of a Condition step are tasks. Use SageMakerConditionStepOperator."
    )


def test_a_reference_that_cannot_be_read_names_its_task(dag, group):
    """What is no reference is refused with the task and the place in its step."""

    def build():
        with group():
            step("a", arguments={"RoleArn": {"Get": ""}})

    assert refused(build) == IN_GROUP + "task 'churn.a': '' is not a reference: it names nothing @ Arguments.RoleArn"


def test_an_output_given_as_a_uri_is_refused(dag, group):
    """A text beside an output's name is its path in the container; where it goes in S3 is said by ``S3Uri``."""

    def build():
        with group():
            process("a", outputs={"o": "s3://bucket/o"})

    assert refused(build) == (
        "Dag 'd', task 'churn.a': output 'o' is given 's3://bucket/o', which is not a path in the container. Write "
        "outputs={'o': {'S3Uri': 's3://bucket/o'}}."
    )


@pytest.mark.parametrize(("content", "shown"), [(["a"], "a list of 1"), ({"b": 1}, "an object"), (5, "5")])
def test_a_get_of_no_text_is_refused_in_words(dag, group, content, shown):
    """What a Get holds is a reference as text; anything else is named, with its place."""

    def build():
        with group():
            step("a", arguments={"X": {"Get": content}})

    assert refused(build) == (
        f"Dag 'd', task group 'churn', pipeline 'd-churn': step 'a': a Get must hold a reference as text, not {shown} "
        "@ $.Steps[0].Arguments.X"
    )
