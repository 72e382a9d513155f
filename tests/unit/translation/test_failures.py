from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.compile import compile_pipeline
from airflow_sm_pipelines.translation.nodes import PipelineOutline, StepNode, TaskNode

SUBJECT = "Dag 'd', task group 'g': "


def task(name, upstream=(), rule="all_success", outside=()):
    return TaskNode(StepNode(name, name, "Training"), tuple(upstream), rule, tuple(outside))


def choice(name, upstream=(), if_steps=(), else_steps=(), rule="all_success"):
    conditions = (Get("Execution.PipelineName").equals("x"),)
    node = StepNode(
        name,
        name,
        "Condition",
        conditions=conditions,
        if_task_ids=tuple(if_steps),
        else_task_ids=tuple(else_steps),
    )
    return TaskNode(node, tuple(upstream), rule)


def refusal(*tasks, launch_trigger_rule="all_success"):
    with pytest.raises(TranslationError) as caught:
        compile_pipeline(PipelineOutline("d", "g", "p", (), tasks, launch_trigger_rule))
    return str(caught.value)


@pytest.mark.parametrize("rule", ["none_failed", "none_failed_min_one_success"])
def test_a_join_with_a_task_that_handles_a_failure_is_refused(rule):
    """Airflow runs the join also when the handler was skipped; SageMaker then has nothing to wait for."""
    assert refusal(task("a"), task("rescue", ["a"], "one_failed"), task("join", ["rescue"], rule)) == SUBJECT + (
        f"Task 'join' has trigger_rule='{rule}' and follows 'rescue', which is skipped unless 'a' fails. Airflow would "
        "run it then, too; SageMaker runs a step only when those before it have run. Let it follow other tasks, or use "
        "trigger_rule='all_success'."
    )


def test_all_done_behind_a_task_that_may_not_start_is_refused():
    """Once the failure of 'a' is waited for, 'b' may never start while the execution goes on."""
    tasks = [task("a"), task("b", ["a"]), task("rescue", ["a"], "one_failed"), task("end", ["b"], "all_done")]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'end' has trigger_rule='all_done' and follows 'b', which may never start (that depends on how 'a' ends). "
        "Airflow would run it then, too; SageMaker waits for steps that start. Let it follow the earlier task."
    )


def test_waiting_for_the_failure_of_a_condition_is_refused():
    """SageMaker takes a condition together with its branches, Airflow by itself."""
    tasks = [choice("c", [], ["i"]), task("i", ["c"]), task("rescue", ["c"], "all_failed")]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'rescue' has trigger_rule='all_failed' and follows the condition 'c'. Airflow would run it when the "
        "condition itself fails; SageMaker also when a step of its branches does. Let it follow one step of a branch, "
        "inside that branch."
    )


def test_a_failure_that_reaches_the_task_from_further_up_is_refused():
    """'b' never starts when 'a' fails: Airflow counts that as failed, SageMaker does not."""
    tasks = [task("a"), task("b", ["a"]), task("one", ["a"], "one_failed"), task("two", ["b"], "one_failed")]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'two' has trigger_rule='one_failed' and follows 'b', which never starts when 'a' fails. Airflow would run "
        "it then, too; SageMaker only when 'b' itself fails. Let it follow 'a'."
    )


@pytest.mark.parametrize("rule", ["all_done", "one_failed", "all_failed"])
@pytest.mark.parametrize(
    ("tasks", "upstream", "failing"),
    [
        ([task("a"), task("b", ["a"])], "b", "'a'"),
        ([task("a"), task("b", ["a"]), task("c", ["b"])], "c", "'a' or 'b'"),
        ([task("a"), task("b"), task("c", ["a", "b"])], "c", "'a' or 'b'"),
        ([task("a"), task("b", ["a"], "none_failed")], "b", "'a'"),
        ([choice("c", [], ["i"]), task("i", ["c"]), task("after", ["c"])], "after", "'c' or 'i'"),
        (
            [
                choice("c", [], ["i"], ["j"]),
                task("i", ["c"]),
                task("j", ["c"]),
                task("join", ["i", "j"], "none_failed_min_one_success"),
            ],
            "join",
            "'c' or 'i' or 'j'",
        ),
        ([task("a", outside=["fetch"]), task("b", ["a"])], "b", "'a'"),
    ],
    ids=["chain", "long chain", "two first steps", "none_failed", "condition", "join", "outside"],
)
def test_what_waits_for_a_failure_and_comes_too_late_is_refused(tasks, upstream, failing, rule):
    """A failure further up, which nobody waits for, ends the pipeline; Airflow goes on, and runs the task."""
    assert refusal(*tasks, task("end", [upstream], rule)) == SUBJECT + (
        f"Task 'end' has trigger_rule='{rule}' and follows '{upstream}', which never starts when {failing} fails. "
        "Airflow would run 'end' then, too; the pipeline has ended by then. Put what 'end' does into a task after the "
        "group, with this trigger rule: group >> task."
    )


@pytest.mark.parametrize("rule", ["one_failed", "all_failed"])
def test_a_failure_in_a_branch_is_not_waited_for(rule):
    """When the condition itself fails, Airflow runs the task, and the pipeline has ended."""
    tasks = [choice("c", [], ["i"]), task("i", ["c"]), task("rescue", ["i"], rule)]
    assert refusal(*tasks) == SUBJECT + (
        f"Task 'rescue' has trigger_rule='{rule}' and follows 'i', which never starts when 'c' fails. Airflow would "
        "run 'rescue' then, too; the pipeline has ended by then. Put what 'rescue' does into a task after the group, "
        "with this trigger rule: group >> task."
    )


def test_a_chain_of_tasks_that_run_whatever_happens():
    """Each failure is waited for by the next one, so none of them comes too late."""
    tasks = [task("a"), task("b", ["a"], "all_done"), task("c", ["b"], "all_done")]
    steps = compile_pipeline(PipelineOutline("d", "g", "p", (), tuple(tasks))).definition.steps
    assert [step.to_document().get("DependsOn") for step in steps] == [
        None,
        [{"Step": "a", "Trigger": "Any"}],
        [{"Step": "b", "Trigger": "Any"}],
    ]


def test_steps_after_a_condition_whose_branch_waits_for_a_handled_failure_are_refused():
    """A step of the branch that may stay away makes Airflow and SageMaker differ about what comes after."""
    tasks = [
        task("a"),
        task("rescue", ["a"], "one_failed"),
        choice("c", [], ["i"]),
        task("i", ["c", "a"]),
        task("after", ["c"]),
    ]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'after' has trigger_rule='all_success' and comes after the condition 'c', and 'i' in a branch of 'c' may "
        "not run (that depends on how 'a' ends). A step after a condition waits in SageMaker for all steps of the branch "
        "taken; Airflow would run it in other cases. Let no task with trigger_rule='one_failed', 'all_failed' or 'all_done' follow 'c' or a step of its branches, or put 'after' into a branch."
    )


def test_a_step_of_a_branch_that_follows_what_comes_after_it_is_refused():
    """The tasks wait in no cycle; the steps would, since what comes after a condition waits for its branch."""
    tasks = [choice("c", [], ["i"]), task("i", ["c"]), task("after", ["c"]), task("late", ["i", "after"])]
    assert refusal(*tasks) == SUBJECT + (
        "step 'late' is in the if-branch of 'c' and follows 'after', which comes after 'c'. In SageMaker a step after "
        "a condition waits for all steps of the branch taken, so the two would wait for one another. Remove the edge "
        "from 'after' to 'late', or put 'after' into the branch, too."
    )


def test_a_step_that_needs_branches_of_two_conditions_is_refused():
    """There is no place in a document for a step that runs when two conditions hold."""
    tasks = [
        choice("c", [], ["i"]),
        choice("d", [], ["j"]),
        task("i", ["c"]),
        task("j", ["d"]),
        task("both", ["i", "j"]),
    ]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'both' has trigger_rule='all_success' and follows tasks of different branches: the if-branch of 'c'; the "
        "if-branch of 'd'. SageMaker cannot run a step only when branches of two conditions are taken. "
        "Put one condition into the branch of the other, or all conditions into one."
    )


def test_a_failure_outside_cannot_start_a_step():
    """The pipeline is started only when outside tasks have succeeded."""
    assert refusal(task("a"), task("rescue", ["a"], "one_failed", ["fetch"])) == SUBJECT + (
        "task 'rescue' has trigger_rule='one_failed' and follows 'fetch' outside the group. The pipeline starts only "
        "when that has succeeded, so no step can start because of its failure. Handle the failure outside the group."
    )


def test_a_launch_task_that_starts_regardless_takes_no_outside_tasks_of_steps():
    """With another rule the launch task would start a step whose task Airflow skips."""
    assert refusal(task("a", outside=["fetch"]), launch_trigger_rule="none_failed") == SUBJECT + (
        "task 'a' follows 'fetch' outside the group, and the launch task has trigger_rule='none_failed': it may start "
        "the pipeline although 'fetch' has not succeeded. Let the whole group follow that task instead (task >> group), "
        "or give the launch task trigger_rule='all_success'."
    )


def test_all_done_behind_a_condition_handles_the_failures_of_its_branches():
    """Then another task behind the condition runs in Airflow after such a failure, and its step does not."""
    tasks = [choice("c", [], ["i"]), task("i", ["c"]), task("end", ["c"], "all_done"), task("after", ["c"])]
    assert refusal(*tasks) == SUBJECT + (
        "Task 'after' has trigger_rule='all_success' and comes after the condition 'c', and the failure of 'i' in a "
        "branch of 'c' is waited for by another task. A step after a condition waits in SageMaker for all steps of the "
        "branch taken; Airflow would run it in other cases. Let no task with trigger_rule='one_failed', 'all_failed' or 'all_done' follow 'c' or a step of its branches, or put 'after' into a branch."
    )
