"""Whole components are killed, as when their machine is gone; another of their kind takes over what they did."""

from __future__ import annotations

from contextlib import contextmanager

import psutil
import pytest

from tests.celery.conftest import await_two_of_each

SECONDS = 120


@contextmanager
def killed(live, component):
    """Kill a component that is one of two. In the end there are two of each again."""
    component.kill()
    try:
        yield
    finally:
        component.start()
        await_two_of_each(live)


def owner(components, pid):
    """The one of some components to which a process belongs."""
    [found] = [each for each in components if pid in {process.pid for process in each.processes()}]
    return found


@pytest.mark.parametrize(
    ("dag_id", "acted"), [("worker_killed_before_start", False), ("worker_killed_after_start", True)]
)
def test_a_worker_that_is_killed_while_it_launches_starts_one_execution(live, dag_id, acted):
    """Killed before the service got the call or before its answer came: the other worker finds or starts the only one."""
    pipeline = dag_id.replace("_", "-")
    with live.proxy.held("StartPipelineExecution", PipelineName=pipeline, acted=acted) as hold:
        run = live.start(dag_id)
        hold.await_call(SECONDS)
        task, _ = live.processes(run, "group.launch")
        with killed(live, owner(live.stack.workers, task.pid)):
            hold.drop()
            arn = live.await_execution(run)
            live.answers.succeed(arn, "step")
            run = live.follow(run)
    starts = live.proxy.calls("StartPipelineExecution", PipelineName=pipeline)

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert live.tries(run) == {"group.launch": 2, "group.step": 1}
    assert [(call.forwarded, call.status) for call in starts] == [(acted, None), (True, 200)]
    assert len({call.request["ClientRequestToken"] for call in starts}) == 1
    assert live.executions(pipeline) == {arn: "Succeeded"}


def test_a_worker_that_is_killed_while_it_ends_a_task_leaves_the_end_to_the_other(live):
    """The step has succeeded: the task's next try ends it on the other worker, and nothing runs or starts again."""
    with live.proxy.held("ListQueues", QueueNamePrefix="ended-by-a-worker", acted=False) as hold:
        run = live.start("ended_by_a_worker")
        arn = live.await_execution(run)
        live.answers.succeed(arn, "step")
        hold.await_call(SECONDS)
        task, _ = live.processes(run, "group.step")
        with killed(live, owner(live.stack.workers, task.pid)):
            hold.drop()
            run = live.follow(run)

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert live.tries(run) == {"group.launch": 1, "group.step": 2}
    assert live.executions("ended-by-a-worker") == {arn: "Succeeded"}
    assert len(live.proxy.calls("StartPipelineExecution", PipelineName="ended-by-a-worker")) == 1
    assert live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=arn) == []
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []


def followers(live, run, step):
    """The triggerers that follow a step's task: they have its log open."""
    log = f"/dag_id={run.dag_id}/run_id={run.run_id}/task_id=group.{step}/"
    return [
        each
        for each in live.stack.triggerers
        if each.pid is not None and any(log in file.path for file in psutil.Process(each.pid).open_files())
    ]


def test_tasks_whose_triggerer_is_killed_are_followed_by_the_other(live):
    """Killed while steps wait and end: the other takes its tasks over, and each ends as its step did."""
    steps = [f"step_{number}" for number in range(20)]
    run = live.start("triggerer_killed")
    arn = live.await_execution(run)
    live.answers.await_waiting(arn, *steps)
    live.await_states(run, **dict.fromkeys(steps, "deferred"))

    def followed(*expected):
        return [len(followers(live, run, step)) for step in expected] == [1] * len(expected)

    live.await_that(lambda: followed(*steps), "a triggerer for each step", run)
    [victim] = followers(live, run, "step_0")
    lost = [step for step in steps[10:] if followers(live, run, step) == [victim]]
    with killed(live, victim):
        live.answers.succeed(arn, *steps[:9])
        live.answers.fail(arn, steps[9])
        live.await_that(lambda: followed(*lost), "the other triggerer", run)
        live.answers.succeed(arn, *steps[10:])
        run = live.follow(run)

    states = {f"group.{step}": "failed" if step == "step_9" else "success" for step in steps}
    assert (run.state, live.states(run)) == ("failed", {"group.launch": "success", **states})
    assert live.tries(run) == dict.fromkeys(live.states(run), 1)
    assert live.executions("triggerer-killed") == {arn: "Failed"}
    assert len(live.proxy.calls("StartPipelineExecution", PipelineName="triggerer-killed")) == 1
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []


def test_a_launch_outlives_both_schedulers(live):
    """Both are killed and come again, one after the other, while the launch runs: it goes on, and is not run again."""
    with live.proxy.held("StartPipelineExecution", PipelineName="launched-in-trouble", acted=False) as hold:
        run = live.start("launched_in_trouble")
        hold.await_call(SECONDS)
        for scheduler in live.stack.schedulers:
            with killed(live, scheduler):
                pass
        hold.let_go()
        arn = live.await_execution(run)
        live.answers.succeed(arn, "step")
        run = live.follow(run)

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert live.tries(run) == {"group.launch": 1, "group.step": 1}
    assert live.executions("launched-in-trouble") == {arn: "Succeeded"}
    assert len(live.proxy.calls("StartPipelineExecution", PipelineName="launched-in-trouble")) == 1
