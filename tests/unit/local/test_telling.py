"""What the endpoint tells whoever watches it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from io import StringIO

import pytest

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local import telling

ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"
JOB = {"TrainingJob": {"Arn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/t"}}
START = datetime(2026, 1, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "reason", "metadata", "line"),
    [
        (StepStatus.SUCCEEDED, None, JOB, "step train: Succeeded after 3.2 s"),
        (
            StepStatus.FAILED,
            "AlgorithmError: See job logs for more information. Last error line: the password is p4ss",
            JOB,
            f"step train: Failed after 3.2 s: AlgorithmError, see /_pages/{ARN}",
        ),
        (StepStatus.FAILED, "what a job says", JOB, f"step train: Failed after 3.2 s: see /_pages/{ARN}"),
        (StepStatus.FAILED, "not accurate enough", {}, "step train: Failed after 3.2 s: not accurate enough"),
    ],
    ids=["succeeded", "a job's reason", "without a kind", "a message of the pipeline"],
)
def test_a_step_that_ends(status: StepStatus, reason: str | None, metadata: dict[str, object], line: str) -> None:
    """A line with its pipeline and execution. What a job's script printed is not told: it may be a secret."""
    stream = StringIO()
    step = StepSnapshot(
        "train",
        status,
        start_time=START,
        end_time=START + timedelta(seconds=3.2),
        failure_reason=reason,
        metadata=metadata,
    )
    telling.tell_on(stream)
    try:
        telling.log_step(PipelineExecutionArn.parse(ARN), step)
    finally:
        telling.logger.handlers.pop()
        telling.logger.propagate = True
    assert stream.getvalue() == f"churn abcdef123456 {line}\n"
