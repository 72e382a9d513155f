from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.conditions import Or
from airflow_sm_pipelines.definition.expressions import EXECUTION_ID, Get, Join, JsonGet, PropertyReference
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, TranslationError
from airflow_sm_pipelines.translation.compile import compile_pipeline
from airflow_sm_pipelines.translation.nodes import (
    CodeUpload,
    DeclaredParameter,
    PipelineOutline,
    RuntimeValue,
    StepNode,
    TaskNode,
)


def task(name, upstream=(), rule="all_success", **step):
    node = StepNode(task_id=f"g.{name}", name=name, type=step.pop("type", "Training"), **step)
    return TaskNode(node, tuple(f"g.{each}" for each in upstream), rule)


def choice(name, upstream=(), if_steps=(), else_steps=(), rule="all_success", conditions=None):
    return task(
        name,
        upstream,
        rule,
        type="Condition",
        conditions=(Get("Execution.PipelineName").equals("x"),) if conditions is None else conditions,
        if_task_ids=tuple(f"g.{each}" for each in if_steps),
        else_task_ids=tuple(f"g.{each}" for each in else_steps),
    )


def compiled(*tasks, parameters=(), pipeline_name="p"):
    return compile_pipeline(PipelineOutline("d", "g", pipeline_name, tuple(parameters), tuple(tasks)))


def shape(steps):
    """The graph of a document's steps: names, dependencies and branches only."""
    return [
        step["Name"]
        if step["Type"] != "Condition" and "DependsOn" not in step
        else {
            "Name": step["Name"],
            **({"DependsOn": step["DependsOn"]} if "DependsOn" in step else {}),
            **(
                {key: shape(step["Arguments"][key]) for key in ("IfSteps", "ElseSteps")}
                if step["Type"] == "Condition"
                else {}
            ),
        }
        for step in steps
    ]


def graph(*tasks):
    return shape(compiled(*tasks).definition.to_document()["Steps"])


def refusal(*tasks, **more):
    with pytest.raises(TranslationError) as caught:
        compiled(*tasks, **more)
    return str(caught.value)


def test_edges_become_depends_on_unless_a_reference_says_it():
    """An upstream step that is read needs no DependsOn; any other gets one."""
    a, b = task("a"), task("b", ["a"])
    c = task("c", ["a", "b"], arguments={"x": PropertyReference("Steps.a").A})
    assert graph(a, b, c) == ["a", {"Name": "b", "DependsOn": ["a"]}, {"Name": "c", "DependsOn": ["b"]}]


@pytest.mark.parametrize(
    ("rule", "depends_on"),
    [
        ("all_success", ["a"]),
        ("none_failed", ["a"]),
        ("none_failed_min_one_success", ["a"]),
        ("one_failed", [{"Step": "a", "Trigger": "Failed"}]),
        ("all_failed", [{"Step": "a", "Trigger": "Failed"}]),
        ("all_done", [{"Step": "a", "Trigger": "Any"}]),
    ],
)
def test_trigger_rules_of_one_upstream(rule, depends_on):
    """Each trigger rule on one upstream step is the dependency that runs in the same cases."""
    assert graph(task("a"), task("b", ["a"], rule)) == ["a", {"Name": "b", "DependsOn": depends_on}]


def test_branches_hold_all_that_only_they_lead_to():
    """A chain behind the first step of a branch belongs to the branch; dependencies out of it stay."""
    tasks = [
        task("a"),
        choice("c", ["a"], ["i1"], ["e1"]),
        task("i1", ["c"]),
        task("i2", ["i1", "a"]),
        task("e1", ["c"]),
    ]
    assert graph(*tasks) == [
        "a",
        {
            "Name": "c",
            "DependsOn": ["a"],
            "IfSteps": ["i1", {"Name": "i2", "DependsOn": ["i1", "a"]}],
            "ElseSteps": ["e1"],
        },
    ]


def test_conditions_nest():
    """A condition behind a branch lies in the branch, and its own branches in it."""
    tasks = [
        choice("c", [], ["d"], ["e"]),
        choice("d", ["c"], ["x"], ["y"]),
        task("x", ["d"]),
        task("y", ["d"]),
        task("e", ["c"]),
    ]
    assert graph(*tasks) == [
        {"Name": "c", "IfSteps": [{"Name": "d", "IfSteps": ["x"], "ElseSteps": ["y"]}], "ElseSteps": ["e"]}
    ]


def test_a_join_of_both_branches_comes_after_the_condition():
    """A task after both branches depends on the condition, at the level where it always runs."""
    tasks = [
        choice("c", [], ["i"], ["e"]),
        task("i", ["c"]),
        task("e", ["c"]),
        task("join", ["i", "e"], "none_failed_min_one_success"),
        task("after", ["join"]),
    ]
    assert graph(*tasks) == [
        {"Name": "c", "IfSteps": ["i"], "ElseSteps": ["e"]},
        {"Name": "join", "DependsOn": ["c"]},
        {"Name": "after", "DependsOn": ["join"]},
    ]


def test_a_join_of_inner_branches_stays_in_the_outer_branch():
    """Joining an inner condition's branches runs whenever the outer branch does."""
    tasks = [
        choice("c", [], ["d"]),
        choice("d", ["c"], ["x"], ["y"]),
        task("x", ["d"]),
        task("y", ["d"]),
        task("join", ["x", "y"], "none_failed_min_one_success"),
    ]
    assert graph(*tasks) == [
        {
            "Name": "c",
            "IfSteps": [
                {"Name": "d", "IfSteps": ["x"], "ElseSteps": ["y"]},
                {"Name": "join", "DependsOn": ["d"]},
            ],
            "ElseSteps": [],
        }
    ]


def test_none_failed_runs_whatever_was_skipped():
    """Airflow runs a none_failed task even when all its upstream was skipped, so its step is in no branch."""
    tasks = [
        choice("c", [], ["d"]),
        choice("d", ["c"], ["x"]),
        task("x", ["d"]),
        task("always", ["x"], "none_failed"),
    ]
    assert graph(*tasks) == [
        {"Name": "c", "IfSteps": [{"Name": "d", "IfSteps": ["x"], "ElseSteps": []}], "ElseSteps": []},
        {"Name": "always", "DependsOn": ["c"]},
    ]


def test_a_join_with_a_step_that_always_runs_always_runs():
    """With an unconditional upstream step, none_failed_min_one_success is met whatever the condition says."""
    tasks = [
        task("a"),
        choice("c", [], ["i"]),
        task("i", ["c"]),
        task("join", ["a", "i"], "none_failed_min_one_success"),
    ]
    assert graph(*tasks)[2] == {"Name": "join", "DependsOn": ["a", "c"]}


def test_a_task_behind_the_condition_in_no_branch_follows_it():
    """A direct downstream task that is in neither list runs for every outcome, after the condition."""
    assert graph(choice("c", [], ["i"]), task("i", ["c"]), task("b", ["c"])) == [
        {"Name": "c", "IfSteps": ["i"], "ElseSteps": []},
        {"Name": "b", "DependsOn": ["c"]},
    ]


def test_all_success_over_both_branches_is_refused():
    """A task that Airflow would always skip is refused, with the trigger rule that joins."""
    tasks = [choice("c", [], ["i"], ["e"]), task("i", ["c"]), task("e", ["c"]), task("join", ["i", "e"])]
    assert refusal(*tasks) == (
        "Dag 'd', task group 'g': Task 'g.join' has trigger_rule='all_success' and follows tasks of different "
        "branches: the if-branch of 'c'; the else-branch of 'c'. Only one of them runs, so this task would never run. "
        "To join branches, set trigger_rule='none_failed_min_one_success'."
    )


def test_a_join_of_unrelated_branches_is_refused():
    """A task that would run in some branches of two conditions has no place in a pipeline."""
    tasks = [
        choice("c", [], ["i"]),
        choice("d", [], ["j"]),
        task("i", ["c"]),
        task("j", ["d"]),
        task("join", ["i", "j"], "none_failed_min_one_success"),
    ]
    assert refusal(*tasks) == (
        "Dag 'd', task group 'g': Task 'g.join' joins branches with trigger_rule='none_failed_min_one_success' and "
        "would run when one of these was taken: the if-branch of 'c'; the if-branch of 'd'. SageMaker cannot run a "
        "step in some branches of two conditions. Join the branches of the inner condition first, with another step."
    )


def test_all_done_behind_a_branch_is_refused():
    """Airflow would run it when the branch is skipped; no dependency of SageMaker's does."""
    assert refusal(choice("c", [], ["i"]), task("i", ["c"]), task("z", ["i"], "all_done")) == (
        "Dag 'd', task group 'g': Task 'g.z' has trigger_rule='all_done' and follows a task in the if-branch of 'c'. "
        "Airflow would run it when that branch is not taken, too; SageMaker cannot. Use trigger_rule='none_failed', "
        "or follow a task outside the branch."
    )


def test_other_trigger_rules_are_refused():
    """A trigger rule without a counterpart is refused with those that have one."""
    assert refusal(task("a"), task("b", ["a"], "one_success")) == (
        "Dag 'd', task group 'g': task 'g.b' has trigger_rule='one_success', which SageMaker cannot follow. It can "
        "follow all_success, none_failed, none_failed_min_one_success, one_failed, all_failed, all_done."
    )
    assert refusal(task("a"), task("b"), task("c", ["a", "b"], "one_failed")) == (
        "Dag 'd', task group 'g': task 'g.c' has trigger_rule='one_failed' and 2 upstream steps. SageMaker can wait "
        "for the failure of one step only. Give it one upstream step."
    )


def test_cycles_are_refused():
    """A cycle of tasks is refused with every task in it."""
    assert refusal(task("a", ["b"]), task("b", ["c"]), task("c", ["a"])) == (
        "Dag 'd', task group 'g': the tasks wait for one another in a cycle: 'g.c' >> 'g.b' >> 'g.a' >> 'g.c'. Remove "
        "one of these dependencies; a reference to another step is a dependency too."
    )


def test_names_twice_are_refused():
    """Two tasks of one step name are refused, both named."""
    one = TaskNode(StepNode("g.x.a", "a", "Training"), ())
    assert refusal(task("a"), one) == (
        "Dag 'd', task group 'g': the tasks 'g.a' and 'g.x.a' both make a step named 'a'. Give one of them another "
        "step_name."
    )


def test_a_group_has_a_step_and_a_name_sagemaker_takes():
    """An empty group and a bad pipeline name are refused."""
    assert refusal() == (
        "Dag 'd', task group 'g': a pipeline has at least one step; put a step operator into the group."
    )
    assert refusal(task("a"), pipeline_name="my_pipeline") == (
        "Dag 'd', task group 'g': SageMaker refuses the pipeline name 'my_pipeline': 1 to 256 letters, digits and "
        "hyphens, beginning and ending with a letter or digit. Set pipeline_name."
    )


def test_branches_are_of_the_group_and_only_one():
    """A branch leads to steps of the same group, and a step is in one branch only."""
    assert refusal(choice("c", [], ["nowhere"])) == (
        "Dag 'd', task group 'g': Condition task 'g.c' leads to 'g.nowhere', which is not a step of its task group. "
        "if_steps and else_steps take only steps of the same group."
    )
    assert refusal(choice("c", [], ["i"], ["i"]), task("i", ["c"])) == (
        "Dag 'd', task group 'g': Condition task 'g.c' has 'g.i' in if_steps and in else_steps (or twice in one). A "
        "step belongs to one branch; a step after both follows their ends with "
        "trigger_rule='none_failed_min_one_success'."
    )


def test_the_first_task_of_a_branch_has_the_plain_rule():
    """A condition that is skipped itself skips nothing in Airflow, so any other rule could run the branch."""
    assert refusal(choice("c", [], ["i"]), task("i", ["c"], "none_failed")) == (
        "Dag 'd', task group 'g': Task 'g.i' is the first of a branch of 'g.c' and has trigger_rule='none_failed'. "
        "Airflow would then run it in cases where SageMaker does not. Use trigger_rule='all_success'."
    )


def test_what_is_no_json_is_refused():
    """A Python object that has no place in JSON is refused with its task and place."""
    assert refusal(task("a", arguments={"Tags": [{"Value": {1}}]})) == (
        "Dag 'd', task group 'g': task 'g.a' holds {1}, a set, at Tags-0-Value; a pipeline definition is JSON. Give "
        "text, a number, a list, a dict, or a reference such as step.outputs['x']."
    )


def test_problems_of_the_document_name_the_group():
    """What only the document shows is reported for the group, with the place in the document."""
    with pytest.raises(PipelineDefinitionError) as caught:
        compiled(task("train"), task("b", arguments={"x": PropertyReference("Steps.trian").A}))
    assert str(caught.value) == (
        "Dag 'd', task group 'g', pipeline 'p': step 'b' reads 'Steps.trian.A': there is no step 'trian'. Did you "
        "mean 'train'? @ $.Steps[1].Arguments.x"
    )


def test_runtime_values_become_parameters():
    """What is known per run only is lifted out of the document, which keeps a name made of its place."""
    metric = JsonGet("a", "m", "x.y")
    tasks = [
        task(
            "a",
            arguments={
                "Image": RuntimeValue("{{ ds }}"),
                "List": [
                    RuntimeValue("{{ x }}", "Integer"),
                    Join("/", ["s3:/", RuntimeValue("{{ y }}"), EXECUTION_ID]),
                ],
            },
            extra={"PropertyFiles": [{"PropertyFileName": "m", "OutputName": "o", "FilePath": "f"}]},
        ),
        choice("c", ["a"], conditions=(Or(metric >= RuntimeValue("{{ z }}", "Float"), metric.equals(1)),)),
    ]
    parameters = [
        DeclaredParameter("Fixed", "Integer", 5),
        DeclaredParameter("Given", "Float", RuntimeValue("{{ g }}", "Float"), default_value=0.5),
        DeclaredParameter("Open", "String", RuntimeValue("{{ o }}"), enum_values=("a", "b")),
    ]
    result = compiled(*tasks, parameters=parameters)
    document = result.definition.to_document()
    assert document["Parameters"] == [
        {"Name": "Fixed", "Type": "Integer", "DefaultValue": 5},
        {"Name": "Given", "Type": "Float", "DefaultValue": 0.5},
        {"Name": "Open", "Type": "String", "EnumValues": ["a", "b"]},
        {"Name": "a-image", "Type": "String"},
        {"Name": "a-list-0", "Type": "Integer"},
        {"Name": "a-list-1", "Type": "String"},
        {"Name": "c-Conditions-0-2", "Type": "Float"},
    ]
    assert document["Steps"][0]["Arguments"] == {
        "Image": {"Get": "Parameters.a-image"},
        "List": [
            {"Get": "Parameters.a-list-0"},
            {
                "Std:Join": {
                    "On": "/",
                    "Values": [
                        "s3:/",
                        {"Get": "Parameters.a-list-1"},
                        {"Get": "Execution.PipelineExecutionId"},
                    ],
                }
            },
        ],
    }
    assert document["Steps"][1]["Arguments"]["Conditions"][0]["Conditions"][0]["RightValue"] == {
        "Get": "Parameters.c-Conditions-0-2"
    }
    assert result.values == {
        "Fixed": 5,
        "Given": "{{ g }}",
        "Open": "{{ o }}",
        "a-image": "{{ ds }}",
        "a-list-0": "{{ x }}",
        "a-list-1": "{{ y }}",
        "c-Conditions-0-2": "{{ z }}",
    }


def test_equal_outlines_give_equal_bytes():
    """Compiling twice gives the same text, and the same code is uploaded once."""
    upload = CodeUpload("s3://box/code/1/a.py", b"1")
    tasks = [
        task("a", uploads=(upload,)),
        task("b", ["a"], uploads=(upload,), arguments={"x": RuntimeValue("{{ ds }}")}),
    ]
    first, second = compiled(*tasks), compiled(*tasks)
    assert first.definition.to_json() == second.definition.to_json()
    assert first.uploads == (upload,)


def test_the_order_of_definition_is_kept():
    """Steps stand in the document in the order of the Dag file, also where a later one comes first in the graph."""
    assert graph(task("b", ["a"]), task("a")) == [{"Name": "b", "DependsOn": ["a"]}, "a"]


def test_lifted_values_never_share_a_name():
    """Places whose names differ only in what a parameter name cannot hold get parameters of their own."""
    environment = {
        "A_B": RuntimeValue("{{ one }}"),
        "A.B": RuntimeValue("{{ two }}"),
        "A-B": RuntimeValue("{{ three }}"),
    }
    result = compiled(
        task("a", arguments={"Environment": environment}),
        parameters=[DeclaredParameter("a-A-B", "String", "x")],
    )
    assert result.values == {
        "a-A-B": "x",
        "a-Environment-A-B": "{{ one }}",
        "a-Environment-A-B-2": "{{ two }}",
        "a-Environment-A-B-3": "{{ three }}",
    }
    assert result.definition.to_document()["Steps"][0]["Arguments"]["Environment"] == {
        "A_B": {"Get": "Parameters.a-Environment-A-B"},
        "A.B": {"Get": "Parameters.a-Environment-A-B-2"},
        "A-B": {"Get": "Parameters.a-Environment-A-B-3"},
    }
