from __future__ import annotations

import functools
import json

import pytest

from airflow_sm_pipelines.translation.argument_types import types_in, types_of
from tests.oracles.step_types import TARGET, step_types
from tests.versions import needs_pinned_botocore


@needs_pinned_botocore
def test_the_table_is_botocores():
    """The table of types says what the installed botocore's model says."""
    assert json.loads(TARGET.read_text()) == step_types()


@pytest.mark.parametrize(
    ("step_type", "keys", "type_"),
    [
        ("Training", ("Arguments", "ResourceConfig", "InstanceCount"), "Integer"),
        ("Training", ("Arguments", "ResourceConfig", "InstanceType"), "String"),
        ("Training", ("Arguments", "ResourceConfig", "InstanceCount", "Std:Join"), None),
        (
            "Training",
            (
                "Arguments",
                "EnableManagedSpotTraining",
            ),
            "Boolean",
        ),
        ("Tuning", ("Arguments", "TrainingJobDefinitions", 3, "ResourceConfig", "VolumeSizeInGB"), "Integer"),
        ("EMR", ("Arguments", "ClusterConfig", "Instances", "KeepJobFlowAliveWhenNoSteps"), "Boolean"),
        ("QualityCheck", ("SkipCheck",), "Boolean"),
        ("QualityCheck", ("Arguments", "ProcessingResources", "ClusterConfig", "InstanceCount"), "Integer"),
        ("Brand-new", ("InstanceCount",), None),
    ],
)
def test_places_have_types(step_type, keys, type_):
    """A place in a step has the type of its member; in lists and maps every entry has; of all else nothing is known."""
    assert functools.reduce(types_in, keys, types_of(step_type)) == type_
