from __future__ import annotations

import pytest

from airflow_sm_pipelines.compatibility.version import tasks_live_in_triggerer


@pytest.mark.parametrize(
    ("airflow", "expected"),
    [
        ("3.0.6", False),
        ("3.1.8", False),
        ("3.2.2", False),
        ("3.3.0", False),
        ("3.3.1", True),
        ("3.3.2rc1", True),
        ("3.4.0b2", True),
        ("3.10.0", True),
        ("4.0.0", True),
    ],
)
def test_where_tasks_live(airflow, expected):
    """From 3.3.1 on a task may start and end in the triggerer; a pre-release is what it will be."""
    assert tasks_live_in_triggerer(airflow) is expected
