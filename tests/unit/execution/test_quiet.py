from __future__ import annotations

import pytest

from airflow_sm_pipelines.execution.quiet import Launched, states_ended_here

AT = 0x0199_0000_0000 / 1000
"""When the task instance below was made."""

IDENTITY = "01990000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("end_tasks", "told", "has_outlets", "ends"),
    [
        ("auto", (), False, ("success", "skipped")),
        ("auto", ("success",), False, ("skipped",)),
        ("auto", ("skipped",), True, ()),
        ("auto", (), True, ("skipped",)),
        ("worker", (), False, ()),
        ("triggerer", ("success", "skipped"), False, ("success", "failed", "skipped")),
        ("triggerer", (), True, ("failed", "skipped")),
    ],
)
def test_the_states_that_need_no_worker(end_tasks, told, has_outlets, ends):
    """A failure needs a worker unless it is forced; a success with outlets always does, for its asset events."""
    assert states_ended_here(end_tasks, told, has_outlets=has_outlets) == ends


@pytest.mark.parametrize(
    ("launched", "identity", "quiet"),
    [
        (Launched(AT, 0, False), IDENTITY, True),
        (Launched(AT - 0.001, 0, False), IDENTITY, False),
        (Launched(AT + 60, 1, False), IDENTITY, False),
        (Launched(AT + 60, None, False), IDENTITY, False),
        (Launched(AT + 60, 0, True), IDENTITY, False),
        (Launched(AT + 60, 0, False), IDENTITY.replace("-7000-", "-4000-"), False),
        (Launched(AT + 60, 0, False), "17", False),
    ],
    ids=["first", "made later", "run cleared", "clears not known", "a listener", "no time in its id", "no UUID"],
)
def test_a_first_try_is_quiet(launched, identity, quiet):
    """Only where nobody listens, nothing was cleared, and the task instance is older than the launch."""
    assert launched.is_quiet(identity) is quiet
