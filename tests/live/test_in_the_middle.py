"""Airflow tasks in the middle of pipelines on real components: each is answered for once, whatever happens."""

from __future__ import annotations

import json
import time
from importlib.util import find_spec

import httpx
import psutil
import pytest

from airflow_sm_pipelines.compatibility.triggerer import SETTLED_AFTER
from tests.faults import faults

has_approvals = pytest.mark.skipif(
    find_spec("airflow.sdk.execution_time.hitl") is None, reason="Airflow has approvals from 3.1 on"
)
SECONDS = 120
CHOSEN = {
    "middle_succeeds": {"rounds": 3},
    "middle_skips": "skip",
    "middle_fails": "fail",
    "middle_lost": {"rounds": 5},
}
"""What the Airflow task of each Dag ends with."""


@pytest.fixture(scope="module")
def queue(live):
    """The queues that the Dags name."""
    for name in ("middle", "example-approval"):
        live.stack.client("sqs").create_queue(QueueName=name)


def choose(tmp_path, dag_id, chosen):
    """Let the Airflow task of a Dag end."""
    unfinished = tmp_path / f"{dag_id}.unfinished"
    unfinished.write_text(json.dumps(chosen))
    unfinished.rename(tmp_path / dag_id)


def await_token(live, run, arn, step):
    """Return what a Callback step is answered with, once its trigger knows that it waits."""
    line = f"The pipeline waits for the end of Airflow task 'group.{step}'"
    task_id = f"group.{step}_callback"
    live.await_states(run, **{f"{step}_callback": "deferred"})
    live.await_that(lambda: line in [each["event"] for each in live.api.log(run, task_id)], line, run)
    steps = live.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    [found] = [each for each in steps if each["StepName"] == step]
    return found["Metadata"]["Callback"]["CallbackToken"]


def answers(live, token):
    """Return the calls that answered a step, as the proxy saw them."""
    calls = [
        call
        for outcome in ("Success", "Failure")
        for call in live.proxy.calls(f"SendPipelineExecutionStep{outcome}", CallbackToken=token)
    ]
    return [
        (
            call.operation.removeprefix("SendPipelineExecutionStep"),
            call.request.get("OutputParameters", call.request.get("FailureReason")),
            call.status,
        )
        for call in calls
    ]


@pytest.fixture(scope="module")
def ended(live, queue, tmp_path_factory):
    """A run of each Dag, all at the same time, to its end; its execution, and the token of its Callback step."""
    directory = tmp_path_factory.mktemp("chosen")
    runs = {dag_id: live.start(dag_id, {"file": str(directory / dag_id)}) for dag_id in CHOSEN}
    found = {}
    for dag_id, run in runs.items():
        arn = live.await_execution(run)
        live.answers.succeed(arn, "before")
        found[dag_id] = (arn, await_token(live, run, arn, "choose"))
    lost = {"CallbackToken": found["middle_lost"][1]}
    with live.proxy.injected(faults.LoseAnswer(), "SendPipelineExecutionStepSuccess", times=1, **lost):
        for dag_id, chosen in CHOSEN.items():
            choose(directory, dag_id, chosen)
        live.proxy.await_calls("SendPipelineExecutionStepSuccess", 1, SECONDS, **lost)
    for dag_id in ("middle_succeeds", "middle_lost"):
        live.answers.succeed(found[dag_id][0], "behind")
    return {dag_id: (live.follow(run), *found[dag_id]) for dag_id, run in runs.items()}


STATES = {
    "group.launch": "success",
    "group.before": "success",
    "group.choose": "success",
    "group.choose_callback": "success",
    "group.behind": "success",
}


def test_what_the_task_returned_goes_into_the_pipeline(live, ended):
    """The step behind it gets the XCom as its argument; the service was told once."""
    run, arn, token = ended["middle_succeeds"]
    assert (run.state, live.states(run)) == ("success", STATES)
    assert answers(live, token) == [("Success", [{"Name": "rounds", "Value": "3"}], 200)]
    assert live.executions("middle-succeeds") == {arn: "Succeeded"}


@pytest.mark.parametrize(
    ("dag_id", "state", "behind", "tries", "reason"),
    [
        ("middle_skips", "skipped", "skipped", 1, "Airflow task 'group.choose' was skipped"),
        ("middle_fails", "failed", "upstream_failed", 2, "Airflow task 'group.choose' failed"),
    ],
)
def test_a_task_that_does_not_succeed_fails_its_step(live, ended, dag_id, state, behind, tries, reason):
    """The pipeline is told why, once, and after the last try only; the Dag run fails as the execution does."""
    run, arn, token = ended[dag_id]
    expected = {"group.choose": state, "group.choose_callback": "failed", "group.behind": behind}
    assert (run.state, live.states(run)) == ("failed", {**STATES, **expected})
    assert (live.tries(run)["group.choose"], live.tries(run)["group.choose_callback"]) == (tries, 1)
    assert answers(live, token) == [("Failure", reason, 200)]
    assert live.executions(dag_id.replace("_", "-")) == {arn: "Failed"}
    assert f"step 'choose' failed: {reason}" in live.api.errors(run, "group.choose_callback")[0]


def test_an_answer_that_gets_lost_has_one_effect(live, ended):
    """The service has it, and the trigger does not know: it says the same with the same token, or sees the step's end."""
    run, arn, token = ended["middle_lost"]
    calls = live.proxy.calls("SendPipelineExecutionStepSuccess", CallbackToken=token)
    assert (run.state, live.states(run)) == ("success", STATES)
    assert (calls[0].forwarded, calls[0].status) == (True, None)
    assert [call.status for call in calls[1:]] in ([], [200])
    assert len({call.request["ClientRequestToken"] for call in calls}) == 1
    assert live.executions("middle-lost") == {arn: "Succeeded"}


def test_a_stopped_execution_does_not_wait_for_the_task(live, queue, tmp_path):
    """The Callback step is failed, without which nothing would stop; the Airflow task goes on to its own end."""
    run = live.start("middle_stopped", {"file": str(tmp_path / "middle_stopped")})
    arn = live.await_execution(run)
    live.answers.succeed(arn, "before")
    token = await_token(live, run, arn, "choose")
    live.await_following(run, "beside")
    live.api.mark_task(run, "group.beside", "failed")
    live.answers.confirm_stop(arn, "beside")
    live.await_states(run, choose_callback="failed")
    choose(tmp_path, "middle_stopped", {"rounds": 1})
    run = live.follow(run)

    expected = {"group.choose_callback": "failed", "group.behind": "failed", "group.beside": "failed"}
    assert (run.state, live.states(run)) == ("failed", {**STATES, **expected})
    assert answers(live, token) == [("Failure", "The execution is being stopped", 200)]
    assert live.executions("middle-stopped") == {arn: "Stopped"}


def test_neither_a_killed_worker_nor_a_killed_triggerer_loses_an_answer(live, queue, tmp_path):
    """The task's next try is waited for; killed with its answer on the way back, another triggerer finds it answered."""
    run = live.start("middle_killed", {"file": str(tmp_path / "middle_killed")})
    arn = live.await_execution(run)
    live.answers.succeed(arn, "before")
    token = await_token(live, run, arn, "choose")
    killed = live.processes(run, "group.choose")
    for process in reversed(killed):
        process.kill()
    psutil.wait_procs(killed, timeout=10)
    live.await_that(lambda: live.tries(run)["group.choose"] == 2, "the second try of the task", run)
    assert answers(live, token) == []
    with live.proxy.held("SendPipelineExecutionStepSuccess", acted=True, CallbackToken=token) as hold:
        choose(tmp_path, "middle_killed", {"rounds": 7})
        hold.await_call(SECONDS)
        live.stack.triggerer.kill()
        hold.drop()
    live.stack.triggerer.start()
    live.answers.succeed(arn, "behind")
    run = live.follow(run)

    calls = live.proxy.calls("SendPipelineExecutionStepSuccess", CallbackToken=token)
    assert (run.state, live.states(run)) == ("success", STATES)
    assert [(call.forwarded, call.status) for call in calls] == [(True, None)]
    assert (live.tries(run)["group.choose"], live.tries(run)["group.choose_callback"]) == (2, 1)
    assert live.executions("middle-killed") == {arn: "Succeeded"}


def respond(live, run, option):
    """Answer an approval, as a person does in the UI, once it is asked for."""
    path = f"/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/model.approve/-1/hitlDetails"

    def asked():
        answer = live.api.ask(f"/api/v2{path}")
        return answer.status_code == httpx.codes.OK and live.states(run)["model.approve"] in (
            "awaiting_input",
            "deferred",
        )

    live.await_that(asked, f"the question of {run}", run)
    # Airflow fails a task that goes on before the scheduler has heard that its worker is done.
    settled = time.monotonic() + SETTLED_AFTER
    live.await_that(lambda: time.monotonic() > settled, "the scheduler", run)
    live.api._change("PATCH", f"/api/v2{path}", {"chosen_options": [option], "params_input": {}})


@has_approvals
def test_a_person_approves_or_rejects_a_model(live, queue, example_runs):
    """Approved, the model is registered; rejected, the execution fails with the reason and the rest is skipped."""
    runs = {option: live.start("example_approval") for option in ("Approve", "Reject")}
    for option, run in runs.items():
        respond(live, run, option)
    runs = {option: live.follow(run) for option, run in runs.items()}

    steps = ("launch", "prepare", "train", "evaluate", "approve", "approve_callback", "register")
    approved = {f"model.{step}": "success" for step in steps}
    rejected = {**approved, "model.approve_callback": "failed", "model.register": "skipped"}
    assert {option: (run.state, live.states(run)) for option, run in runs.items()} == {
        "Approve": ("success", approved),
        "Reject": ("failed", rejected),
    }
    assert sorted(live.executions("breast-cancer-approval").values()) == ["Failed", "Succeeded"]
    reason = (
        "AirflowFailException: step 'approve' failed: Airflow task 'model.approve' skipped 'model.register', which "
        "comes after it, as a rejected approval does"
    )
    assert live.api.errors(runs["Reject"], "model.approve_callback") == [reason]
