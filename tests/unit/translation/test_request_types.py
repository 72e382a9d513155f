from __future__ import annotations

import json

import pytest

from airflow_sm_pipelines.translation.request_types import type_at
from tests.oracles.request_types import TARGET, request_types


def test_the_table_is_botocores():
    """The table of members that are no text says what the installed botocore's model says."""
    assert json.loads(TARGET.read_text()) == request_types()


@pytest.mark.parametrize(
    ("step_type", "keys", "type_"),
    [
        ("Training", ("ResourceConfig", "InstanceCount"), "Integer"),
        ("Training", ("ResourceConfig", "InstanceType"), "String"),
        ("Training", ("ResourceConfig",), "String"),
        ("Training", ("ResourceConfig", "InstanceCount", "Std:Join"), "String"),
        ("Training", ("EnableManagedSpotTraining",), "Boolean"),
        ("Tuning", ("TrainingJobDefinitions", 3, "ResourceConfig", "VolumeSizeInGB"), "Integer"),
        ("EMR", ("ClusterConfig", "Instances", "KeepJobFlowAliveWhenNoSteps"), "Boolean"),
        ("QualityCheck", ("SkipCheck",), "Boolean"),
        ("QualityCheck", ("ProcessingResources", "ClusterConfig", "InstanceCount"), "Integer"),
        ("Brand-new", ("InstanceCount",), "String"),
    ],
)
def test_places_have_types(step_type, keys, type_):
    """A place in a request has the type of its member; in lists and maps every entry has; all else is text."""
    assert type_at(step_type, keys) == type_
