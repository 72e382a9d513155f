from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.execution.step_lines import step_line

START = datetime(2026, 11, 27, tzinfo=timezone.utc)
SOURCE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"


@pytest.mark.parametrize(
    ("status", "more", "line"),
    [
        ("Executing", {}, "step train: Executing"),
        ("Executing", {"attempt_count": 2}, "step train: Executing (attempt 2)"),
        ("Succeeded", {"end_time": START + timedelta(seconds=3.21)}, "step train: Succeeded after 3.2 s"),
        ("Failed", {"failure_reason": "no \x1b[31mway\nout"}, "step train: Failed: no [31mway\nout"),
        ("Failed", {"metadata": {"Fail": {"ErrorMessage": "end"}}}, "step train: Failed: end"),
        ("Failed", {}, "step train: Failed"),
        ("Succeeded", {"metadata": {"Condition": {"Outcome": "False"}}}, "step train: Succeeded, outcome False"),
        ("Succeeded", {"cache_hit_source": SOURCE}, "step train: Succeeded, from the cache of execution abcdef123456"),
        (
            "Succeeded",
            {"selective_source": SOURCE},
            "step train: Succeeded, not selected, from execution abcdef123456",
        ),
    ],
)
def test_a_step_in_a_line(status, more, line):
    """Its status, how long it took, which attempt it is, and the one thing besides that is worth knowing."""
    assert step_line(StepSnapshot("train", StepStatus(status), start_time=START, **more)) == line
