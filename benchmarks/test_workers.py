"""Worker processes and slots of a pipeline of ten steps, beside ten deferrable tasks of amazon's operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report import Report
from benchmarks.workers.run import AMAZON, OURS, WorkerUse, run_both


def test_workers(report: Report, quick: bool, tmp_path: Path) -> None:
    """Both Dags succeed on real Airflow components, with the same ten jobs on the local endpoint."""
    pytest.importorskip("aiobotocore", reason="amazon's trigger needs it")
    steps = 2 if quick else 10
    used = run_both(tmp_path, steps, print)
    ours, amazon = used[OURS], used[AMAZON]
    report.put(
        f"Workers, for {steps} jobs one after the other",
        ("", "process starts", "slot-seconds", "Dag run, seconds"),
        [
            ("ours", ours.process_starts, ours.slot_seconds, ours.seconds),
            ("amazon's", amazon.process_starts, amazon.slot_seconds, amazon.seconds),
            ("ratio", *(theirs / mine for mine, theirs in zip(_values(ours), _values(amazon), strict=True))),
        ],
    )


def _values(use: WorkerUse) -> tuple[float, float, float]:
    return use.process_starts, use.slot_seconds, use.seconds
