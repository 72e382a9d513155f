from __future__ import annotations

import itertools

import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.expressions import Get
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.translation.compile import compile_pipeline
from airflow_sm_pipelines.translation.nodes import PipelineOutline, StepNode, TaskNode
from tests.unit.translation import airflow_rules, pipeline_runs

RULES_FOR_SEVERAL = ("all_success", "none_failed", "none_failed_min_one_success", "all_success", "all_done")
RULES = (
    "all_success",
    "all_success",
    "none_failed",
    "none_failed_min_one_success",
    "one_failed",
    "all_failed",
    "all_done",
)
CONDITION = (Get("Execution.PipelineName").equals("x"),)


@st.composite
def outlines(draw) -> PipelineOutline:
    """Any graph of plain, mapped and Condition tasks, most of them of the kind that people draw."""
    count = draw(st.integers(2, 9))
    names = [f"t{index}" for index in range(count)]
    conditions = [name for name in names if draw(st.integers(0, 9)) < 4]
    branches: dict[str, dict[bool, list[str]]] = {name: {True: [], False: []} for name in conditions}
    tasks: list[TaskNode] = []
    for index, name in enumerate(names):
        earlier = names[:index]
        upstream = draw(st.lists(st.sampled_from(earlier[-4:]), max_size=3, unique=True)) if earlier else []
        first = False
        for each in upstream:
            if each in branches:
                outcome = draw(st.sampled_from([True, True, False, False, None]))
                if outcome is not None:
                    first = True
                    branches[each][outcome].append(name)
        if not upstream or (first and draw(st.integers(0, 29))):
            rule = "all_success"
        else:
            rule = draw(st.sampled_from(RULES if len(upstream) == 1 else RULES_FOR_SEVERAL))
        outside = ("outside",) if draw(st.integers(0, 19)) == 0 else ()
        step = StepNode(name, name, "Condition" if name in branches else "Training")
        if step.type == "Training" and draw(st.integers(0, 3)) == 0:
            body = StepNode(name, f"{name}-body", "Training")
            items = {"IterableItems": ["a", "b"], "MaxConcurrency": 2}
            step = StepNode(name, name, "ForEach", arguments=items, body=(body,))
        tasks.append(TaskNode(step, tuple(upstream), rule, outside))
    finished = []
    for task in tasks:
        step = task.step
        if step.name in branches:
            step = StepNode(
                step.task_id,
                step.name,
                step.type,
                conditions=CONDITION,
                if_task_ids=tuple(branches[step.name][True]),
                else_task_ids=tuple(branches[step.name][False]),
            )
        finished.append(TaskNode(step, task.upstream_task_ids, task.trigger_rule, task.outside_task_ids))
    return PipelineOutline("d", "g", "p", (), tuple(finished))


def airflow_tasks(outline):
    return {
        task.step.task_id: airflow_rules.Task(
            (*task.upstream_task_ids, *task.outside_task_ids),
            task.trigger_rule,
            {True: task.step.else_task_ids, False: task.step.if_task_ids} if task.step.type == "Condition" else None,
            2 if task.step.body else 1,
        )
        for task in outline.tasks
    }


def reached_by_failures(tasks, states):
    """The tasks directly behind one that has failed, or did not start because of a failure."""
    return {
        name
        for name, task in tasks.items()
        if any(states.get(each) in ("failed", "upstream_failed") for each in task.upstream)
    }


def scenarios(outline):
    """Every combination of outcomes, with no failing step, with each one and with every other one."""
    names = [task.step.name for task in outline.tasks]
    conditions = [task.step.name for task in outline.tasks if task.step.type == "Condition"]
    failures = [(), *((name,) for name in names), tuple(names[::2])]
    for values in itertools.product([True, False], repeat=len(conditions)):
        for failing in failures:
            yield dict(zip(conditions, values, strict=True)), failing


@settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(outlines())
def test_the_pipeline_runs_what_airflow_would_run(outline):
    """A graph is refused, or its steps run for exactly the outcomes and failures for which Airflow runs its tasks.

    A failure that no task waits for ends the whole execution: then SageMaker starts nothing that Airflow would not, and
    of the tasks that the failure reaches all that Airflow would.
    """
    note("\n".join(f"{name}: {task}" for name, task in airflow_tasks(outline).items()))
    event(compared(outline))


@pytest.mark.parametrize("rule", sorted(set(RULES)))
def test_every_rule_behind_a_mapped_task(rule):
    """When one of two instances fails, the step behind runs if Airflow runs its task; only all_failed is refused."""
    items = {"IterableItems": ["a", "b"], "MaxConcurrency": 2}
    mapped = StepNode("a", "a", "ForEach", arguments=items, body=(StepNode("a", "a-body", "Training"),))
    tasks = (TaskNode(mapped, ()), TaskNode(StepNode("b", "b", "Training"), ("a",), rule))
    found = compared(PipelineOutline("d", "g", "p", (), tasks))
    assert found == ("refused" if rule == "all_failed" else "translated")


def compared(outline):
    """Compare the steps of an outline's pipeline that run with the tasks that do; say whether there is a pipeline."""
    try:
        definition = compile_pipeline(outline).definition
    except TranslationError:
        return "refused"
    tasks = airflow_tasks(outline)
    for outcomes, failing in scenarios(outline):
        ended, status = pipeline_runs.run(definition, outcomes, failing)
        expected = airflow_rules.run(
            tasks,
            outcomes,
            lambda name, failing=failing: "failed" if name in failing else "success",
            before={"outside": "success"},
        )
        started = {name for name, (was_started, _) in expected.items() if was_started}
        if status is ExecutionStatus.FAILED:
            assert set(ended) <= started, (outcomes, failing)
            states = {name: state for name, (_, state) in expected.items()}
            if sum(name in failing for name in ended) == 1:
                assert started & reached_by_failures(tasks, states) <= set(ended), (
                    outcomes,
                    failing,
                    definition.to_json(),
                )
        else:
            assert set(ended) == started, (outcomes, failing, definition.to_json())
    return "translated"
