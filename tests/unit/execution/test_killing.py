from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.killing import Kill


@pytest.mark.parametrize(
    ("kill", "reason"),
    [
        (Kill("failed"), None),
        (Kill("skipped", "failed"), None),
        (Kill("skipped", "running"), "the task was not failed; it is skipped"),
        (Kill("success"), "the task was not failed; it is success"),
        (Kill("restarting"), "the task was not failed; it is restarting"),
        (Kill(None), "the task was not failed; it is None"),
        (Kill("failed", ended_by_itself=True), "the task had ended before"),
        (
            Kill("failed", stood_still=True),
            "this process was paused for so long that Airflow may have failed the task for that",
        ),
    ],
)
def test_only_a_persons_failing_stops_an_execution(kill, reason):
    """Neither a clear, nor a success, nor a task that failed by itself, nor one that Airflow took for dead."""
    assert (None if kill.stops else kill.reason) == reason
