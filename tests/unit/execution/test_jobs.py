from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.execution.jobs import job_report, model_package_report
from tests import reports

TOKYO = timezone(timedelta(hours=9))


def at(seconds):
    return datetime(2026, 1, 1, 9, 0, tzinfo=TOKYO) + timedelta(seconds=seconds)


def test_a_training_job():
    """Its phases take time, the word that it ended with does not; numbers that JSON does not have become text."""
    phases = [("Starting", 0, 20), ("Training", 20, 80), ("Uploading", 80, 90), ("Completed", 90, 90)]
    described = {
        "CreationTime": at(-5),
        "TrainingStartTime": at(20),
        "TrainingEndTime": at(90),
        "BillableTimeInSeconds": 30,
        "SecondaryStatusTransitions": [
            {"Status": status, "StartTime": at(start), "EndTime": at(end)} for status, start, end in phases
        ],
        "FinalMetricDataList": [
            {"MetricName": "rmse", "Value": 2.5, "Timestamp": at(85)},
            {"MetricName": "loss", "Value": float("nan"), "Timestamp": at(85)},
        ],
    }
    assert job_report(RESOURCES["training-job"], described) == {
        "kind": "training",
        "start": "2026-01-01T00:00:20+00:00",
        "end": "2026-01-01T00:01:30+00:00",
        "seconds": 70.0,
        "billable_seconds": 30,
        "phases": [
            {"name": "Starting", "start": "2026-01-01T00:00:00+00:00", "end": "2026-01-01T00:00:20+00:00"},
            {"name": "Training", "start": "2026-01-01T00:00:20+00:00", "end": "2026-01-01T00:01:20+00:00"},
            {"name": "Uploading", "start": "2026-01-01T00:01:20+00:00", "end": "2026-01-01T00:01:30+00:00"},
        ],
        "metrics": {"rmse": 2.5, "loss": "nan"},
        "best": None,
    }


@pytest.mark.parametrize(
    ("resource", "started", "ended", "billable"),
    [
        ("processing-job", "ProcessingStartTime", "ProcessingEndTime", 12.5),
        ("transform-job", "TransformStartTime", "TransformEndTime", 12.5),
        ("hyper-parameter-tuning-job", "CreationTime", "HyperParameterTuningEndTime", None),
        ("automl-job", "CreationTime", "EndTime", None),
    ],
)
def test_how_long_other_jobs_took(resource, started, ended, billable):
    """Those with instances of their own are billable for as long as they ran; those that launch jobs are not."""
    assert job_report(RESOURCES[resource], {started: at(0), ended: at(12.5)}) == reports.job_report(
        resource.removesuffix("-job"),
        start="2026-01-01T00:00:00+00:00",
        end="2026-01-01T00:00:12.500000+00:00",
        seconds=12.5,
        billable_seconds=billable,
    )


def test_a_job_that_has_not_ended():
    """What is not known yet is not made up."""
    assert job_report(RESOURCES["processing-job"], {"ProcessingStartTime": at(0)}) == reports.job_report(
        "processing", start="2026-01-01T00:00:00+00:00"
    )


def test_the_best_training_job_of_a_tuning_job():
    """It is told with the metric by which it is the best; one that measured nothing is none."""
    objective = {"MetricName": "auc", "Value": 0.9}
    best = {"TrainingJobName": "t-1", "FinalHyperParameterTuningJobObjectiveMetric": objective}
    resource = RESOURCES["hyper-parameter-tuning-job"]
    told = job_report(resource, {"BestTrainingJob": best})
    assert told == reports.job_report("hyper-parameter-tuning", best={"name": "t-1", "metric": "auc", "value": 0.9})
    assert job_report(resource, {"BestTrainingJob": {"TrainingJobName": "t-1"}}) == reports.job_report(
        "hyper-parameter-tuning"
    )


def test_a_model_package():
    """It is told with its approval status; it is no job, and a job is no model package."""
    described = {
        "ModelPackageArn": "arn",
        "ModelPackageGroupName": "churn",
        "ModelPackageVersion": 3,
        "ModelApprovalStatus": "Approved",
        "CreationTime": at(0),
    }
    assert model_package_report(described) == {"group": "churn", "version": 3, "approval_status": "Approved"}
    assert job_report(RESOURCES["model-package"], described) is None
    assert model_package_report({"CreationTime": at(0)}) is None
