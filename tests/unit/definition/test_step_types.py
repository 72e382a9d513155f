from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import botocore.session
import pytest
from botocore.model import StructureShape

import airflow_sm_pipelines
from airflow_sm_pipelines import SageMakerStepOperator
from airflow_sm_pipelines.definition.step_types import (
    OTHER_METADATA,
    RESOURCES,
    STEP_TYPES,
    STEPS,
    TYPES_BY_METADATA,
    StepType,
    step_type,
)
from airflow_sm_pipelines.local.runners.registry import RUNNERS
from airflow_sm_pipelines.requests.service_model import service
from airflow_sm_pipelines.requests.steps import shape_of

GOLDEN = Path(__file__).parents[2] / "golden"
NO_REQUEST = "it decides within the pipeline, and asks no API"
NO_RESOURCE = "it makes nothing that has an ARN of SageMaker"
ONLY_JOBS = "it runs no job that has a name"
HOLES = {
    "keys": {
        "Condition": "its arguments say all",
        "Fail": "its arguments say all",
        "InferenceComponent": "the SDK writes none",
        "Lineage": "the SDK writes none",
        "Cleanup": "the SDK writes none",
        "ForEach": "its arguments say all",
    },
    "requests": {"Condition": NO_REQUEST, "Fail": NO_REQUEST, "ForEach": NO_REQUEST},
    "properties": {
        "Condition": "its one property, Outcome, is checked by name",
        "Fail": "the SDK gives it none",
        "ForEach": "they are made of its body, and checked by name",
    },
    "metadata": {},
    "resource": dict.fromkeys(
        ("Condition", "Fail", "Lambda", "Callback", "EMR", "EMRServerless", "Lineage", "Cleanup", "ForEach"),
        NO_RESOURCE,
    ),
    "job_name": {
        name: "no execution variable names its job" if row.resource else ONLY_JOBS
        for name, row in STEP_TYPES.items()
        if name not in ("Processing", "Training", "QualityCheck", "ClarifyCheck")
    },
    "required_keys": {
        name: "botocore's model, or nothing, requires what it has"
        for name in STEP_TYPES
        if name not in ("Lambda", "Callback", "QualityCheck", "ClarifyCheck")
    },
    "check_types": {name: "it is no check" for name in STEP_TYPES if not name.endswith("Check")},
    "steps_inside": {name: "it holds no steps" for name in STEP_TYPES if name not in ("Condition", "ForEach")},
    "cache_attributes": {
        name: "the developer guide names none, so all arguments count"
        for name, row in STEP_TYPES.items()
        if "CacheConfig" in row.keys and name not in ("Processing", "Training")
    }
    | {name: "its results are not cached" for name, row in STEP_TYPES.items() if "CacheConfig" not in row.keys},
}
"""Why a type has nothing in a column."""


def test_no_type_has_a_hole_that_nobody_gave_a_reason():
    """Each type says something in each column, or the reason stands here; a forgotten cell is not silence."""
    columns = [field.name for field in dataclasses.fields(StepType) if field.name not in ("name",)]
    flags = {"needs_arguments", "retries_jobs"}
    empty = {
        column: {name for name, row in STEP_TYPES.items() if not getattr(row, column)}
        for column in columns
        if column not in flags
    }
    assert empty == {column: set(reasons) for column, reasons in HOLES.items()}
    assert all(reason for reasons in HOLES.values() for reason in reasons.values())


def test_the_types_are_those_of_the_sdk():
    """The catalogue has the step types of the SDK's StepTypeEnum, and no other."""
    assert sorted(STEP_TYPES) == sorted(json.loads((GOLDEN / "sdk3_step_types.json").read_text()))


def test_metadata_members_are_those_of_the_service():
    """Every kind of step metadata in botocore's service model belongs to a type, or is known to belong to none."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert set(TYPES_BY_METADATA) == set(model.shape_for("PipelineExecutionStepMetadata").members)
    assert not {row.metadata for row in STEP_TYPES.values()} & set(OTHER_METADATA)


@pytest.mark.parametrize("name", STEP_TYPES)
def test_requests_and_properties_are_in_botocore(name):
    """Every structure exists, with the members that the catalogue names; one that is a request has its operation."""
    row = STEP_TYPES[name]
    for part in row.requests:
        shape = shape_of(part)
        assert set(part.waived) <= set(shape.required_members)
        assert set(part.one_of) <= set(shape.members)
        if part.called.startswith("Create") and part.service == "sagemaker":
            assert service("sagemaker").operation_model(part.called).input_shape.name == part.shape_name
    for of, shape_name in row.properties:
        assert isinstance(service(of).shape_for(shape_name), StructureShape)
    if row.cache_attributes is not None:
        assert set(row.cache_attributes) <= set(shape_of(row.requests[0]).members)


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=list(RESOURCES))
def test_what_steps_make_is_in_botocore(resource):
    """It can be described by its name and, where that is said, listed by what it does."""
    sagemaker = service("sagemaker")
    assert f"Describe{resource.api}" in sagemaker.operation_names
    listing = f"List{resource.api}s"
    members = sagemaker.operation_model(listing).input_shape.members if resource.is_listed else {}
    assert resource.is_listed is ({"StatusEquals", "NameContains"} <= set(members))


def test_own_structures_are_all_used():
    """The model of what stands in steps has no structure that no step has."""
    named = {part.shape_name for row in STEP_TYPES.values() for part in row.requests if part.service == STEPS}
    named |= {name for row in STEP_TYPES.values() for of, name in row.properties if of == STEPS}
    tops = {name for name in service(STEPS).shape_names if name.endswith(("Keys", "Arguments", "Properties"))}
    assert tops == named


def test_every_type_has_an_operator_or_the_generic_one():
    """Which types have their own operator; all others are SageMakerStepOperator's."""
    without = {"Job", "Lineage", "Cleanup", "ForEach"}
    named = {
        name.removeprefix("SageMaker").removesuffix("StepOperator")
        for name in airflow_sm_pipelines.__all__
        if name.startswith("SageMaker") and name.endswith("StepOperator") and name != SageMakerStepOperator.__name__
    }
    assert named == set(STEP_TYPES) - without


def test_runners_are_of_known_types():
    """The local endpoint runs no type that the catalogue does not know."""
    assert set(RUNNERS) <= set(STEP_TYPES)


def test_of_an_unknown_type_nothing_is_known():
    """It is kept as it is: no keys, no requests, nothing required."""
    assert step_type("Quantum") == StepType("")
