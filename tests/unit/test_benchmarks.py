from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.definition.steps import walk_steps
from benchmarks.ends.run import quantile
from benchmarks.imports import SIDES, measure
from benchmarks.pipelines import alike, blocks, ours
from benchmarks.triggers.side_by_side import measure as measure_waiting
from benchmarks.workers.run import WorkerUse, worker_use
from harness.airflow_api import Event


def test_the_pipeline_of_the_benchmark_has_as_many_steps_as_asked_for():
    """A number of steps that is no multiple of ten is refused, and any other is the number of steps in the document."""
    compiled = ours.task_group(20).compile()
    assert len(list(walk_steps(compiled.definition.steps))) == 20
    with pytest.raises(ValueError, match="steps=15: the pipeline is made of blocks of 10 steps"):
        blocks(15)


def test_documents_are_compared_without_defaults_that_one_side_spells_out():
    """Only members with the service's own default are left out, at any depth; others, and other values, stay."""
    document = {"AppManaged": False, "Steps": [{"CompressionType": "GZIP", "a": 1}, {"CompressionType": "NONE"}]}
    assert alike(json.dumps(document)) == {"Steps": [{"a": 1}, {"CompressionType": "NONE"}]}


def test_an_import_is_measured_in_a_process_of_its_own():
    """What a side imports is counted on top of airflow.sdk: our own modules, CPU time and memory."""
    cost = measure(SIDES["this package"])
    assert (cost.modules > 10, cost.seconds > 0, cost.bytes >= 0) == (True, True, True)


def test_a_waiting_process_runs_its_triggers_against_the_stub_and_tells_what_it_took(tmp_path):
    """All ten step triggers of an execution run to the end of the time, and the stub has counted their calls."""
    waited = measure_waiting("ours", 1, directory=tmp_path, waiter_delay=1, start_seconds=4, steady_seconds=1)
    calls = {operation for phase in (waited.start, waited.steady) for operation in phase.calls}
    assert waited.triggers == 10
    assert "ListPipelineExecutionSteps" in calls
    assert calls <= {"DescribePipelineExecution", "ListPipelineExecutionSteps"}
    assert waited.start.cpu_seconds > 0


def test_a_process_that_cannot_wait_is_an_error_with_its_last_words(tmp_path):
    """What goes wrong in the other process does not end in empty numbers."""
    with pytest.raises(RuntimeError, match=r"(?s)nobody: status 1.*side='nobody' is none of ours, amazon, idle"):
        measure_waiting("nobody", 1, directory=tmp_path)


def test_worker_use_counts_every_process_and_the_time_until_it_reports_an_end():
    """A task that defers has two processes and no slot between them; one that ends in the triggerer has none."""
    events = [
        event("launch", "running", 0),
        event("a", "running", 10),
        event("launch", "success", 2),
        event("a", "deferred", 11),
        event("a", "running", 60),
        event("step", "success", 50),
        event("a", "success", 63),
    ]
    assert worker_use(events, 70) == WorkerUse(process_starts=3, slot_seconds=2 + 1 + 3, seconds=70)


def test_a_process_without_an_end_is_no_number():
    """A run whose events are not complete is refused: its slots would seem free."""
    with pytest.raises(ValueError, match=r"the process that task a started at .* never reported an end"):
        worker_use([event("a", "running", 0)], 1)


def event(task_id, name, second):
    return Event(task_id, name, datetime(2026, 11, 21, tzinfo=timezone.utc) + timedelta(seconds=second))


@pytest.mark.parametrize(("part", "value"), [(0.0, 1), (0.5, 2), (0.95, 4), (1.0, 4)])
def test_a_quantile_is_one_of_the_values(part, value):
    """That many of the values, in any order, do not exceed it."""
    assert quantile([3, 1, 4, 2], part) == value
