from __future__ import annotations

import json
from datetime import timedelta

from airflow_sm_pipelines.execution.time_limit import TimeLimit, earliest, execution_limit, waiter_limit


def test_a_limit_is_a_moment():
    """A limit survives JSON and does not begin anew where it is read again."""
    limit = execution_limit(1000.0, timedelta(seconds=60))
    assert limit == TimeLimit("execution_timeout", 60, 1060.0)
    assert TimeLimit(**json.loads(json.dumps(limit.to_dict()))) == limit


def test_the_waiters_limit():
    """waiter_delay times waiter_max_attempts, named by both; without attempts there is no limit."""
    assert waiter_limit(1000.0, 30, 4) == TimeLimit("waiter_delay 30 x waiter_max_attempts 4", 120, 1120.0)
    assert waiter_limit(1000.0, 30, None) is None


def test_the_earliest_limit():
    """Of several limits the one that ends first counts; where there is none there is none."""
    early, late = TimeLimit("a", 1, 10.0), TimeLimit("b", 5, 20.0)
    assert earliest([late, None, early]) is early
    assert earliest([None]) is None


def test_giving_up():
    """The message names what was waited for, the limit, and what was last seen."""
    assert TimeLimit("timeout", 90.5, 0.0).gave_up("execution x", "Executing") == (
        "gave up on execution x after 90.5 seconds (timeout); last seen: Executing"
    )
