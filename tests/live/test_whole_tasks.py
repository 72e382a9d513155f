"""A step task is a whole Airflow task: whoever asked to be told of its end is told, and its times are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from airflow import __version__

from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.serving.stack import USER
from harness.airflow_api import AirflowApi
from harness.components import Stack
from tests.live.conftest import BUCKET, BUNDLES, Live

pytestmark = pytest.mark.every_airflow


def printed(live, run, task_id, try_number=1):
    """What the callbacks of a task printed."""
    return live.printed(run, task_id if "." in task_id else f"group.{task_id}", try_number)


def on_workers(live, run):
    """The tasks whose latest try a worker process had."""
    return {task.task_id.rpartition(".")[2] for task in live.api.task_instances(run) if task.pid is not None}


@pytest.fixture(scope="module")
def whole(live):
    """A run whose steps all end as their names say; that of `retried` fails first."""
    run = live.start("whole_tasks")
    arn = live.await_execution(run)
    live.answers.await_waiting(arn, "failed")
    live.answers.succeed(arn, "quiet", "success", "notified", "executed", "outlet")
    live.answers.fail(arn, "retried")
    live.await_states(run, quiet="success", success="success", notified="success", executed="success", outlet="success")
    live.answers.fail(arn, "failed")
    # The second try of retried resumes the execution, the step of failed with it: its task must have ended by then.
    live.await_states(run, failed="failed")
    live.await_that(lambda: live.tries(run)["group.retried"] == 2, "the second try of retried", run)
    live.answers.succeed(arn, "retried")
    live.answers.succeed(arn, "failed")
    return live.follow(run)


def test_a_quiet_success_ends_in_the_triggerer_and_all_else_on_a_worker(live, whole):
    """One worker for each task whose end somebody asked for, or that did not just succeed."""
    assert (whole.state, live.states(whole)) == (
        "failed",
        {
            **dict.fromkeys(
                [
                    f"group.{step}"
                    for step in ("launch", "quiet", "success", "notified", "executed", "outlet", "retried")
                ],
                "success",
            ),
            "group.failed": "failed",
        },
    )
    quiet = set() if TASKS_LIVE_IN_TRIGGERER else {"quiet"}
    told = {"launch", "success", "notified", "executed", "outlet", "retried", "failed"}
    assert on_workers(live, whole) == quiet | told


@pytest.mark.parametrize(
    ("task_id", "try_number", "told"),
    [
        ("quiet", 1, []),
        ("success", 1, ["success: None"]),
        ("notified", 1, ["notified of group.notified"]),
        ("executed", 1, ["execute: None"]),
        ("retried", 1, ["retry: PipelineExecutionError: step 'retried' failed: no luck"]),
        ("retried", 2, ["success: None"]),
        (
            "failed",
            1,
            [
                "failure: PipelineExecutionError: step 'failed' failed: no luck",
                "notified of group.failed",
            ],
        ),
    ],
)
def test_callbacks_are_called_with_the_exception(live, whole, task_id, try_number, told):
    """Functions and notifiers, each once, as of any task; a failure's has the reason."""
    assert printed(live, whole, task_id, try_number) == told


@pytest.mark.usefixtures("whole")
def test_a_step_makes_its_asset(live):
    """A step with an outlet starts in the triggerer like the others, and registers its asset event once."""
    assert len(live.api.asset_event_extras("whole_tasks")) == 1


def test_callbacks_of_default_args(live):
    """The Dag's own callbacks are those of the steps, too."""
    run = live.start("told_by_default")
    live.answers.succeed(live.await_execution(run), "step")
    run = live.follow(run)
    assert (run.state, printed(live, run, "step")) == ("success", ["success: None"])


TOLD_OF_GOOD = ["success: None"]
TOLD_OF_BAD = ["failure: PipelineExecutionError: step 'bad' failed: no luck", "report: Failed, no luck"]


@pytest.mark.parametrize(
    ("end_tasks", "workers", "good", "bad"),
    [
        ("worker", {"launch", "good", "bad"}, TOLD_OF_GOOD, TOLD_OF_BAD),
        ("triggerer", {"launch"}, [], [])
        if TASKS_LIVE_IN_TRIGGERER
        else ("triggerer", {"launch", "good", "bad"}, TOLD_OF_GOOD, TOLD_OF_BAD),
    ],
)
def test_a_group_can_say_where_its_tasks_end(live, end_tasks, workers, good, bad):
    """Always on a worker, where a callback of a failure finds the step's report, or always in the triggerer: no callbacks."""
    run = live.start(f"ended_by_{end_tasks}")
    arn = live.await_execution(run)
    live.answers.succeed(arn, "good")
    live.await_states(run, good="success")
    live.answers.fail(arn, "bad")
    run = live.follow(run)
    assert live.states(run) == {"group.launch": "success", "group.good": "success", "group.bad": "failed"}
    assert (on_workers(live, run), printed(live, run, "good"), printed(live, run, "bad")) == (workers, good, bad)


@pytest.mark.skipif(
    __version__.startswith("3.0."), reason="Airflow 3.0 has negative durations of any task, launch's too"
)
def test_durations_after_a_clear(live):
    """A failed task and the one behind it, upstream_failed, are cleared: no duration is negative or missing.

    Before 3.3 Airflow adds the seconds of the minute twice on SQLite, so what it says there may be negative for any task.
    """
    run = live.start("durations")
    arn = live.await_execution(run)
    live.answers.fail(arn, "first")
    assert live.follow(run).state == "failed"
    assert live.states(run)["group.second"] == "upstream_failed"
    live.api.clear(run, only_failed=True)
    live.answers.succeed(arn, "first", "second")
    run = live.follow(run)
    tasks = live.api.task_instances(run)
    backwards = [task.task_id for task in tasks if not task.started or not task.ended or task.ended < task.started]
    assert (run.state, backwards) == ("success", [])
    if TASKS_LIVE_IN_TRIGGERER:
        assert [task.task_id for task in tasks if task.seconds is None or task.seconds < 0] == []
    assert on_workers(live, run) == {"launch", "first", "second"}


@pytest.mark.skipif(not TASKS_LIVE_IN_TRIGGERER, reason="retry policies came with Airflow 3.3")
def test_a_retry_policy_decides_by_the_exception(live):
    """A step that failed raises PipelineExecutionError; a policy that says so ends the task in spite of its retries."""
    run = live.start("retried_by_policy")
    live.answers.fail(live.await_execution(run), "never")
    run = live.follow(run)
    assert (run.state, live.states(run), live.tries(run)) == (
        "failed",
        {"group.launch": "success", "group.never": "failed"},
        {"group.launch": 1, "group.never": 1},
    )


def test_a_dag_that_fails_fast(live):
    """The first step that fails ends the run, also while a task waits in the triggerer: Airflow skips that."""
    run = live.start("fails_fast")
    arn = live.await_execution(run)
    live.await_states(run, bad="deferred", other="deferred")
    live.await_following(run, "other")
    live.answers.fail(arn, "bad")
    run = live.follow(run)
    assert (run.state, live.states(run)) == (
        "failed",
        {"group.launch": "success", "group.bad": "failed", "group.other": "skipped", "group.behind": "skipped"},
    )


def test_operators_and_sensors_call_their_callbacks(live):
    """A task for a whole execution that fails, and a sensor that is skipped, after a wait in the triggerer."""
    run = live.start("whole_executions_told")
    live.await_that(lambda: live.api.xcom(run, "run", "pipeline_execution_arn") is not None, "the start", run)
    arn = live.api.xcom(run, "run", "pipeline_execution_arn")
    live.answers.await_waiting(arn, "step")
    waiting = {"run": "deferred", "sense": "deferred"}
    live.await_that(lambda: live.states(run) == waiting, f"the states {waiting}", run)
    live.answers.fail(arn, "step")
    run = live.follow(run)
    why = f"execution {arn} ended Failed: step 'step' failed: no luck"
    assert live.states(run) == {"run": "failed", "sense": "skipped"}
    assert {task: live.printed(run, task) for task in ("run", "sense")} == {
        "run": [f"failure: PipelineExecutionError: {why}"],
        "sense": ["skipped: None"],
    }


@pytest.fixture(scope="module")
def listened(tmp_path_factory):
    """A run on another Airflow, with a plugin that listens and with OpenLineage; and the files that these write to."""
    directory = tmp_path_factory.mktemp("listened")
    heard, lineage, mail = (directory / f"{name}.jsonl" for name in ("heard", "lineage", "mail"))
    stack = Stack(
        directory,
        BUNDLES["live-tests"],
        {
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(Path(__file__).parent / "plugins"),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
                {"type": "file", "log_file_path": str(lineage), "append": True}
            ),
            "AIRFLOW__EMAIL__EMAIL_BACKEND": "mail.send_email",
            "LISTENED": str(heard),
            "MAIL": str(mail),
        },
    )
    with stack.running(print):
        stack.client("s3").create_bucket(Bucket=BUCKET)
        api = AirflowApi(stack.airflow_url, USER, stack.password)
        live = Live(stack, api, None)
        run = live.start("listened_to")
        arn = live.await_execution(run)
        live.answers.succeed(arn, "good")
        live.await_states(run, good="success")
        live.answers.fail(arn, "bad")
        live.follow(run)
        yield heard, lineage, mail
        api.close()


def test_listeners_hear_of_each_step_task(listened):
    """A plugin's listener is told of start and end of every step task, with the exception of one that failed."""
    heard = [json.loads(line) for line in listened[0].read_text().splitlines()]
    steps = {}
    for dag_id, task_id, try_number, what, error in heard:
        assert (dag_id, try_number) == ("listened_to", 1)
        steps.setdefault(task_id, []).append((what, error))
    if not TASKS_LIVE_IN_TRIGGERER:
        # A task that has a worker before its wait, too, is told of twice; one whose step was over by then, once.
        steps = {task_id: list(dict.fromkeys(told)) for task_id, told in steps.items()}
    assert steps == {
        "group.launch": [("running", None), ("success", None)],
        "group.good": [("running", None), ("success", None)],
        "group.bad": [("running", None), ("failed", "PipelineExecutionError: step 'bad' failed: no luck")],
    }


def test_openlineage_has_start_and_end_of_each_step_task(listened):
    """OpenLineage's provider sends an event for the start of every step task, and one for how it ended."""
    pytest.importorskip("airflow.providers.openlineage", reason="not among the pins of this Airflow")
    events = [json.loads(line) for line in listened[1].read_text().splitlines()]
    tasks = {}
    for event in events:
        if event["job"]["name"] != "listened_to":  # the Dag run's own
            tasks.setdefault(event["job"]["name"], []).append(event["eventType"])
    assert tasks == {
        "listened_to.group.launch": ["START", "COMPLETE"],
        "listened_to.group.good": ["START", "COMPLETE"],
        "listened_to.group.bad": ["START", "FAIL"],
    }


@pytest.mark.skipif(not TASKS_LIVE_IN_TRIGGERER, reason="before Airflow 3.3 workers know Airflow's SMTP only")
def test_the_mail_of_a_failure_has_its_reason(listened):
    """``email_on_failure`` sends one mail, with the exception's text."""
    [(to, subject, html)] = [json.loads(line) for line in listened[2].read_text().splitlines()]
    assert (to, "group.bad" in subject) == ("ml@example.com", True)
    assert "step &#x27;bad&#x27; failed: no luck" in html
