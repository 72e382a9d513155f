"""Import time: what a Dag file pays before its first line of its own."""

from __future__ import annotations

import pytest

from benchmarks.imports import SIDES, measure_alternately
from benchmarks.report import Report


def test_imports(report: Report, quick: bool) -> None:
    """Each side in fresh processes, in turns."""
    pytest.importorskip("sagemaker", reason="the SDK is not installed")
    costs = measure_alternately(SIDES, 1 if quick else 5)
    first = costs["this package"]
    report.put(
        "Imports on top of airflow.sdk, as ratio to this package's",
        ("", "CPU time", "modules", "memory"),
        [
            (side, cost.seconds / first.seconds, cost.modules / first.modules, cost.bytes / first.bytes)
            for side, cost in costs.items()
        ],
    )
