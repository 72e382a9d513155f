from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.requests import check_requests

GOLDEN = Path(__file__).parents[2] / "golden"
DOCUMENTS = sorted([*GOLDEN.glob("sdk2/*.json"), *GOLDEN.glob("sdk3/*.json")])


@pytest.fixture(params=DOCUMENTS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def text(request):
    return request.param.read_text()


def test_documents_of_the_sdk_survive_byte_for_byte(text):
    """What the SDK writes is read and written again without a change, its key order included."""
    compact = json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)
    assert PipelineDefinition.from_json(text).to_json() == compact


def test_documents_of_the_sdk_have_no_problems(text):
    """What the SDK writes breaks no rule, has nothing unknown in it, and makes requests that the API takes."""
    definition = PipelineDefinition.from_json(text)
    assert [str(problem) for problem in (*validate(definition), *check_requests(definition))] == []


def test_documents_of_the_sdk_can_be_ordered(text):
    """Every step of what the SDK writes has its place in the order of execution."""
    definition = PipelineDefinition.from_json(text)
    assert sorted(PipelineGraph.of(definition).order) == sorted(each.step.name for each in definition.walk())
