"""A failed execution goes on when its tasks are tried again, by themselves or by a person."""

from __future__ import annotations

import pytest

from tests.faults import faults

pytestmark = pytest.mark.every_airflow

DAGS = ("resumed_by_retries", "resumed_by_clearing", "restarted", "ended_in_fail_step")


@pytest.fixture(scope="module")
def started(live):
    """A run of each Dag, all at the same time, and the execution it began with."""
    runs = {dag_id: live.start(dag_id) for dag_id in DAGS}
    return {dag_id: (run, live.await_execution(run)) for dag_id, run in runs.items()}


def retry_calls(live, arn):
    """How many tokens RetryPipelineExecution was called with, and what the callers were answered."""
    calls = live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=arn)
    return len({call.request["ClientRequestToken"] for call in calls}), [call.status for call in calls]


def start_calls(live, pipeline):
    return [call.request["PipelineName"] for call in live.proxy.calls("StartPipelineExecution")].count(pipeline)


def test_tasks_that_retry_together_resume_the_execution_once(live, started):
    """Two steps fail while a third runs: when that is over the same execution goes on, and the run succeeds."""
    run, arn = started["resumed_by_retries"]
    live.answers.fail(arn, "left", "right")
    live.await_states(run, left="deferred", right="deferred", beside="deferred")
    live.await_that(
        lambda: live.tries(run)["group.left"] + live.tries(run)["group.right"] == 4, "both second tries", run
    )
    before = live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=arn)
    live.answers.succeed(arn, "beside", "left", "right", "behind")
    run = live.follow(run)
    tokens, statuses = retry_calls(live, arn)

    assert before == []
    assert (run.state, live.states(run)) == (
        "success",
        dict.fromkeys(["group.launch", "group.left", "group.right", "group.beside", "group.behind"], "success"),
    )
    assert live.tries(run) == {
        "group.launch": 1,
        "group.left": 2,
        "group.right": 2,
        "group.beside": 1,
        "group.behind": 1,
    }
    assert (tokens, set(statuses)) == (1, {200})
    assert live.executions("resumed-by-retries") == {arn: "Succeeded"}
    assert start_calls(live, "resumed-by-retries") == 1


def test_clearing_the_failed_tasks_resumes_the_execution(live, started):
    """The failed step and those behind it run again, once, although the service's answer to the request gets lost."""
    run, arn = started["resumed_by_clearing"]
    live.answers.succeed(arn, "left")
    live.answers.fail(arn, "right")
    failed = live.follow(run)
    states = live.states(failed)
    with live.proxy.injected(faults.LoseAnswer(), "RetryPipelineExecution", times=1, PipelineExecutionArn=arn):
        live.api.clear(run, only_failed=True)
        live.answers.succeed(arn, "right", "behind")
        run = live.follow(run)

    assert (failed.state, states) == (
        "failed",
        {
            "group.launch": "success",
            "group.left": "success",
            "group.right": "failed",
            "group.behind": "upstream_failed",
        },
    )
    assert (run.state, live.states(run)) == ("success", dict.fromkeys(states, "success"))
    assert live.tries(run)["group.left"] == 1
    assert retry_calls(live, arn) == (1, [None, 200])
    assert live.executions("resumed-by-clearing") == {arn: "Succeeded"}
    assert start_calls(live, "resumed-by-clearing") == 1


def test_on_retry_restart_starts_another_execution_once(live, started):
    """Instead of the failed execution another one is followed, by all tasks; nothing is resumed."""
    run, first = started["restarted"]
    live.answers.fail(first, "left", "right")
    live.await_that(lambda: live.execution(run) != first, "the execution that is started instead", run)
    second = live.execution(run)
    live.answers.succeed(second, "left", "right", "behind")
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "success",
        dict.fromkeys(["group.launch", "group.left", "group.right", "group.behind"], "success"),
    )
    assert live.tries(run) == {"group.launch": 1, "group.left": 2, "group.right": 2, "group.behind": 1}
    assert live.executions("restarted") == {first: "Failed", second: "Succeeded"}
    assert live.execution(run) == second
    assert live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=first) == []


def test_an_execution_that_ended_in_a_fail_step_says_that_it_cannot_be_resumed(live, started):
    """The next try fails with the Fail step's message and what to do instead; the service is not even asked."""
    run, arn = started["ended_in_fail_step"]
    live.answers.succeed(arn, "before")
    run = live.follow(run)

    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.before": "success", "group.refuse": "failed"},
    )
    assert live.api.errors(run, "group.refuse", 1) == ["PipelineExecutionError: step 'refuse' failed: Not this way."]
    [refusal] = live.api.errors(run, "group.refuse", 2)
    assert refusal == (
        f"PipelineExecutionError: execution {arn} ended in the Fail step 'refuse', and SageMaker does not resume such an execution (Not this "
        "way.). Clear the task that launched it to start a new execution. "
        "See docs/troubleshooting.md#sagemaker-does-not-resume-it"
    )
    assert live.proxy.calls("RetryPipelineExecution", PipelineExecutionArn=arn) == []
    assert live.executions("ended-in-fail-step") == {arn: "Failed"}
