"""How training jobs are counted and compared, and when one is stopped early."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.tuning.early_stopping import is_worse_than_median
from airflow_sm_pipelines.local.tuning.plan import Definition, Objective
from airflow_sm_pipelines.local.tuning.standings import (
    not_improving,
    objective_counters,
    ranked,
    summary,
    training_job_counters,
)

MOST, LEAST = Objective("score", maximize=True), Objective("score", maximize=False)


def shown(
    name: str, status: str, objective_status: str = "Failed", value: float = 0, reason: str = ""
) -> dict[str, Any]:
    described = {
        "TrainingJobName": name,
        "TrainingJobStatus": status,
        "HyperParameters": {"depth": "1", "other": "2"},
        **({"FailureReason": reason} if reason else {}),
    }
    return summary(described, Definition(None, MOST, (), {}, None), {"depth": "1"}, objective_status, value)


def test_summaries():
    """What was tuned, what came of it, and of a training job that has no value, none; the definition, where it has a name."""
    assert shown("a", "Completed", "Succeeded", 0.5) == {
        "TrainingJobName": "a",
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {"depth": "1"},
        "ObjectiveStatus": "Succeeded",
        "FinalHyperParameterTuningJobObjectiveMetric": {"Type": "Maximize", "MetricName": "score", "Value": 0.5},
    }
    named = Definition("xgb", LEAST, (), {}, None)
    assert summary({"TrainingJobName": "b", "FailureReason": "no"}, named, {}, "Failed", 3) == {
        "TrainingJobDefinitionName": "xgb",
        "TrainingJobName": "b",
        "FailureReason": "no",
        "TunedHyperParameters": {},
        "ObjectiveStatus": "Failed",
    }


def test_counters():
    """One that is being stopped is in progress; a failure of the endpoint's own is one that could be tried again."""
    jobs = [
        shown("a", "Completed", "Succeeded"),
        shown("b", "Completed"),
        shown("c", "InProgress", "Pending"),
        shown("d", "Stopping", "Pending"),
        shown("e", "Stopped", "Succeeded"),
        shown("f", "Failed", reason="AlgorithmError: no"),
        shown("g", "Failed", reason="InternalServerError: no"),
    ]
    assert training_job_counters(jobs) == {
        "Completed": 2,
        "InProgress": 2,
        "RetryableError": 1,
        "NonRetryableError": 1,
        "Stopped": 1,
    }
    assert objective_counters(jobs) == {"Succeeded": 2, "Pending": 2, "Failed": 3}


def test_the_best_comes_first():
    """Of equal ones the first launched; stopped ones come after completed ones, and those without a value not at all."""
    jobs = [
        shown("low", "Completed", "Succeeded", 1),
        shown("stopped", "Stopped", "Succeeded", 9),
        shown("high", "Completed", "Succeeded", 3),
        shown("same", "Completed", "Succeeded", 3),
        shown("failed", "Failed"),
        shown("running", "InProgress", "Pending", 5),
    ]
    assert [each["TrainingJobName"] for each in ranked(jobs, MOST)] == ["high", "same", "low", "stopped"]
    assert [each["TrainingJobName"] for each in ranked(jobs, LEAST)] == ["low", "high", "same", "stopped"]


@pytest.mark.parametrize(
    ("values", "objective", "count"),
    [
        ([], MOST, 0),
        ([5], MOST, 0),
        ([100, 100.5, 101, 100], MOST, 3),
        ([100, 100.5, 102], MOST, 0),
        ([1, 0.5, 0.7, 0.499], LEAST, 2),
        ([-1, -0.9, -0.95], MOST, 1),
        ([0, 0], MOST, 1),
    ],
)
def test_training_jobs_that_do_not_improve(values: list[float], objective: Objective, count: int):
    """The latest in a row whose value is not better by 1 % than the best before them."""
    assert not_improving(values, objective) == count


@pytest.mark.parametrize(
    ("values", "earlier", "objective", "bad"),
    [
        ([1.0], [], MOST, False),
        ([1.0], [[2.0, 9.0]], MOST, True),
        ([1.0], [[2.0, 9.0]], LEAST, False),
        ([1.0, 5.0], [[2.0, 9.0]], MOST, True),
        ([1.0, 5.5], [[2.0, 9.0]], MOST, False),
        ([0.0, 0.0], [[9.0]], MOST, False),
        ([3.0], [[1.0], [2.0], [9.0]], MOST, False),
        ([3.0], [[1.0], [2.0], [9.0]], LEAST, True),
    ],
)
def test_early_stopping(values: list[float], earlier: list[list[float]], objective: Objective, bad: bool):
    """The latest value against the median of the earlier jobs' averages up to the same epoch, of those that had it."""
    assert is_worse_than_median(values, earlier, objective) is bad
