from __future__ import annotations

import json

import pytest

from airflow_sm_pipelines.definition.steps import walk_steps
from benchmarks.imports import SIDES, measure
from benchmarks.pipelines import alike, blocks, ours


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
    """Each side's module is imported on top of airflow.sdk; ours loads modules, and airflow.sdk's own are not counted."""
    ours_again = measure(SIDES["this package"])
    nothing = measure("airflow.sdk")
    assert (ours_again.modules > 10, ours_again.seconds > 0, nothing.modules) == (True, True, 0)
