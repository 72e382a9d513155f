"""What goes wrong between Airflow and the service: what passes is waited out, what does not is told at once."""

from __future__ import annotations

import contextlib
import time

import pytest

from tests.faults import faults

SECONDS = 180
LOOK = "ListPipelineExecutionSteps"
TROUBLES = {
    "in_server_errors": faults.SERVER_ERROR,
    "throttled": faults.THROTTLED,
    "reset": faults.Reset(),
    "hanging": faults.Hang(),
}
STARTED = ("launched_in_trouble", "started_in_trouble")
REFUSALS = {
    "access_denied": (
        faults.ACCESS_DENIED,
        1,
        (
            "AccessDeniedException: User: nobody is not authorized to perform this action. Check what the connection's "
            "credentials, and the role, are allowed to do. See docs/troubleshooting.md#accessdenied"
        ),
    ),
    "execution_not_found": (
        faults.NOT_FOUND,
        1,
        (
            "ResourceNotFound: There is no such pipeline execution. Check the name, and the connection's account, region "
            "and endpoint_url. (connection 'aws_default', region us-east-1) If the pipeline was deleted, its executions are "
            "gone with it: clear the task that launched this one with its downstream tasks to start another."
        ),
    ),
    "token_expired": (
        faults.EXPIRED_TOKEN,
        2,
        (
            "ExpiredTokenException: The security token included in the request is expired. Check the credentials of the "
            "connection. See docs/troubleshooting.md#connection-credentials-and-region"
        ),
    ),
}


@pytest.fixture(scope="module")
def waiting(live):
    """A run of each Dag, all at the same time, whose steps are followed; and its execution."""
    runs = {dag_id: live.start(dag_id) for dag_id in (*TROUBLES, "token_expired_once", *REFUSALS)}
    arns = {dag_id: live.await_execution(run) for dag_id, run in runs.items()}
    for dag_id, run in runs.items():
        steps = ("one", "other") if dag_id in REFUSALS else ("before", "beside")
        live.await_states(run, **dict.fromkeys(steps, "deferred"))
        for step in steps:
            live.await_following(run, step)
    return {dag_id: (run, arns[dag_id]) for dag_id, run in runs.items()}


@pytest.fixture(scope="module")
def trouble(live, waiting):
    """A service in trouble, in another way for each execution; leaving the fixture's stack ends it."""
    with contextlib.ExitStack() as stack:
        for dag_id, fault in TROUBLES.items():
            stack.enter_context(live.proxy.injected(fault, PipelineExecutionArn=waiting[dag_id][1]))
        for dag_id in STARTED:
            stack.enter_context(live.proxy.injected(faults.THROTTLED, PipelineName=dag_id.replace("_", "-")))
        yield stack, time.monotonic(), {dag_id: live.start(dag_id) for dag_id in STARTED}


@pytest.mark.parametrize("dag_id", REFUSALS)
def test_a_refusal_fails_all_waiting_tasks_at_once_in_the_services_words(live, waiting, trouble, dag_id):
    """One answer is enough (two of an expired token, with the connection read anew in between): nothing is retried."""
    run, arn = waiting[dag_id]
    fault, calls, words = REFUSALS[dag_id]
    where = "(connection 'aws_default', region us-east-1)"
    words = words if where in words else f"{words} {where}"
    before = len(live.proxy.calls(PipelineExecutionArn=arn))
    with live.proxy.injected(fault, PipelineExecutionArn=arn):
        run = live.follow(run)
    refused = live.proxy.calls(PipelineExecutionArn=arn)[before:]
    executions = live.executions(dag_id.replace("_", "-"))
    live.answers.succeed(arn, "one", "other")

    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.one": "failed", "group.other": "failed"},
    )
    for step in ("one", "other"):
        assert live.api.errors(run, f"group.{step}") == [
            f"AirflowFailException: DescribePipelineExecution failed: {words}"
        ]
    # The watch's own, then those of the workers that end the two tasks: each looks once more.
    assert [call.operation for call in refused if not call.forwarded] == (
        [LOOK] * calls + ["DescribePipelineExecution"] * 2 * calls
    )
    assert executions == {arn: "Executing"}


def test_a_token_that_expires_is_fetched_anew(live, waiting):
    """With fresh credentials the watch goes on; the tasks notice nothing."""
    run, arn = waiting["token_expired_once"]
    calls = len(live.proxy.calls(LOOK, PipelineExecutionArn=arn))
    with live.proxy.injected(faults.EXPIRED_TOKEN, LOOK, times=1, PipelineExecutionArn=arn):
        live.answers.succeed(arn, "before", "beside", "behind")
        run = live.follow(run)

    assert [call.status for call in live.proxy.calls(LOOK, PipelineExecutionArn=arn)[calls:]].count(400) == 1
    assert (run.state, live.states(run)) == (
        "success",
        dict.fromkeys(["group.launch", "group.before", "group.beside", "group.behind"], "success"),
    )
    assert set(live.tries(run).values()) == {1}


@pytest.fixture(scope="module")
def seen(live, waiting, trouble):
    """The states of the tasks after more than a minute, and whether the service got a call; then trouble is over."""
    stack, began, _ = trouble
    for dag_id in TROUBLES:
        live.answers.succeed(waiting[dag_id][1], "before")
        live.answers.fail(waiting[dag_id][1], "beside")
    # A call that hangs is given up after 30 seconds: at the third, more than a minute is over.
    live.proxy.await_calls(LOOK, 3, SECONDS, after=began, PipelineExecutionArn=waiting["hanging"][1])
    states = {dag_id: live.states(waiting[dag_id][0]) for dag_id in TROUBLES}
    forwarded = {
        dag_id: [
            call.forwarded for call in live.proxy.calls(PipelineExecutionArn=waiting[dag_id][1]) if call.time > began
        ]
        for dag_id in TROUBLES
    }
    stack.close()
    return states, forwarded


def test_every_task_survives_a_minute_of_trouble(live, waiting, seen):
    """5xx, throttling, resets, silence: tasks wait on, also those whose steps end meanwhile, and end as these did."""
    in_trouble, forwarded = seen
    runs = {dag_id: live.follow(waiting[dag_id][0]) for dag_id in TROUBLES}

    tasks = ("group.launch", "group.before", "group.beside", "group.behind")
    waited = dict(zip(tasks, ("success", "deferred", "deferred", None), strict=True))
    ended = dict(zip(tasks, ("success", "success", "failed", "upstream_failed"), strict=True))
    assert in_trouble == dict.fromkeys(TROUBLES, waited)
    assert {dag_id: (len(calls) >= 3, any(calls)) for dag_id, calls in forwarded.items()} == dict.fromkeys(
        TROUBLES, (True, False)
    )
    assert {dag_id: (run.state, live.states(run)) for dag_id, run in runs.items()} == dict.fromkeys(
        TROUBLES, ("failed", ended)
    )
    assert {number for run in runs.values() for number in live.tries(run).values()} == {1}


@pytest.mark.usefixtures("seen")
def test_executions_are_started_after_a_minute_of_trouble(live, trouble):
    """Tasks that are to start one wait on their workers, in their first try, and start it once."""
    _, _, runs = trouble
    launched = live.await_execution(runs["launched_in_trouble"])

    def by_operator():
        return live.api.xcom(runs["started_in_trouble"], "run", "pipeline_execution_arn")

    live.await_that(lambda: by_operator() is not None, "the execution of the operator", runs["started_in_trouble"])
    operated = by_operator()
    for arn in (launched, operated):
        live.answers.succeed(arn, "step")
    ended = {dag_id: live.follow(run) for dag_id, run in runs.items()}

    assert {dag_id: (run.state, live.states(run), live.tries(run)) for dag_id, run in ended.items()} == {
        "launched_in_trouble": (
            "success",
            {"group.launch": "success", "group.step": "success"},
            {"group.launch": 1, "group.step": 1},
        ),
        "started_in_trouble": ("success", {"run": "success"}, {"run": 1}),
    }
    assert live.executions("launched-in-trouble") == {launched: "Succeeded"}
    assert live.executions("started-in-trouble") == {operated: "Succeeded"}


def test_an_answer_that_gets_lost_starts_nothing_twice(live):
    """The service started the execution, and launch does not know: asking again gives the same execution."""
    with live.proxy.injected(faults.LoseAnswer(), "StartPipelineExecution", times=1, PipelineName="answer-lost"):
        run = live.start("answer_lost")
        arn = live.await_execution(run)
    live.answers.succeed(arn, "step")
    run = live.follow(run)
    starts = live.proxy.calls("StartPipelineExecution", PipelineName="answer-lost")

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert [(call.forwarded, call.status) for call in starts] == [(True, None), (True, 200)]
    assert len({call.request["ClientRequestToken"] for call in starts}) == 1
    assert live.executions("answer-lost") == {arn: "Succeeded"}
