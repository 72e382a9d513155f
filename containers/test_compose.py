"""The image, and the services of docker/compose.yaml out of it, one test after the other: later ones use what runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from airflow_sm_pipelines.local.aws import AccessKey
from airflow_sm_pipelines.serving.processes import stop_components
from airflow_sm_pipelines.serving.stack import LOOPBACK, USER
from containers.build import IMAGE, PYTHON
from containers.buildah import CLONE, WORK, container_of, environment, run_command
from containers.compose import SECONDS_TO_START, Compose
from demo.scenario import GROUP, INGEST, REGISTERED, TRAIN
from harness.airflow_api import AirflowApi
from tests.integration.clients import Aws, job_name
from tests.integration.documents import BUCKET, document, processing_step

ENDPOINT_URL = f"http://{LOOPBACK}:4566"
ACCESS_KEY = AccessKey("local", "for-one-machine-only")
AIRFLOW_URL = f"http://{LOOPBACK}:8080"
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
SECONDS_PER_RUN = 300.0

EXAMPLES_BUCKET = "example-ml"
MASKED_ADDRESS = "postgresql+psycopg2://airflow:***@"
METRICS = {"accuracy": 0.9561, "test_rows": 114}

SORT = """\
import os, pathlib
rows = pathlib.Path("/opt/ml/processing/input/raw/rows.csv").read_text().split()
pathlib.Path("/opt/ml/processing/output/sorted/rows.csv").write_text("\\n".join(sorted(rows)))
print("sorted", len(rows), "rows as user", os.getuid())
"""
TAKE_FIRST = """\
import os, pathlib
rows = pathlib.Path("/opt/ml/processing/input/sorted/rows.csv").read_text().split()
pathlib.Path("/opt/ml/processing/output/first/row.txt").write_text(rows[0])
print("took", rows[0], "and sees", sorted(os.listdir("/opt/ml/processing/input")))
"""


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    """No service is started yet."""
    directory = WORK / "compose"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    with Compose(directory) as services:
        yield services


def in_image(image: str, *command: str, user: str | None = None) -> str:
    """Run a command in the container of an image and return what it printed."""
    ended = subprocess.run(
        run_command(container_of(image), command, user=user),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_the_image_has_the_airflow_of_the_constraints() -> None:
    """`airflow version` prints the pinned one."""
    [pinned] = re.findall(r"^apache-airflow==(.+)$", (CLONE / "constraints.txt").read_text(), re.MULTILINE)
    assert in_image(IMAGE, "airflow", "version") == f"{pinned}\n"


def test_nothing_of_the_machine_that_built_the_image_is_in_it() -> None:
    """Neither its settings for pip and apt, nor what they were mounted on."""
    found = ["find", "/etc/apt", "/mnt", "/opt", "/root", "-printf", "%p %s %u\n"]
    assert in_image(IMAGE, "pip", "config", "list") == ""
    assert sorted(in_image(IMAGE, *found, user="root").splitlines()) == sorted(
        in_image(PYTHON.name, *found).splitlines()
    )


def test_the_endpoint_runs_a_pipeline(compose: Compose) -> None:
    """Of two processing steps: each job has its own /opt/ml, its outputs are in S3 and its lines in its log."""
    compose.up("local-endpoint")
    compose["local-endpoint"].await_health()
    aws = Aws(ENDPOINT_URL, ACCESS_KEY)
    aws.create_bucket()
    rows = aws.put("raw/rows.csv", "c\na\nb\n")
    sort = processing_step(
        "sort", aws.put_script(SORT), inputs={"raw": rows}, outputs={"sorted": f"s3://{BUCKET}/sorted"}
    )
    take_first = processing_step(
        "take_first",
        aws.put_script(TAKE_FIRST),
        inputs={"sorted": {"Get": "Steps.sort.ProcessingOutputConfig.Outputs['sorted'].S3Output.S3Uri"}},
        outputs={"first": f"s3://{BUCKET}/first"},
    )
    arn = aws.start(document(sort, take_first))

    while aws.describe(arn)["PipelineExecutionStatus"] == "Executing":
        compose.require_running()
    steps = aws.steps(arn)
    logs = {name: aws.log_lines("/aws/sagemaker/ProcessingJobs", job_name(step)) for name, step in steps.items()}

    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded", (steps, logs)
    assert {name: step["StepStatus"] for name, step in steps.items()} == {
        "sort": "Succeeded",
        "take_first": "Succeeded",
    }
    assert aws.get(f"s3://{BUCKET}/sorted/rows.csv") == "a\nb\nc"
    assert aws.get(f"s3://{BUCKET}/first/row.txt") == "a"
    assert logs == {
        "sort": ["sorted 3 rows as user 0"],
        "take_first": ["took a and sees ['code', 'sorted']"],
    }


def test_the_bucket_is_there_after_a_restart(compose: Compose) -> None:
    """What the endpoint had in memory is gone. It is healthy once the bucket is there again: nobody has to make it."""
    endpoint = compose["local-endpoint"]
    stop_components([endpoint.component])
    assert not endpoint.is_healthy()
    endpoint.component.start()
    endpoint.await_health()
    s3 = Aws(ENDPOINT_URL, ACCESS_KEY).s3
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [EXAMPLES_BUCKET]
    assert s3.list_objects_v2(Bucket=EXAMPLES_BUCKET)["KeyCount"] == 0


def test_the_database_is_migrated_before_airflow_starts(compose: Compose) -> None:
    """With nothing running yet the health checks of Airflow's components find no job that is alive."""
    compose.up("airflow-init")
    compose["airflow-init"].component.wait(SECONDS_TO_START)
    found = compose["airflow-init"].run("airflow", "jobs", "check", "--job-type", "SchedulerJob", "--local")
    assert (found.returncode, found.stderr.splitlines()[0]) == (1, "No alive jobs found.")


def test_all_services_become_healthy(compose: Compose) -> None:
    """Each of Airflow's components, by the health check that the compose file has for it."""
    compose.up(*AIRFLOW)
    for name in AIRFLOW:
        compose[name].await_health()
    compose.require_running()


@pytest.fixture(scope="session")
def airflow(compose: Compose) -> Iterator[AirflowApi]:
    """Airflow's API, logged in with the password from where the compose file says it is."""
    passwords = json.loads(compose["api-server"].run("cat", "/var/lib/airflow/passwords.json").stdout)
    api = AirflowApi(AIRFLOW_URL, USER, passwords[USER])
    yield api
    api.close()


def run_examples(compose: Compose, airflow: AirflowApi) -> None:
    """Run example_ingest, whose Asset starts example_train, and compare how all of their tasks end."""
    airflow.wait_for_dags({INGEST, TRAIN}, SECONDS_PER_RUN, compose.require_running)
    before = len(airflow.dag_runs(TRAIN))
    ingest = airflow.trigger(INGEST)
    for _ in airflow.follow(ingest, SECONDS_PER_RUN, compose.require_running):
        pass
    assert airflow.dag_run(ingest).state == "success"
    while len(airflow.dag_runs(TRAIN)) == before:
        compose.require_running()
    train = airflow.dag_runs(TRAIN)[-1]
    for _ in airflow.follow(train, SECONDS_PER_RUN, compose.require_running):
        pass
    assert airflow.dag_run(train).state == "success"
    assert {task.task_id: task.state for task in airflow.task_instances(train)} == REGISTERED
    metrics = airflow.xcom(train, f"{GROUP}.evaluate", "property_files")["metrics"]
    assert {name: round(metrics[name]["value"], 4) for name in METRICS} == METRICS


def test_the_example_dags_run(compose: Compose, airflow: AirflowApi) -> None:
    """One Dag's pipeline, in the containers' Airflow and endpoint; the model is registered."""
    run_examples(compose, airflow)


def test_the_example_dags_run_after_the_endpoint_has_started_again(compose: Compose, airflow: AirflowApi) -> None:
    """Its Airflow needs nothing more than the endpoint's being there again."""
    stop_components([compose["local-endpoint"].component])
    compose["local-endpoint"].component.start()
    compose["local-endpoint"].await_health()
    run_examples(compose, airflow)


def test_no_word_is_missing_in_the_logs(compose: Compose) -> None:
    """Airflow writes *** for every secret that it knows: none of the compose file's is a word that logs need.

    The password in the database's address does not count.
    """
    lines = {
        (path.name, line)
        for path in compose.directory.rglob("*.log")
        for line in path.read_text(errors="replace").replace(MASKED_ADDRESS, "").splitlines()
        if "***" in line
    }
    assert lines == set()


@pytest.mark.parametrize("name", AIRFLOW)
def test_a_service_that_is_gone_is_not_healthy(compose: Compose, name: str) -> None:
    """Its health check fails when it was killed: at once, or when its last heartbeat is too old."""
    compose[name].component.kill()
    compose[name].await_health(healthy=False)
