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
    at_once = f"end of a task, {size.runs} Dag runs at once"
    rows: list[tuple[str, float, float, float | None]] = [
        (f"{at_once}: median", quantile(ours.latencies, 0.5), quantile(plain.latencies, 0.5), None),
        (f"{at_once}: 95 %", quantile(ours.latencies, 0.95), quantile(plain.latencies, 0.95), None),
        (f"Dag run of {size.width} tasks", ours.wide, plain.wide, ours.wide_execution),
        (f"Dag run of {size.length} tasks in a row", ours.row, plain.row, ours.row_execution),
    ]
    report.put(
        "Ends, in seconds",
        ("", "ours", "tasks that end from a trigger at once", "ratio", "our execution"),
        [(what, mine, theirs, mine / theirs, execution) for what, mine, theirs, execution in rows],
    )
