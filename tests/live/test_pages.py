"""What the plugin's routes tell on real components, and whom."""

from __future__ import annotations

import json

import httpx
import pytest

from airflow_sm_pipelines.compatibility.version import REACT_PAGES
from harness.airflow_api import AirflowApi
from tests.live.conftest import STRANGER

pytestmark = [
    pytest.mark.every_airflow,
    pytest.mark.smoke,
    pytest.mark.skipif(not REACT_PAGES, reason="Airflow gives plugins Chakra UI from 3.2 on"),
]
ROUTES = "/sagemaker-pipelines"
GROUP = "breast_cancer"


def of_task(run, task_id, what):
    return f"{ROUTES}/dags/{run.dag_id}/runs/{run.run_id}/tasks/{GROUP}.{task_id}/-1/{what}"


def told(answer):
    return answer.status_code, answer.json()


def test_the_reports_of_runs(live, example_runs):
    """All runs that were asked for in one answer, with the values that Airflow's API gives one by one."""
    runs = (example_runs.registered, example_runs.rejected)
    answer = live.api.ask(f"{ROUTES}/dags/example_train/reports", run_id=[run.run_id for run in runs])
    found = {
        (each["run_id"], each["task_id"], each["key"]): each["value"]
        for each in answer.json()["reports"]
        if each["value"]  # Workers leave a link for tasks without a job, too: one that leads nowhere.
    }
    by_run = [{(task, key) for run_id, task, key in found if run_id == run.run_id} for run in runs]
    steps = {(f"{GROUP}.{step}", "step_report") for step in ("prepare", "train", "evaluate", "good_enough")}
    jobs = {
        (f"{GROUP}.{step}", f"_link_{link}")
        for step in ("prepare", "train", "evaluate")
        for link in ("SageMakerJobLink", "CloudWatchLogLink")
    }
    common = (
        steps
        | jobs
        | {
            (f"{GROUP}.launch", "pipeline_report"),
            (f"{GROUP}.evaluate", "property_files"),
            (f"{GROUP}.good_enough", "outcome"),
        }
    )
    assert by_run == [
        common | {(f"{GROUP}.register", "step_report")},
        common | {(f"{GROUP}.reject", "step_report")},
    ]
    for run in runs:
        for task, key in (("launch", "pipeline_report"), ("train", "step_report"), ("good_enough", "outcome")):
            task_id = f"{GROUP}.{task}"
            assert found[run.run_id, task_id, key] == live.api.xcom(run, task_id, key)


def test_what_an_execution_runs(live, example_runs):
    """Each step with the task that follows it, each parameter with its place; the asset event that began it all."""
    report = live.api.xcom(example_runs.registered, f"{GROUP}.launch", "pipeline_report")
    assert {step["name"]: step["task_id"] for step in report["steps"]} == {
        step: f"{GROUP}.{step}" for step in ("prepare", "train", "evaluate", "good_enough", "register", "reject")
    }
    assert [event["uri"] for event in report["assets"]] == ["s3://example-ml/breast-cancer/raw/breast_cancer.csv"]
    assert (report["pipeline"], report["version"], report["left_out"]) == ("breast-cancer", 1, [])


def test_what_aws_tells(live, example_runs):
    """The log of a job, the steps as they are, and a model package whose status has changed since its step ended."""
    run = example_runs.registered
    lines = live.api.ask(of_task(run, "train", "log"), lines=5).json()["lines"]
    assert (len(lines), [sorted(line) for line in lines[:1]]) == (5, [["message", "time"]])
    status, steps = told(live.api.ask(of_task(run, "launch", "steps")))
    assert (status, steps["status"], {step["name"]: step["status"] for step in steps["steps"]}) == (
        200,
        "Succeeded",
        dict.fromkeys(("prepare", "train", "evaluate", "good_enough", "register"), "Succeeded"),
    )
    before = live.api.xcom(run, f"{GROUP}.register", "step_report")["model_package"]
    arn = live.api.xcom(run, f"{GROUP}.register", "step_report")["job_arn"]
    live.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    try:
        assert told(live.api.ask(of_task(run, "register", "model-package"))) == (
            200,
            {"model_package": {**before, "approval_status": "Approved"}},
        )
    finally:
        live.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=before["approval_status"])


def test_who_may_see_nothing_is_told_nothing(live, example_runs):
    """403 for a user without rights, 401 without a session; the file of the pages is there for everybody."""
    run = example_runs.registered
    paths = [
        f"{ROUTES}/dags/example_train/reports?run_id={run.run_id}",
        f"{ROUTES}/dags/example_train/prices",
        *(of_task(run, "train", what) for what in ("log", "model-package", "steps")),
    ]
    passwords = json.loads((live.stack.directory / "passwords.json").read_text())
    stranger = AirflowApi(live.stack.airflow_url, STRANGER, passwords[STRANGER])
    nobody = httpx.Client(base_url=live.stack.airflow_url, trust_env=False)
    assert [stranger.ask(path).status_code for path in paths] == [403] * len(paths)
    assert [nobody.get(path).status_code for path in paths] == [401] * len(paths)
    assert nobody.get(f"{ROUTES}/static/sagemaker.js").headers["content-type"].startswith("text/javascript")
    stranger.close()
    nobody.close()


def test_the_ids_of_another_dag(live, example_runs):
    """Whoever may see one Dag is told nothing of another by its runs and tasks."""
    run = example_runs.registered
    other = f"{ROUTES}/dags/example_ingest"
    assert told(live.api.ask(f"{other}/reports", run_id=run.run_id)) == (200, {"reports": []})
    assert told(live.api.ask(f"{other}/runs/{run.run_id}/tasks/{GROUP}.train/-1/log")) == (
        404,
        {"detail": f"task '{GROUP}.train' of Dag run '{run.run_id}' does not follow an execution that has started"},
    )
