from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.execution.cache_miss import EarlierSuccess, different, expired, never_succeeded

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
ENDED = datetime(2026, 1, 1, 9, 0, 0, 250000, tzinfo=timezone(timedelta(hours=9)))
SUCCESS = EarlierSuccess(ARN, ENDED)
LATEST = f"its latest success, in execution {ARN}"


def test_there_is_no_success():
    """How far was looked is told where it was not to the pipeline's first execution."""
    assert never_succeeded(3) == "the step has not succeeded in an earlier execution of the pipeline"
    assert never_succeeded(20) == "the step has not succeeded in the 20 executions of the pipeline before"


@pytest.mark.parametrize(
    ("config", "later", "told"),
    [
        ({"ExpireAfter": "PT1H"}, timedelta(hours=1), None),
        (
            {"ExpireAfter": "PT1H"},
            timedelta(hours=1, milliseconds=1),
            f"{LATEST}, has expired: it ended at 2026-01-01T00:00:00+00:00, and results are kept for PT1H",
        ),
        ({}, timedelta(days=1000), None),
    ],
)
def test_a_success_that_has_expired(config, later, told):
    """A result counts as long as ExpireAfter says, and for ever where it says nothing."""
    assert expired(config, SUCCESS, ENDED + later) == told


def test_a_duration_that_is_none():
    """What ExpireAfter cannot be is an error of the caller's to tell."""
    with pytest.raises(ValueError, match="'soon' is not an ISO 8601 duration"):
        expired({"ExpireAfter": "soon"}, SUCCESS, ENDED)


def test_attributes_of_the_key_are_told_and_no_others():
    """Of a Training step the guide names the attributes: where the model goes is none of them."""
    before = {"HyperParameters": {"trees": "100"}, "OutputDataConfig": {"S3OutputPath": "a"}, "Environment": {"T": "s"}}
    after = {"HyperParameters": {"trees": "200"}, "OutputDataConfig": {"S3OutputPath": "b"}, "Environment": {"T": "t"}}
    assert different("Training", before, after, SUCCESS) == (
        f"Environment.T changed; HyperParameters.trees 100 → 200; compared with {LATEST}"
    )
    assert different("Training", before, after, SUCCESS, values=False) == (
        f"Environment.T changed; HyperParameters.trees changed; compared with {LATEST}"
    )


def test_all_attributes_are_the_key_of_other_types():
    """All that the step says counts, its job's name and what the pipeline adds to the request do not."""
    before = {"AutoMLJobName": "a", "RoleArn": "r", "Tags": [], "ExperimentConfig": {"TrialName": "a"}}
    after = {"AutoMLJobName": "b", "RoleArn": "s", "ExperimentConfig": {"TrialName": "b"}}
    assert different("AutoML", before, after, SUCCESS) == f"RoleArn r → s; compared with {LATEST}"
    assert different("Mystery", {"RoleArn": "r"}, {"RoleArn": "s"}, SUCCESS) == f"RoleArn r → s; compared with {LATEST}"


def test_nothing_differs():
    """The service has a reason of which nothing is to be seen, and that is what is said."""
    assert different("Training", {"RoleArn": "a"}, {"RoleArn": "b"}, SUCCESS) == (
        f"the service does not say why: all that it shows of the cache key is the same as in {LATEST}"
    )


def test_few_attributes_are_told():
    """Of many differences the first five are told."""
    before, after = ({"HyperParameters": {f"p{number}": value for number in range(7)}} for value in ("1", "2"))
    assert different("Training", before, after, SUCCESS) == (
        "; ".join(f"HyperParameters.p{number} 1 → 2" for number in range(5)) + f"; and 2 more; compared with {LATEST}"
    )
