"""What a retry of an execution runs, for any graph."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.engine import Schedule


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[PipelineGraph, dict[str, bool]]:
    """A graph of jobs and conditions with branches, and the outcome of each condition."""
    count = draw(st.integers(1, 10))
    top: list[dict[str, Any]] = []
    names: list[str] = []
    outcomes: dict[str, bool] = {}
    for index in range(count):
        name = f"s{index}"
        depends_on = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
        if draw(st.booleans()):
            step = {"Name": name, "Type": "Processing", "Arguments": {}, "DependsOn": depends_on}
        else:
            outcomes[name] = draw(st.booleans())
            branches = {
                key: [
                    {"Name": f"{name}-{key}-{inner}", "Type": "Processing", "Arguments": {}}
                    for inner in range(draw(st.integers(0, 2)))
                ]
                for key in ("IfSteps", "ElseSteps")
            }
            arguments = {"Conditions": [], **branches}
            step = {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": depends_on}
        top.append(step)
        names.append(name)
    definition = PipelineDefinition.from_document({"Version": "2020-12-01", "Steps": top})
    return PipelineGraph.of(definition), outcomes


def run(schedule: Schedule, outcomes: dict[str, bool], failing: set[str]) -> tuple[list[str], set[str]]:
    """Run a schedule to its end: the steps that ran, in order, and those of them that failed."""
    ran: list[str] = []
    failed: set[str] = set()
    while started := schedule.start_ready():
        ran.extend(started)
        for name in started:
            if name in failing:
                failed.add(name)
                schedule.finish(name, StepStatus.FAILED)
            else:
                schedule.finish(name, StepStatus.SUCCEEDED, outcomes.get(name))
    return ran, failed


@given(pipelines(), st.data(), st.integers(1, 3) | st.none())
def test_retries_run_what_is_left_and_nothing_twice(
    pipeline: tuple[PipelineGraph, dict[str, bool]], data: st.DataObject, parallelism: int | None
) -> None:
    """However often it fails and where: in the end exactly those steps have succeeded that a run without failures has,
    each once.
    """
    graph, outcomes = pipeline
    expected, _ = run(Schedule(graph), outcomes, set())
    succeeded: dict[str, bool | None] = {}
    for _ in range(3):
        schedule = Schedule(graph, parallelism, succeeded)
        failing = data.draw(st.sets(st.sampled_from(graph.order), max_size=3))
        ran, failed = run(schedule, outcomes, failing)
        assert not set(ran) & set(succeeded)
        assert schedule.status is (ExecutionStatus.FAILED if failed else ExecutionStatus.SUCCEEDED)
        succeeded |= {name: outcomes.get(name) for name in ran if name not in failed}
    schedule = Schedule(graph, parallelism, succeeded)
    ran, _ = run(schedule, outcomes, set())
    assert not set(ran) & set(succeeded)
    assert sorted([*succeeded, *ran]) == sorted(expected)
    assert schedule.status is ExecutionStatus.SUCCEEDED
