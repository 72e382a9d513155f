"""From the end of a step to the end of its task, beside tasks of Airflow's own that end from a trigger at once."""

from __future__ import annotations

from pathlib import Path

from benchmarks.ends.run import OURS, PLAIN, Size, quantile, run_both
from benchmarks.report import Report


def test_ends(report: Report, quick: bool, tmp_path: Path) -> None:
    """All Dags succeed on real Airflow components; both sides have the same graphs."""
    size = Size(2, 10, 2) if quick else Size()
    took = run_both(tmp_path, size, print)
    ours, plain = took[OURS], took[PLAIN]
    rows = [
        (
            f"end of a task, {size.runs} Dag runs at once: median",
            *(quantile(side.latencies, 0.5) for side in (ours, plain)),
        ),
        (
            f"end of a task, {size.runs} Dag runs at once: 95 %",
            *(quantile(side.latencies, 0.95) for side in (ours, plain)),
        ),
        (f"Dag run of {size.width} tasks", ours.wide, plain.wide),
        (f"Dag run of {size.length} tasks in a row", ours.row, plain.row),
    ]
    report.put(
        "Ends, in seconds",
        ("", "ours", "tasks that end from a trigger at once", "ratio", "our execution"),
        [
            (*row, row[1] / row[2], execution)
            for row, execution in zip(rows, (None, None, ours.wide_execution, ours.row_execution), strict=True)
        ],
    )
