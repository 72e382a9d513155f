from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import botocore.session
import pytest
from botocore.model import StructureShape

import airflow_sm_pipelines
from airflow_sm_pipelines import SageMakerStepOperator
from airflow_sm_pipelines.definition import step_types as catalogue
from airflow_sm_pipelines.definition.expressions import EXECUTION_VARIABLES
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
from airflow_sm_pipelines.requests.service_model import service, shape_of

GOLDEN = Path(__file__).parents[2] / "golden"
ROWS = catalogue._ROWS
HOLES = {
    "keys": {
        "its arguments say all": "Condition Fail ForEach",
        "the SDK writes none": "InferenceComponent Lineage Cleanup",
    },
    "requests": {"it decides within the pipeline, and asks no API": "Condition Fail ForEach"},
    "properties": {
        "its one property, Outcome, is checked by name": "Condition",
        "the SDK gives it none": "Fail",
        "they are made of its body, and checked by name": "ForEach",
    },
    "resource": {
        "it decides within the pipeline": "Condition Fail ForEach",
        "what it asks has no ARN of SageMaker": "Lambda Callback EMR EMRServerless",
        "it notes and removes what other steps made": "Lineage Cleanup",
    },
    "job_name": {
        "no execution variable names its job": "Tuning Transform AutoML Job",
        "what it makes is no job": "Model RegisterModel EndpointConfig Endpoint InferenceComponent",
        "it makes nothing in SageMaker": "Condition Fail Lambda Callback EMR EMRServerless Lineage Cleanup ForEach",
    },
    "required_keys": {
        "all that it needs is in its arguments": (
            "Processing Training Tuning Transform AutoML Model RegisterModel Condition Fail EMR EMRServerless "
            "EndpointConfig Endpoint InferenceComponent Lineage Job Cleanup ForEach"
        ),
    },
    "check_types": {
        "it is no check": (
            "Processing Training Tuning Transform AutoML Model RegisterModel Condition Fail Lambda Callback EMR "
            "EMRServerless EndpointConfig Endpoint InferenceComponent Lineage Job Cleanup ForEach"
        ),
    },
    "steps_inside": {
        "it holds no steps": (
            "Processing Training Tuning Transform AutoML Model RegisterModel Fail Lambda Callback EMR EMRServerless "
            "QualityCheck ClarifyCheck EndpointConfig Endpoint InferenceComponent Lineage Job Cleanup"
        ),
    },
    "needs_arguments": {"AWS's JSON schema of the definition does not require them": "Lambda Callback"},
    "retries_jobs": {"it makes an entry, and runs no job": "Model RegisterModel"},
    "in_body": {"the SDK refuses it there": "Condition Fail ForEach"},
    "cache_attributes": {
        "the guide counts only some children of some arguments; all count here": "Tuning AutoML",
        "the guide names keywords of the SDK, which are no arguments; all count here": "QualityCheck ClarifyCheck",
        "the guide names none; all count here": "Lambda Callback EMRServerless EndpointConfig Endpoint Job",
        "it takes no CacheConfig": ("Model RegisterModel Condition Fail InferenceComponent Lineage Cleanup ForEach"),
    },
}
"""Why types have nothing in a column, or have to be an exception in it."""

HOLES_OF_RESOURCES = {
    "console_page": {
        "only Studio shows it": "model-package",
        "no page of the SageMaker console is known": "automl-job inference-component job",
    },
    "log_group": {
        "its training jobs have the logs": "hyper-parameter-tuning-job",
        "the guide names no log group of it": "automl-job job",
        "it does not run": "model model-package endpoint-config",
        "its log group has its name in it": "endpoint",
        "no log group of it is known": "inference-component",
    },
    "ran": {"it does not run": "model model-package endpoint-config endpoint inference-component"},
    "has_instances": {
        "the jobs that it launches have them": "hyper-parameter-tuning-job automl-job",
        "it does not run": "model model-package endpoint-config",
        "it has them for as long as it is there, not for a time that ends": "endpoint inference-component",
        "its description names none": "job",
    },
    "is_listed": {
        "it is waited for by looking at the execution": (
            "hyper-parameter-tuning-job transform-job automl-job model model-package endpoint-config endpoint "
            "inference-component job"
        ),
    },
}
"""Why what steps make has nothing in a column."""

FLAGS = {
    "needs_arguments": (
        "Processing Training Tuning Transform AutoML Model RegisterModel Condition Fail EMR EMRServerless QualityCheck "
        "ClarifyCheck EndpointConfig Endpoint InferenceComponent Lineage Job Cleanup ForEach"
    ),
    "retries_jobs": (
        "Processing Training Tuning Transform AutoML EMR EMRServerless QualityCheck ClarifyCheck EndpointConfig Job"
    ),
    "in_body": (
        "Processing Training Tuning Transform AutoML Model RegisterModel Lambda Callback EMR EMRServerless "
        "QualityCheck ClarifyCheck EndpointConfig Endpoint InferenceComponent Lineage Job Cleanup"
    ),
}
"""The types that have a flag which is set unless a row says otherwise: a new row has to be named here, too."""


def holes(rows, key):
    """Return the names of the rows that have nothing in a column, by column."""
    columns = [field.name for field in dataclasses.fields(rows[0])]
    empty = {column: sorted(key(row) for row in rows if not getattr(row, column)) for column in columns}
    return {column: names for column, names in empty.items() if names}


def named(reasons):
    """Return the names that reasons are given for."""
    return {column: sorted(" ".join(of.values()).split()) for column, of in reasons.items()}


def test_no_type_has_a_hole_that_nobody_gave_a_reason():
    """Each type says something in each column, or the reason stands here by its name; a forgotten cell is not silence."""
    assert holes(ROWS, lambda row: row.name) == named(HOLES)


def test_nothing_that_steps_make_has_a_hole_that_nobody_gave_a_reason():
    """What a step makes has a page, a log and a list, or the reason stands here."""
    assert holes([*RESOURCES.values()], lambda resource: resource.type) == named(HOLES_OF_RESOURCES)


def test_flags_that_are_set_by_default_are_meant():
    """A type has a flag because it is named here, not because a row left it out. Retries matter where a row has them."""
    flagged = {flag: sorted(row.name for row in ROWS if getattr(row, flag)) for flag in FLAGS}
    flagged["retries_jobs"] = sorted(row.name for row in ROWS if row.retries_jobs and "RetryPolicies" in row.keys)
    assert flagged == {flag: sorted(names.split()) for flag, names in FLAGS.items()}


def test_no_row_hides_another():
    """Names, metadata members and resources are no row's but its own; types that make the same say the same of it."""
    assert [row.name for row in ROWS] == list(STEP_TYPES)
    assert len({row.metadata for row in ROWS}) == len(ROWS)
    assert [row.name for row in ROWS if row.resource and RESOURCES[row.resource.type] != row.resource] == []
    assert len({resource.api for resource in RESOURCES.values()}) == len(RESOURCES)


def test_columns_of_a_row_agree():
    """What a row requires it knows, it has check types if it has a CheckType, and its words are those of documents."""
    for row in ROWS:
        assert set(row.required_keys) <= set(row.keys)
        assert bool(row.check_types) == ("CheckType" in row.keys)
        assert row.job_name is None or row.job_name in EXECUTION_VARIABLES
        assert row.cache_attributes is None or "CacheConfig" in row.keys
    assert sorted({key for row in ROWS for key in row.keys}) == [
        "CacheConfig",
        "CheckType",
        "FailOnViolation",
        "FunctionArn",
        "ModelName",
        "ModelPackageGroupName",
        "OutputParameters",
        "PropertyFiles",
        "RegisterNewBaseline",
        "RetryPolicies",
        "SkipCheck",
        "SqsQueueUrl",
        "SuppliedBaselineConstraints",
        "SuppliedBaselineStatistics",
    ]


def test_the_types_are_those_of_the_sdk():
    """The catalogue has the step types of the SDK's StepTypeEnum, and no other."""
    assert sorted(STEP_TYPES) == sorted(json.loads((GOLDEN / "sdk3_step_types.json").read_text()))


def test_metadata_members_are_those_of_the_service():
    """Every kind of step metadata in botocore's service model belongs to a type, or is known to belong to none."""
    model = botocore.session.get_session().get_service_model("sagemaker")
    members = model.shape_for("PipelineExecutionStepMetadata").members
    assert set(TYPES_BY_METADATA) == set(members)
    assert not {row.metadata for row in ROWS} & set(OTHER_METADATA)
    assert [
        row.name for row in ROWS if row.resource and not {"Arn", "CheckJobArn"} & set(members[row.metadata].members)
    ] == []


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
    """It is described by its name, its ARN is of its type and, where that is said, it is listed by what it does."""
    sagemaker = service("sagemaker")
    assert f"{resource.api}Name" in sagemaker.operation_model(f"Describe{resource.api}").input_shape.members
    arn = sagemaker.operation_model(f"Create{resource.api}").output_shape.members[f"{resource.api}Arn"]
    # The API's only ARN here without a pattern.
    assert f":{resource.type}/" in arn.metadata.get("pattern", "") or resource.type == "inference-component"
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
    assert step_type("Quantum") == StepType("", "")
