from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.running.results import known_properties, metrics_of


@pytest.mark.parametrize(
    ("metadata", "properties"),
    [
        ({"Condition": {"Outcome": "True"}}, {"Outcome": True}),
        (
            {"Lambda": {"Arn": "arn", "OutputParameters": [{"Name": "a", "Value": "1"}, {"Name": "b", "Value": "x"}]}},
            {"OutputParameters": {"a": "1", "b": "x"}},
        ),
        ({"ProcessingJob": {"Arn": "arn"}}, {}),
    ],
    ids=["condition", "lambda", "job"],
)
def test_the_properties_that_a_step_shows_itself(metadata, properties):
    """What a condition after it compares is told with its value, though there is no job to ask."""
    step = StepSnapshot.from_response({"StepName": "a", "StepStatus": "Succeeded", "Metadata": metadata})
    assert known_properties(step) == properties


@pytest.mark.parametrize(
    ("job", "metrics"),
    [
        ({"FinalMetricDataList": [{"MetricName": "validation:rmse", "Value": 2.5}]}, {"validation:rmse": 2.5}),
        (
            {
                "BestTrainingJob": {
                    "TrainingJobName": "tune-1",
                    "FinalHyperParameterTuningJobObjectiveMetric": {
                        "Type": "Minimize",
                        "MetricName": "validation:rmse",
                        "Value": 1.5,
                    },
                }
            },
            {"validation:rmse": 1.5},
        ),
        ({"ProcessingJobName": "measure"}, {}),
    ],
    ids=["training", "tuning", "neither"],
)
def test_the_metrics_of_a_job(job, metrics):
    """Those of a training job, of a tuning job the objective of its best one, of others none."""
    assert metrics_of(job) == metrics
