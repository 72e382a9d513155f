"""Worker processes and slots of a pipeline of ten steps, beside ten deferrable tasks of amazon's operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report import Report
from benchmarks.workers.run import AMAZON, FAILING, OURS, TOLD, WorkerUse, run_all


def test_workers(report: Report, quick: bool, tmp_path: Path) -> None:
    """All Dags end as they are to, on real Airflow components and the local endpoint.

    The number of processes that workers start does not depend on time, so it is asserted: one for the launch, and
    one for each step whose end is told to somebody.
    """
    pytest.importorskip("aiobotocore", reason="amazon's trigger needs it")
    steps = 2 if quick else 10
    used = run_all(tmp_path, steps, print)
    assert {dag_id: used[dag_id].process_starts for dag_id in (OURS, TOLD, FAILING)} == {
        OURS: 1,
        TOLD: 1 + steps,
        FAILING: 1 + steps,
    }
    ours, amazon = used[OURS], used[AMAZON]
    report.put(
        f"Workers, for {steps} jobs, one after the other where they succeed",
        ("", "process starts", "slot-seconds", "Dag run, seconds"),
        [
            ("ours", *_values(ours)),
            ("ours, each with a success callback", *_values(used[TOLD])),
            ("ours, all at once, each fails", *_values(used[FAILING])),
            ("amazon's", *_values(amazon)),
            ("ratio", *(theirs / mine for mine, theirs in zip(_values(ours), _values(amazon), strict=True))),
        ],
    )


def _values(use: WorkerUse) -> tuple[float, float, float]:
    return use.process_starts, use.slot_seconds, use.seconds
