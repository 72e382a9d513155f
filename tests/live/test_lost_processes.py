"""What happens to executions when workers and triggerers are killed or stand still: nothing is lost, nothing twice."""

from __future__ import annotations

import time

import psutil
import pytest

SECONDS = 120


def kill(*processes):
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=10)


@pytest.fixture(scope="module")
def killed_launches(live):
    """Launches whose StartPipelineExecution went wrong in four ways, all at the same time; each run to its end."""
    faults = {
        "worker_killed_before_start": {"acted": False},
        "worker_killed_after_start": {"acted": True},
        "task_killed_after_start": {"acted": True},
    }
    runs = {}
    for dag_id, how in faults.items():
        with live.proxy.held("StartPipelineExecution", PipelineName=dag_id.replace("_", "-"), **how) as hold:
            runs[dag_id] = live.start(dag_id)
            hold.await_call(SECONDS)
            task, worker = live.processes(runs[dag_id], "group.launch")
            kill(*([task] if dag_id.startswith("task") else [worker, task]))
            hold.drop()
    for run in runs.values():
        live.answers.succeed(live.await_execution(run), "step")
    return {dag_id: live.follow(run) for dag_id, run in runs.items()}


@pytest.mark.parametrize(
    ("dag_id", "first_try_acted"),
    [
        ("worker_killed_before_start", False),
        ("worker_killed_after_start", True),
        ("task_killed_after_start", True),
    ],
)
def test_a_launch_that_is_killed_starts_one_execution(live, killed_launches, dag_id, first_try_acted):
    """Killed before the service got the call or before its answer came: the next try finds or starts the only one."""
    run = killed_launches[dag_id]
    pipeline = dag_id.replace("_", "-")
    starts = live.proxy.calls("StartPipelineExecution", PipelineName=pipeline)

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert live.tries(run) == {"group.launch": 2, "group.step": 1}
    assert [(call.forwarded, call.status) for call in starts] == [(first_try_acted, None), (True, 200)]
    assert len({call.request["ClientRequestToken"] for call in starts}) == 1
    assert live.executions(pipeline) == {live.execution(run): "Succeeded"}


def test_twenty_tasks_outlive_their_triggerer(live):
    """Killed while all wait, with steps ending in the meantime: another triggerer ends each task as its step ended."""
    steps = [f"step_{number}" for number in range(20)]
    run = live.start("triggerer_killed")
    arn = live.await_execution(run)
    live.answers.await_waiting(arn, *steps)
    live.await_states(run, **dict.fromkeys(steps, "deferred"))
    live.proxy.await_calls("ListPipelineExecutionSteps", 1, SECONDS, PipelineExecutionArn=arn)

    live.stack.triggerer.kill()
    killed = time.monotonic()
    live.answers.succeed(arn, *steps[:9])
    live.answers.fail(arn, steps[9])
    live.stack.triggerer.start()
    live.proxy.await_calls("ListPipelineExecutionSteps", 1, SECONDS, after=killed, PipelineExecutionArn=arn)
    live.answers.succeed(arn, *steps[10:])
    run = live.follow(run)

    states = {f"group.{step}": "failed" if step == "step_9" else "success" for step in steps}
    assert (run.state, live.states(run)) == ("failed", {"group.launch": "success", **states})
    assert set(live.tries(run).values()) == {1}
    assert live.executions("triggerer-killed") == {arn: "Failed"}
    assert len(live.proxy.calls("StartPipelineExecution", PipelineName="triggerer-killed")) == 1
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []


def test_two_triggerers_with_the_same_tasks_stop_nothing_and_end_nothing_twice(live):
    """One stands still until another took its tasks over, and goes on: its triggers go without touching anything."""
    steps = [f"step_{number}" for number in range(4)]
    run = live.start("triggerer_paused")
    arn = live.await_execution(run)
    live.answers.await_waiting(arn, *steps, "with_outlet")
    live.await_states(run, **dict.fromkeys([*steps, "with_outlet"], "deferred"))
    live.proxy.await_calls("ListPipelineExecutionSteps", 1, SECONDS, PipelineExecutionArn=arn)
    other = live.stack.another_triggerer()
    other.start()
    try:
        live.stack.pause(live.stack.triggerer)
        paused = time.monotonic()
        live.proxy.await_calls("ListPipelineExecutionSteps", 1, SECONDS, after=paused, PipelineExecutionArn=arn)
        live.answers.succeed(arn, "step_0", "with_outlet")
        live.await_states(run, step_0="success", with_outlet="success")
        live.stack.triggerer.resume()
        for step in steps[1:]:
            live.await_killed_trigger(run, f"group.{step}")
        still_waiting = live.states(run)
        live.answers.succeed(arn, *steps[1:])
        run = live.follow(run)
    finally:
        live.stack.triggerer.resume()
        other.kill()

    assert still_waiting == {
        "group.launch": "success",
        "group.step_0": "success",
        "group.with_outlet": "success",
        **{f"group.{step}": "deferred" for step in steps[1:]},
    }
    assert (run.state, live.states(run)) == ("success", dict.fromkeys(still_waiting, "success"))
    assert set(live.tries(run).values()) == {1}
    assert len(live.api.asset_event_extras("ended_once")) == 1
    assert live.executions("triggerer-paused") == {arn: "Succeeded"}
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []
