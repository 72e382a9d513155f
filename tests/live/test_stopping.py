"""What a person does to running tasks, and what that does to their execution."""

from __future__ import annotations

import pytest

from tests.faults import faults

pytestmark = pytest.mark.every_airflow

DAGS = ("step_marked_failed", "run_marked_failed", "cleared_while_running", "marked_successful", "not_stopped_on_kill")


@pytest.fixture(scope="module")
def waiting(live):
    """A run of each Dag, all at the same time, whose steps are waited for; and its execution."""
    runs = {dag_id: live.start(dag_id) for dag_id in DAGS}
    arns = {dag_id: live.await_execution(run) for dag_id, run in runs.items()}
    for dag_id, run in runs.items():
        live.await_states(run, one="deferred", other="deferred")
        # A trigger that has not started yet cannot be cancelled.
        for step in ("one", "other"):
            live.await_following(run, step)
        live.answers.await_waiting(arns[dag_id], "one", "other")
    return {dag_id: (run, arns[dag_id]) for dag_id, run in runs.items()}


def stop_calls(live, arn):
    return [
        (call.forwarded, call.status) for call in live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn)
    ]


def end(live, arn, *steps):
    """Let steps end that are being stopped, and return what the execution came to."""
    live.answers.confirm_stop(arn, *steps)
    live.await_that(lambda: live.steps(arn) == dict.fromkeys(steps, "Stopped"), f"the stop of {arn}")
    pipeline = arn.split("/")[1]
    live.await_that(lambda: live.executions(pipeline)[arn] != "Stopping", f"the end of {arn}")
    return live.executions(pipeline)


def test_marking_a_step_failed_stops_the_execution(live, waiting):
    """Also when the request is throttled at first; the task of the other step fails, and says why."""
    run, arn = waiting["step_marked_failed"]
    with live.proxy.injected(faults.THROTTLED, "StopPipelineExecution", times=2, PipelineExecutionArn=arn):
        live.api.mark_task(run, "group.one", "failed")
        executions = end(live, arn, "one", "other")
    run = live.follow(run)

    assert executions == {arn: "Stopped"}
    assert stop_calls(live, arn) == [(False, 400), (False, 400), (True, 200)]
    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.one": "failed", "group.other": "failed"},
    )
    assert live.api.errors(run, "group.other") == ["PipelineExecutionError: step 'other' was stopped"]


def test_marking_the_run_failed_stops_the_execution(live, waiting):
    """All of the run's tasks are cancelled, and each asks for the stop: the service takes one and refuses the others."""
    run, arn = waiting["run_marked_failed"]
    live.api.mark_run(run, "failed")
    executions = end(live, arn, "one", "other")
    for step in ("one", "other"):
        live.await_killed_trigger(run, f"group.{step}")

    assert executions == {arn: "Stopped"}
    assert [status for _, status in stop_calls(live, arn)].count(200) == 1
    assert (live.api.dag_run(run).state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.one": "failed", "group.other": "failed"},
    )


def test_clearing_a_running_step_stops_nothing(live, waiting):
    """The task's next try follows the same step of the same execution to its end."""
    run, arn = waiting["cleared_while_running"]
    live.api.clear(run, ["group.one"])
    live.await_killed_trigger(run, "group.one")
    live.answers.succeed(arn, "one", "other")
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "success",
        dict.fromkeys(["group.launch", "group.one", "group.other"], "success"),
    )
    assert live.tries(run)["group.one"] == 2
    assert stop_calls(live, arn) == []
    assert live.executions("cleared-while-running") == {arn: "Succeeded"}


def test_marking_a_step_successful_stops_nothing(live, waiting):
    """The person says that the step counts as done; the execution goes on without its task."""
    run, arn = waiting["marked_successful"]
    live.api.mark_task(run, "group.one", "success")
    live.await_killed_trigger(run, "group.one")
    live.answers.succeed(arn, "one", "other")
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "success",
        dict.fromkeys(["group.launch", "group.one", "group.other"], "success"),
    )
    assert stop_calls(live, arn) == []
    assert live.executions("marked-successful") == {arn: "Succeeded"}


def test_without_stop_on_kill_the_execution_goes_on(live, waiting):
    """A group that is not to stop its execution leaves it alone when a task is marked failed."""
    run, arn = waiting["not_stopped_on_kill"]
    live.api.mark_task(run, "group.one", "failed")
    live.await_killed_trigger(run, "group.one")
    live.answers.succeed(arn, "one", "other")
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.one": "failed", "group.other": "success"},
    )
    assert stop_calls(live, arn) == []
    assert live.executions("not-stopped-on-kill") == {arn: "Succeeded"}
