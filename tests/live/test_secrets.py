"""No secret that a pipeline is given can be seen in Airflow, whatever its jobs tell of it."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.live.conftest import SECRETS

HIDDEN = [
    "GIVEN_PASSWORD is ***",
    "GIVEN_URL is postgres://trainer:***@db/ml",
    "GIVEN_EXTRA is ***",
    "GIVEN_TOKEN is ***",
    "GIVEN_JSON is ***",
    "GIVEN_ARGUMENT is ***",
]


@pytest.fixture(scope="module")
def told(live):
    """A run whose jobs have told all; half of its tasks were ended by workers, half by the triggerer."""
    run = live.run("secrets")
    assert live.states(run) == {
        f"ended_by_{where}.{task}": state
        for where in ("worker", "triggerer")
        for task, state in (("launch", "success"), ("good", "success"), ("bad", "failed"))
    }
    return run


def cells(live):
    """Every value in Airflow's database as bytes, with its table and column."""
    database = sqlite3.connect(f"file:{live.stack.directory / 'airflow' / 'airflow.db'}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = database.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in rows.description]
            for row in rows:
                for column, value in zip(columns, row, strict=True):
                    content = value if isinstance(value, bytes) else str(value).encode()
                    yield f"{table}.{column}", content
    finally:
        database.close()


def told_by(content):
    """The names of the secrets that are in some bytes."""
    return sorted(name for name, secret in SECRETS.items() if secret.encode() in content)


def test_the_jobs_have_told_their_secrets(live, told):
    """What is looked for was really said: CloudWatch has each secret."""
    logs = live.stack.client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    report = live.api.xcom(told, "ended_by_worker.bad", "step_report")
    job = report["job_arn"].rpartition("/")[2]
    [stream] = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=job)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert told_by("\n".join(event["message"] for event in events).encode()) == sorted(SECRETS)


@pytest.mark.usefixtures("told")
def test_no_secret_is_in_a_log(live):
    """Neither in a task's log nor in what a component of Airflow has written."""
    files = [path for path in live.stack.directory.rglob("*.log") if path.is_file()]
    assert any("dag_id=secrets" in str(path) for path in files)
    assert {str(path): found for path in files if (found := told_by(path.read_bytes()))} == {}


@pytest.mark.usefixtures("told")
def test_no_secret_is_in_the_database(live):
    """Neither among XComs and rendered fields nor anywhere else: every cell of every table is looked at."""
    found = {}
    seen = set()
    for place, content in cells(live):
        seen.add(place)
        if names := told_by(content):
            found.setdefault(place, set()).update(names)
    assert {"xcom.value", "rendered_task_instance_fields.rendered_fields", "task_instance.next_kwargs"} <= seen
    assert found == {}


@pytest.mark.parametrize("where", ["worker", "triggerer"])
@pytest.mark.parametrize("task", ["good", "bad"])
def test_the_logs_tell_all_else(live, told, where, task):
    """The last lines of the job's log are there, with *** for each secret, however the job and its task ended."""
    lines = [str(record["event"]).strip() for record in live.api.log(told, f"ended_by_{where}.{task}")]
    assert sorted(line for line in lines if line.startswith("GIVEN_")) == sorted(HIDDEN)
    assert "all told" in lines


def test_rendered_templates_of_a_step_that_a_worker_ended(live, told):
    """They have the request that SageMaker got, without secrets."""
    request = live.api.rendered_fields(told, "ended_by_worker.bad")["request"]
    request = json.loads(request) if isinstance(request, str) else request
    assert request["AppSpecification"]["ContainerArguments"] == ["***"]
    assert request["Environment"] == dict.fromkeys(request["Environment"], "***")
    assert "GIVEN_TOKEN" in request["Environment"]


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_the_property_file_has_all_else(live, told, where):
    """What a job writes into its files for other tasks has *** for each secret."""
    given = live.api.xcom(told, f"ended_by_{where}.good", "property_files")["told"]["given"]
    assert given == {
        "GIVEN_PASSWORD": "***",
        "GIVEN_URL": "postgres://trainer:***@db/ml",
        "GIVEN_EXTRA": "***",
        "GIVEN_TOKEN": "***",
        "GIVEN_JSON": "***",
        "GIVEN_ARGUMENT": "***",
    }
