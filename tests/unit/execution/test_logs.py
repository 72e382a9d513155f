from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.logs import LogLocation, log_location


@pytest.mark.parametrize(
    ("resource", "location"),
    [
        ("processing-job/p", LogLocation("/aws/sagemaker/ProcessingJobs", "p/")),
        ("training-job/t", LogLocation("/aws/sagemaker/TrainingJobs", "t/")),
        ("transform-job/x", LogLocation("/aws/sagemaker/TransformJobs", "x/")),
        ("model-package/churn/1", None),
    ],
)
def test_where_jobs_log(resource, location):
    """Jobs log into the group of their kind, in streams named after the job; model packages do not log."""
    assert log_location(f"arn:aws:sagemaker:us-east-1:123456789012:{resource}") == location
