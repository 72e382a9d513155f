from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import Problem, validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.requests import check_requests
from tests.unit.definition.documents import JSON, READABLE

GOLDEN = Path(__file__).parents[2] / "golden"
VALID = [
    json.loads(path.read_text())
    for path in (GOLDEN / "churn.json", GOLDEN / "sdk_3_27.json", *sorted(GOLDEN.glob("sdk[23]/*.json")))
]
STEP_KEY = re.compile(r"(Steps|ForEachBody)\[\d+\]\.\w+$")
OUTPUT_PARAMETER = re.compile(r"Steps\.\w+\.OutputParameters\['\w+'\]")
relaxed = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@relaxed
@given(READABLE)
def test_every_readable_document_survives(document):
    """Whatever has the outline of a definition is read and written without a loss, its key order included."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    definition = PipelineDefinition.from_json(text)
    assert definition.to_json() == text
    assert PipelineDefinition.from_json(text) == definition


@relaxed
@given(READABLE)
def test_checking_never_raises(document):
    """Whatever has the outline of a definition gets a list of problems, each with its place in the document."""
    definition = PipelineDefinition.from_document(document)
    for problem in (*validate(definition), *check_requests(definition)):
        assert isinstance(problem, Problem)
        assert problem.path.startswith("$")


class Place(NamedTuple):
    """Where a mutation can be made."""

    container: Any
    key: Any
    value: Any
    path: str


def places(document, wanted):
    """The places of a document that are wanted."""
    found = []
    stack = [(document, "$")]
    while stack:
        container, path = stack.pop()
        for key, value in container.items() if isinstance(container, dict) else enumerate(container):
            where = f"{path}[{key}]" if isinstance(container, list) else f"{path}.{key}"
            place = Place(container, key, value, where)
            if wanted(place):
                found.append(place)
            if isinstance(value, (dict, list)):
                stack.append((value, where))
    return found


def get_of(root, inside=""):
    return lambda at: at.key == "Get" and str(at.value).startswith(root) and inside in at.value


def named(name, inside=""):
    return lambda at: at.key == name and at.value is not None and inside in at.path


def step_key(name):
    return lambda at: at.key == name and STEP_KEY.search(at.path) is not None


def first_dependency(at):
    return at.key == "DependsOn" and isinstance(at.value[0], str)


def append(suffix):
    return lambda at: at.container.__setitem__(at.key, f"{at.value}{suffix}")


def put(new):
    return lambda at: at.container.__setitem__(at.key, copy.deepcopy(new))


def put_made_of(make):
    return lambda at: at.container.__setitem__(at.key, make(at.value))


def put_beside(key, make):
    return lambda at: at.container.__setitem__(key, make(at.container))


MUTATIONS = {
    "unknown parameter": (get_of("Parameters."), append("x"), "there is no pipeline parameter", ""),
    "unknown step": (get_of("Steps."), put("Steps.nowhere.A"), "there is no step 'nowhere'", ""),
    "unknown variable": (get_of("Execution."), append("x"), "there is no execution variable", ""),
    "unknown root": (get_of("Steps."), put("Stepz.a.b"), "references begin with", ""),
    "unreadable": (get_of("Steps."), append("["), "is not a reference", ""),
    "unknown property file": (
        get_of("Steps.", ".PropertyFiles."),
        append("x"),
        "declares no property file",
        "",
    ),
    "output of a property file": (
        named("OutputName", "PropertyFiles["),
        append("x"),
        "which the step does not have",
        ".OutputName",
    ),
    "unknown output parameter": (
        lambda at: at.key == "Get" and OUTPUT_PARAMETER.fullmatch(str(at.value)) is not None,
        put_made_of(lambda path: path.replace("['", "['x")),
        "declares no output parameter",
        "",
    ),
    "path of a JsonGet": (
        named("Path", "Std:JsonGet.Path"),
        put({"Get": "Parameters.P"}),
        "the 'Path' of a Std:JsonGet must be literal text",
        ".Path",
    ),
    "source of a JsonGet": (
        named("Std:JsonGet"),
        put({"Path": "a"}),
        "must name either 'PropertyFile' or 'S3Uri'",
        "",
    ),
    "no dependency": (step_key("DependsOn"), put(["nowhere"]), "there is no step 'nowhere'", ".DependsOn[0]"),
    "own dependency": (
        step_key("Name"),
        put_beside("DependsOn", lambda step: [step["Name"]]),
        "depends on itself",
        ".DependsOn[0]",
    ),
    "unknown trigger": (
        first_dependency,
        put_made_of(lambda names: [{"Step": names[0], "Trigger": "Done"}]),
        "triggers are Completed, Failed, Stopped, Any",
        ".DependsOn[0].Trigger",
    ),
    "conflicting triggers": (
        first_dependency,
        put_made_of(lambda names: [names[0], {"Step": names[0], "Trigger": "Any"}]),
        "keep one of them",
        ".DependsOn[1]",
    ),
    "step name": (step_key("Name"), append(" x"), "SageMaker refuses the step name", ".Name"),
    "condition type": (
        named("Type", "Conditions["),
        append("x"),
        "has a condition of unknown type",
        "",
    ),
    "no conditions": (
        lambda at: at.path.endswith(".Arguments.Conditions"),
        put([]),
        "has no conditions",
        ".Conditions",
    ),
    "parameter type": (
        named("Type", "$.Parameters["),
        append("x"),
        "types are String, Integer, Float, Boolean",
        ".Type",
    ),
    "default": (named("DefaultValue"), put([]), "and has the default a list of 0", ".DefaultValue"),
    "cache": (named("ExpireAfter"), put("a month"), "which is not a duration", ".ExpireAfter"),
    "retry exception": (
        lambda at: "ExceptionType[" in at.path,
        append("x"),
        "a retry policy may name",
        "",
    ),
    "retry attempts": (named("MaxAttempts"), put(21), "must be a whole number from 0 to 20", ".MaxAttempts"),
    "concurrency": (named("MaxConcurrency"), put(51), "must be a whole number from 1 to 50", ".MaxConcurrency"),
    "items": (named("IterableItems"), put(["x"] * 101), "a list of 1 to 100 items", ".IterableItems"),
    "body": (named("ForEachBody"), put([]), "has no steps in its body", ".ForEachBody"),
    "pick": (named("Pick"), put("Max"), "it can pick MaxBy or MinBy", ".Pick"),
    "unknown step type": (step_key("Type"), put("Newest"), "which this version does not know", ".Type"),
    "unknown key": (
        step_key("Name"),
        put_beside("Newest", lambda _: 1),
        "which this version does not know",
        ".Newest",
    ),
}


@pytest.mark.parametrize("kind", MUTATIONS)
def test_any_single_mutation_is_reported_at_its_place(kind):
    """Wherever in a valid document one thing is made wrong, a problem says so at that place."""
    wanted, mutate, message, ending = MUTATIONS[kind]
    tried = 0
    for document in VALID:
        for index in range(len(places(document, wanted))):
            mutated = copy.deepcopy(document)
            at = places(mutated, wanted)[index]
            mutate(at)
            expected = at.path if isinstance(at.container, list) else at.path.rpartition(f".{at.key}")[0] + ending
            reported = validate(PipelineDefinition.from_document(mutated))
            assert [each for each in reported if each.path == expected and message in each.message], (at.path, reported)
            tried += 1
    assert tried > 0


def test_the_documents_that_are_mutated_are_valid():
    """What the mutations start from has no problem, so that every problem is the mutation's."""
    assert [list(map(str, validate(PipelineDefinition.from_document(document)))) for document in VALID] == [[]] * len(
        VALID
    )


def read(value):
    """A document and no refusals, or none and why."""
    try:
        return PipelineDefinition.from_document(value), ()
    except PipelineDefinitionError as error:
        return None, tuple(map(str, error.problems))


@relaxed
@given(JSON | READABLE)
def test_any_value_is_read_or_refused(value):
    """Whatever JSON holds is a document or an error that says where it is none; nothing else is raised."""
    definition, refusals = read(value)
    assert all(" @ $" in refusal for refusal in refusals)
    assert refusals or definition.to_document() == value


@relaxed
@given(document=st.sampled_from(VALID), number=st.integers(0, 10**6), value=JSON | READABLE)
def test_any_value_at_any_place_is_checked(document, number, value):
    """Whatever stands at any place of a real document, it is refused as a whole or gets problems with their places."""
    mutated = copy.deepcopy(document)
    found = places(mutated, lambda _: True)
    at = found[number % len(found)]
    at.container[at.key] = value
    definition, refusals = read(mutated)
    assert all(" @ $" in refusal for refusal in refusals)
    if not refusals:
        assert definition.to_document() == mutated
        assert all(problem.path.startswith("$") for problem in (*validate(definition), *check_requests(definition)))
