from __future__ import annotations

import pytest

from airflow_sm_pipelines.running.results import metrics_of


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
