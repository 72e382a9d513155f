"""One execution of a run executes, and nobody stops it but a person: on real components that are lost and stand still."""

from __future__ import annotations

import time

import psutil
import pytest

from tests.faults import faults

SECONDS = 120


def lost_launch(live, dag_id, meanwhile=lambda: None):
    """Start a run whose launch is killed with its worker, after the service has started an execution."""
    pipeline = dag_id.replace("_", "-")
    with live.proxy.held("StartPipelineExecution", PipelineName=pipeline, acted=True) as hold:
        run = live.start(dag_id)
        hold.await_call(SECONDS)
        lost = live.processes(run, "group.launch")
        meanwhile()
        for process in lost[::-1]:
            process.kill()
        psutil.wait_procs(lost, timeout=10)
        hold.drop()
    [arn] = live.executions(pipeline)
    return run, arn


def test_retries_that_are_edited_between_two_tries_start_no_second_execution(live):
    """The launch's worker dies after the start, and its retries are edited (3 to 1) before the next try begins."""
    edited = live.stack.directory / "airflow" / "edited_retries"
    run, arn = lost_launch(live, "retries_edited", lambda: edited.write_text("1"))
    assert live.await_execution(run) == arn
    live.answers.succeed(arn, "step")
    run = live.follow(run)

    assert (run.state, live.tries(run)) == ("success", {"group.launch": 2, "group.step": 1})
    assert live.executions("retries-edited") == {arn: "Succeeded"}


def test_a_launch_that_was_lost_and_is_cleared_leaves_one_execution_executing(live):
    """Without retries a lost launch fails its run, and its execution goes on alone: until the launch is cleared."""
    run, lost = lost_launch(live, "lost_and_cleared")
    assert live.follow(run).state == "failed"
    assert live.executions("lost-and-cleared") == {lost: "Executing"}

    live.api.clear(run, ["group.launch"], include_downstream=True)
    launched = live.await_execution(run)
    live.answers.confirm_stop(lost, "step")
    live.await_that(
        lambda: live.executions("lost-and-cleared")[lost] == "Stopped", "the end of the execution that was lost", run
    )
    executions = live.executions("lost-and-cleared")
    live.answers.succeed(launched, "step")
    run = live.follow(run)

    assert executions == {launched: "Executing", lost: "Stopped"}
    assert (run.state, live.executions("lost-and-cleared")) == ("success", {launched: "Succeeded", lost: "Stopped"})


@pytest.mark.parametrize(
    ("dag_id", "tasks"),
    [("expired_at_the_start", ("group.launch", "group.step")), ("operator_expired_at_the_start", ("run",))],
)
def test_a_token_that_expires_at_the_start_is_fetched_anew(live, dag_id, tasks):
    """The connection is read once more, within the same try: the launch task and the operator have no need of retries."""
    pipeline = dag_id.replace("_", "-")
    with live.proxy.injected(faults.EXPIRED_TOKEN, "StartPipelineExecution", times=1, PipelineName=pipeline):
        run = live.start(dag_id)
        live.proxy.await_calls("StartPipelineExecution", 2, SECONDS, PipelineName=pipeline)
        live.await_that(lambda: live.executions(pipeline), f"the execution of {run}", run)
    [arn] = live.executions(pipeline)
    live.answers.succeed(arn, "step")
    run = live.follow(run)

    assert (run.state, live.tries(run)) == ("success", dict.fromkeys(tasks, 1))
    starts = live.proxy.calls("StartPipelineExecution", PipelineName=pipeline)
    assert [call.status for call in starts] == [400, 200]


def await_killed(live, run, line, try_number=1):
    """Wait until a task's log has a line that it writes when it is killed; return the log."""

    def events():
        return [record["event"] for record in live.api.log(run, "run", try_number)]

    live.await_that(lambda: line in events(), f"'{line}' in the log of {run}")


def started(live, run):
    """Wait until the task of a run waits for its execution."""
    key = "pipeline_execution_arn"
    live.await_that(lambda: live.api.xcom(run, "run", key) is not None, f"the start of {run}", run)
    return live.api.xcom(run, "run", key)


def test_a_task_that_fails_by_itself_elsewhere_stops_nothing(live):
    """A triggerer is paused; another takes the task over, is refused, and fails it; the paused one goes on."""
    run = live.start("refused_elsewhere")
    arn = started(live, run)
    await_killed(live, run, "Step 'step' is Executing")
    other = live.stack.another_triggerer()
    other.start()
    look = "ListPipelineExecutionSteps"
    try:
        live.stack.pause(live.stack.triggerer)
        paused = time.monotonic()
        with live.proxy.injected(faults.ACCESS_DENIED, look, PipelineExecutionArn=arn):
            live.proxy.await_calls(look, 1, SECONDS, after=paused, PipelineExecutionArn=arn)
            live.await_that(lambda: live.states(run) == {"run": "failed"}, "the failure of the task")
            live.stack.triggerer.resume()
            await_killed(live, run, f"Execution {arn} was not stopped: the task had ended before")
    finally:
        live.stack.triggerer.resume()
        other.kill()
    executions = live.executions("refused-elsewhere")
    live.answers.succeed(arn, "step")

    assert executions == {arn: "Executing"}
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []


@pytest.mark.parametrize(
    ("dag_id", "who"), [("worker_stood_still", ("task", "supervisor")), ("supervisor_stood_still", ("supervisor",))]
)
def test_a_worker_that_stood_still_stops_nothing(live, dag_id, who):
    """Airflow fails a task that sends no heartbeats. The worker wakes, is told, and leaves the execution alone."""
    run = live.start(dag_id)
    arn = started(live, run)
    await_killed(live, run, "Step 'step' is Executing")
    both = dict(zip(("task", "supervisor"), live.processes(run, "run"), strict=True))
    frozen = [both[name] for name in who]
    for process in frozen[::-1]:
        process.suspend()
    try:
        live.await_that(lambda: live.states(run) == {"run": "failed"}, "the end of Airflow's patience")
    finally:
        for process in frozen:
            process.resume()
    gone, alive = psutil.wait_procs([both["task"]], timeout=SECONDS)
    executions = live.executions(dag_id.replace("_", "-"))
    live.answers.succeed(arn, "step")

    assert (len(gone), alive) == (1, [])
    assert executions == {arn: "Executing"}
    assert live.proxy.calls("StopPipelineExecution", PipelineExecutionArn=arn) == []
