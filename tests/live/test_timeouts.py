"""Tasks that run out of time say what they saw last, and leave the execution alone."""

from __future__ import annotations

import pytest

LIMITS = {
    "out_of_time": "after 30 seconds (execution_timeout)",
    "out_of_patience": "after 16 seconds (waiter_delay 2 x waiter_max_attempts 8)",
}


@pytest.fixture(scope="module")
def timed_out(live):
    """Runs of both Dags, at the same time, to their ends; the steps are still waiting then."""
    runs = {dag_id: live.start(dag_id) for dag_id in LIMITS}
    for run in runs.values():
        live.await_states(run, step="deferred", with_outlet="deferred")
    # Airflow's own limit of a task that started in the triggerer is the same, and the scheduler watches over it: while
    # that stands still our message cannot be second.
    live.stack.pause(live.stack.scheduler)
    try:
        for run in runs.values():
            live.await_states(run, step="scheduled", with_outlet="scheduled")
    finally:
        live.stack.scheduler.resume()
    yield {dag_id: live.follow(run) for dag_id, run in runs.items()}
    for run in runs.values():
        live.answers.succeed(live.execution(run), "step", "with_outlet")


@pytest.mark.parametrize("dag_id", LIMITS)
def test_a_task_that_runs_out_of_time_says_what_it_saw_last(live, timed_out, dag_id):
    """Both limits, of a task with and without outlets: failed, with limit, step and its status."""
    run = timed_out[dag_id]
    arn = live.execution(run)

    def reason(step):
        return f"gave up on step '{step}' of execution {arn} {LIMITS[dag_id]}; last seen: Executing. The execution was not stopped"

    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.step": "failed", "group.with_outlet": "failed"},
    )
    exception = {"out_of_time": "AirflowTaskTimeout", "out_of_patience": "PipelineExecutionError"}[dag_id]
    for step in ("step", "with_outlet"):
        assert live.api.errors(run, f"group.{step}") == [f"{exception}: {reason(step)}"]
    assert live.steps(arn) == {"step": "Executing", "with_outlet": "Executing"}
    assert live.executions(dag_id.replace("_", "-")) == {arn: "Executing"}
