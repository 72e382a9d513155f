from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.execution.bounds import LARGEST_XCOM
from airflow_sm_pipelines.execution.report import StepResult
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from tests.reports import job_report

JOB = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-abc-evaluate"
SOURCE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
TOKYO = timezone(timedelta(hours=9))
STEP = StepSnapshot(
    "evaluate",
    StepStatus.SUCCEEDED,
    start_time=datetime(2026, 1, 1, 9, 0, 0, 250000, tzinfo=TOKYO),
    end_time=datetime(2026, 1, 1, 9, 1, tzinfo=TOKYO),
    metadata={"ProcessingJob": {"Arn": JOB}},
    attempt_count=2,
    cache_hit_source=SOURCE,
)
NOTHING = {
    "status": "Succeeded",
    "job_arn": None,
    "outputs": {},
    "times": {"start": None, "end": None},
    "attempt": 0,
    "cache": {"hit": False, "source_execution": None},
    "instance": None,
    "reason": None,
    "job": None,
    "model_package": None,
    "request": None,
    "left_out": [],
}
BARE = StepSnapshot("good", StepStatus.SUCCEEDED)


def test_all_that_there_is_to_tell():
    """Times are in UTC wherever the code runs, the instances stand in the request, and an environment is masked."""
    request = {
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}},
        "Environment": {"PASSWORD": "secret", "MODE": "fast"},
        "ProcessingJobName": "pipelines-abc-evaluate",
    }
    result = StepResult(
        STEP, {"report": "s3://box/report"}, request, {"metrics": {"auc": 0.9}}, {"metrics": "s3://box/m"}
    )
    assert result.xcoms() == {
        "step_report": {
            "status": "Succeeded",
            "job_arn": JOB,
            "outputs": {"report": "s3://box/report"},
            "times": {"start": "2026-01-01T00:00:00.250000+00:00", "end": "2026-01-01T00:01:00+00:00"},
            "attempt": 2,
            "cache": {"hit": True, "source_execution": SOURCE},
            "instance": {"type": "ml.m5.large", "count": 2},
            "reason": None,
            "job": None,
            "model_package": None,
            "request": {**request, "Environment": {"PASSWORD": "***", "MODE": "***"}},
            "left_out": [],
        },
        "property_files": {"metrics": {"auc": 0.9}},
    }
    assert result.log_lines() == []


def test_a_step_that_made_nothing():
    """Nothing is made up, and there is no XCom without a value."""
    assert StepResult(BARE).xcoms() == {"step_report": NOTHING}


@pytest.mark.parametrize(
    ("request_", "instance"),
    [
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}, {"type": "ml.m5.large", "count": 1}),
        (
            {"TrainingJobDefinition": {"ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 3}}},
            {"type": "ml.g5.xlarge", "count": 3},
        ),
        ({"ResourceConfig": {"InstanceGroups": [{"InstanceType": "ml.m5.large", "InstanceCount": 1}]}}, None),
        ({"Environment": {"InstanceType": "made up"}}, None),
    ],
)
def test_instances(request_, instance):
    """They are found where a request names one type of them; a list may hold several, and an environment is text."""
    assert StepResult(BARE, request=request_).xcoms()["step_report"]["instance"] == instance


def test_environments_are_masked_at_any_depth():
    """Those of the jobs of a tuning job and of the containers of a model, too; times become text."""
    request = {
        "TrainingJobDefinition": {"Environment": {"A": "1"}},
        "Containers": [{"Environment": {"B": "2"}, "Image": "i"}],
        "Deadline": datetime(2026, 1, 1, tzinfo=timezone.utc),
    }
    assert StepResult(BARE, request=request).xcoms()["step_report"]["request"] == {
        "TrainingJobDefinition": {"Environment": {"A": "***"}},
        "Containers": [{"Environment": {"B": "***"}, "Image": "i"}],
        "Deadline": "2026-01-01T00:00:00+00:00",
    }


def test_the_biggest_parts_are_left_out_first():
    """As many as it takes, and the report names them; what is small stays."""
    request = {"HyperParameters": {"a": "x" * 30_000}, "InputDataConfig": ["y" * 25_000], "RoleArn": "role"}
    report = StepResult(BARE, {"o": "s3://box/o"}, request).xcoms()["step_report"]
    assert report == {
        **NOTHING,
        "outputs": {"o": "s3://box/o"},
        "request": {"InputDataConfig": ["y" * 25_000], "RoleArn": "role"},
        "left_out": ["request.HyperParameters"],
    }


@pytest.mark.parametrize("size", [1, 100, 1_000, 10_000, 24_000, 48_000, 60_000])
def test_no_xcom_is_too_large(size):
    """Whatever the sizes of the parts are, both XComs stay below the limit, also together with what they name."""
    names = [f"{number:04}" * 16 for number in range(120)]
    files = dict.fromkeys(names, "f" * size)
    result = StepResult(
        STEP, dict.fromkeys(names, "s" * size), dict.fromkeys(names, "r" * size), files, dict.fromkeys(names, "s3://")
    )
    xcoms = result.xcoms()
    assert max(len(json.dumps(value)) for value in xcoms.values()) <= LARGEST_XCOM
    kept = {f"outputs.{name}" for name in xcoms["step_report"]["outputs"]}
    kept |= {f"request.{name}" for name in xcoms["step_report"]["request"]}
    kept |= {f"property_files.{name}" for name in xcoms.get("property_files", ())}
    left_out = xcoms["step_report"]["left_out"]
    assert sorted([*kept, *left_out]) == sorted(
        f"{part}.{name}" for part in ("outputs", "request", "property_files") for name in names
    )


def test_members_of_a_property_file_are_xcoms_of_their_own_where_they_are_asked_for():
    """But those of names that tasks use for something else, or that are no keys of XComs; the task's log tells of them."""
    members = {"auc": 0.9, "rows": None, "step_report": 1, "_link_x": 2, "": 3, "k" * 513: 4, "k" * 512: 5}
    files = {"returned": members, "None": {"other": 1}}
    result = StepResult(BARE, property_files=files, spread="returned")
    assert result.xcoms() == {
        "step_report": NOTHING,
        "property_files": files,
        "auc": 0.9,
        "rows": None,
        "k" * 512: 5,
    }
    assert result.log_lines() == [
        "'step_report' cannot be a separate XCom: tasks have an XCom of that name",
        "'_link_x' cannot be a separate XCom: tasks have an XCom of that name",
        "'' cannot be a separate XCom: the key of an XCom has 1 to 512 characters",
        f"'{'k' * 100}' cannot be a separate XCom: the key of an XCom has 1 to 512 characters",
    ]
    assert replace(result, spread=None).xcoms() == {"step_report": NOTHING, "property_files": files}
    no_object = StepResult(BARE, property_files={"returned": [1]}, spread="returned")
    assert no_object.xcoms() == {"step_report": NOTHING, "property_files": {"returned": [1]}}
    left_in_s3 = StepResult(
        BARE,
        property_files={"returned": {"a": "x" * 60_000}},
        property_file_uris={"returned": "s3://"},
        spread="returned",
    )
    assert list(left_in_s3.xcoms()) == ["step_report"]


def test_property_files_are_bounded_together():
    """The biggest one is left in S3, and the task's log says where; both XComs tell."""
    files = {"big": "b" * 30_000, "small": "s" * 20_000}
    result = StepResult(
        BARE, property_files=files, property_file_uris={"big": "s3://box/big", "small": "s3://box/small"}
    )
    assert result.xcoms() == {
        "step_report": {**NOTHING, "left_out": ["property_files.big"]},
        "property_files": {"small": "s" * 20_000},
    }
    assert result.log_lines() == [
        (
            "Property file 'big' is left in S3: as JSON it has 30002 characters, and an XCom takes at most 49152 for all "
            "property files. Read s3://box/big"
        )
    ]


def test_what_airflow_cannot_keep_is_left_out():
    """A name that Airflow reads as its own, or half a character, would fail the task; the rest is told."""
    request = {"HyperParameters": {"__type": "x"}, "RoleArn": "\ud800", "ProcessingJobName": "n"}
    report = StepResult(BARE, request=request).xcoms()["step_report"]
    assert (report["request"], report["left_out"]) == (
        {"ProcessingJobName": "n"},
        ["request.HyperParameters", "request.RoleArn"],
    )


def test_remarks_come_first_in_the_log():
    """What could not be had is said in the task's log."""
    assert StepResult(BARE, remarks=("not allowed",)).log_lines() == ["not allowed"]


def test_why_the_cache_was_missed():
    """A step with caching on that ran again says why, in its report and in the log."""
    result = StepResult(BARE, cache_miss="HyperParameters.trees 100 → 200")
    cache = {"hit": False, "source_execution": None, "miss": "HyperParameters.trees 100 → 200"}
    assert result.xcoms() == {"step_report": {**NOTHING, "cache": cache}}
    assert result.cache_lines() == ["No cached result was taken: HyperParameters.trees 100 → 200"]
    assert StepResult(BARE).cache_lines() == []


def test_the_job_of_a_step():
    """Its time and its metrics are in the report; a metric whose name Airflow keeps for itself is left out."""
    job = job_report("training", seconds=60.0, billable_seconds=20, metrics={"auc": 0.9, "__type": 1.0})
    told = StepResult(BARE, job=job, model_package={"group": "g"}).xcoms()["step_report"]
    assert told == {
        **NOTHING,
        "job": {**job, "metrics": {"auc": 0.9}},
        "model_package": {"group": "g"},
        "left_out": ["metrics.__type"],
    }


def test_a_result_that_was_taken_over_costs_nothing_again():
    """The job that a cached result comes from is told with its time, and without what it cost then."""
    job = job_report("processing", seconds=60.0, billable_seconds=60.0)
    assert StepResult(STEP, job=job).xcoms()["step_report"]["job"] == {**job, "billable_seconds": 0}
    selective = StepSnapshot("evaluate", StepStatus.SUCCEEDED, selective_source=SOURCE)
    assert StepResult(selective, job=job).xcoms()["step_report"]["job"] == {**job, "billable_seconds": 0}
    assert StepResult(BARE, job=job).xcoms()["step_report"]["job"] == job


def test_why_a_step_failed():
    """The report has the service's words."""
    failed = StepSnapshot("good", StepStatus.FAILED, failure_reason="AlgorithmError: boom")
    assert StepResult(failed).xcoms() == {
        "step_report": {**NOTHING, "status": "Failed", "reason": "AlgorithmError: boom"}
    }
