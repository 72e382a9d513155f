"""Every Dag run has its own execution, also another time, and next to others."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.every_airflow

DAYS = [f"2026-01-{day:02}" for day in range(1, 11)]


def test_clearing_everything_after_success_starts_a_new_execution(live):
    """The second execution is started with a token of its own; the first one stays as it was."""
    run = live.start("started_anew")
    first = live.await_execution(run)
    live.answers.succeed(first, "before", "behind")
    states = {"group.launch": "success", "group.before": "success", "group.behind": "success"}
    run = live.follow(run)
    assert (run.state, live.states(run)) == ("success", states)

    live.api.clear(run)
    live.await_that(lambda: live.execution(run) not in (None, first), f"another execution of {run}")
    second = live.execution(run)
    live.answers.succeed(second, "before", "behind")
    run = live.follow(run)

    assert (run.state, live.states(run)) == ("success", states)
    assert live.tries(run) == dict.fromkeys(states, 2)
    assert live.executions("started-anew") == {first: "Succeeded", second: "Succeeded"}
    assert live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=first) == []


def test_ten_runs_at_once_have_ten_executions(live):
    """A Dag that catches up: while all ten executions run, each has its own parameters, and leaves its own outputs."""
    live.api.wait_for_dags({"ten_at_once"}, 120, live.stack.require_running)
    live.api.unpause("ten_at_once")
    live.await_that(lambda: len(live.api.dag_runs("ten_at_once")) == len(DAYS), "ten runs")
    runs = live.api.dag_runs("ten_at_once")
    arns = {run.run_id: live.await_execution(run) for run in runs}
    for arn in arns.values():
        live.answers.await_waiting(arn, "step")
    at_once = live.executions("ten-at-once")
    for arn in arns.values():
        live.answers.succeed(arn, "step")
    runs = [live.follow(run) for run in runs]
    parameters = {
        run.run_id: live.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arns[run.run_id])[
            "PipelineParameters"
        ]
        for run in runs
    }

    assert at_once == dict.fromkeys(arns.values(), "Executing")
    assert len(at_once) == len(DAYS)
    assert live.executions("ten-at-once") == dict.fromkeys(arns.values(), "Succeeded")
    assert [(run.state, live.states(run)) for run in runs] == [
        ("success", {"group.launch": "success", "group.note": "success", "group.step": "success"})
    ] * len(DAYS)
    assert [parameters[run.run_id] for run in runs] == [[{"Name": "Day", "Value": day}] for day in DAYS]
    assert [live.api.xcom(run, "group.note", "property_files") for run in runs] == [
        {"day": {"day": day}} for day in DAYS
    ]
    assert [live.api.xcom(run, "group.note", "step_report")["outputs"] for run in runs] == [
        {"note": f"s3://example-ml/ten-at-once/{arns[run.run_id].rsplit('/', 1)[1]}/note/note"} for run in runs
    ]
