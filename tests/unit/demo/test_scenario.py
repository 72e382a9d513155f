"""The demo's verdict: it holds every task's state against what must come out."""

from __future__ import annotations

import pytest

from demo.scenario import Expectation, UnexpectedEndError
from harness.airflow_api import DagRun, TaskInstance

EXPECTATION = Expectation("success", {"register": "success", "reject": "skipped"})


def a_run(state):
    return DagRun(dag_id="train", run_id="manual__1", state=state)


def the_tasks(**states):
    return [
        TaskInstance(task_id, state, try_number=1, seconds=1.0, pid=None, hostname="")
        for task_id, state in states.items()
    ]


def test_a_run_that_ended_as_it_should_passes():
    """The run's state and every task's are as expected: no error."""
    EXPECTATION.require(a_run("success"), the_tasks(reject="skipped", register="success"))


@pytest.mark.parametrize(
    ("state", "tasks", "lines"),
    [
        ("failed", {"register": "success", "reject": "skipped"}, ["the run: failed instead of success"]),
        ("success", {"register": "success", "reject": "success"}, ["reject: success instead of skipped"]),
        ("success", {"register": "success"}, ["reject: None instead of skipped"]),
        (
            "failed",
            {"register": "failed", "reject": "skipped", "audit": "success"},
            [
                "the run: failed instead of success",
                "audit: success instead of None",
                "register: failed instead of success",
            ],
        ),
    ],
)
def test_every_difference_is_named(state, tasks, lines):
    """One task in another state, missing or unknown is enough; the error lists all of them, each with both states."""
    with pytest.raises(UnexpectedEndError) as raised:
        EXPECTATION.require(a_run(state), the_tasks(**tasks))
    assert str(raised.value).splitlines() == [
        "train, run manual__1, did not end as it should:",
        *(f"  {line}" for line in lines),
    ]
