"""The tabs of Airflow's pages as a person sees them, in a real browser and on real components."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec

import pytest

from airflow_sm_pipelines.compatibility.version import REACT_PAGES
from airflow_sm_pipelines.serving.stack import SECRET_KEY
from tests.live.conftest import PRICES
from tests.live.copied_runs import copy_run
from tests.versions import needs_for_each

pytestmark = pytest.mark.skipif(
    not REACT_PAGES or find_spec("playwright") is None,
    reason="Airflow gives plugins Chakra UI from 3.2 on, and the tests of one version have a browser",
)
GROUP = "breast_cancer"
SECONDS = 60


@pytest.fixture
def tab(live):
    """A browser's page; nothing went wrong in it."""
    from tests.live.browser import browsing

    with browsing(live) as tab:
        yield tab
        assert tab.troubles == []


def shown(tab, *texts):
    """Wait until texts are to be seen, wherever on the page."""
    from playwright.sync_api import expect

    for text in texts:
        expect(tab.page.get_by_text(text).first).to_be_visible(timeout=SECONDS * 1000)


def rows(tab, label):
    """Return the cells of a table, row by row, without its head."""
    table = tab.page.get_by_role("table", name=label)
    table.wait_for()
    return [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]


def statuses(tab):
    """Return the status of each step in the table of steps."""
    return {
        cells[0].split("\n")[0].strip(): re.sub(r"^\W+", "", cells[2]) for cells in rows(tab, re.compile("^Steps of "))
    }


def accuracy(live, run):
    return live.api.xcom(run, f"{GROUP}.evaluate", "property_files")["metrics"]["accuracy"]["value"]


def test_a_run_that_succeeded(live, example_runs, tab):
    """Its execution, the comparison with both values, the branch taken, what it cost, and what it was started with."""
    run = example_runs.registered
    tab.open_run(run)
    shown(tab, "breast-cancer", "version 1", f"accuracy {accuracy(live, run):.5g} ≥ MinAccuracy 0.9", "Timeline")
    assert statuses(tab) == {
        **dict.fromkeys(("prepare", "train", "evaluate", "good_enough", "register"), "Succeeded"),
        "reject": "Skipped",
    }
    jobs = [live.api.xcom(run, f"{GROUP}.{step}", "step_report")["job"] for step in ("prepare", "evaluate")]
    cost = sum(job["billable_seconds"] for job in jobs) * PRICES["per_hour"]["processing"]["ml.m5.large"] / 3600
    estimate = tab.page.get_by_role("definition").filter(has_text="some prices are missing").inner_text()
    assert float(estimate.split()[0]) == pytest.approx(cost, abs=0.005)
    parameters = {name: (value, place) for name, value, _, place in rows(tab, "Pipeline parameters")}
    assert parameters["MinAccuracy"] == ("0.9", "step 'good_enough' Conditions[0].RightValue")


def test_a_run_that_failed(live, example_runs, tab):
    """The step that failed stands first, with its reason. A Fail step has ended the execution for good: no repair."""
    tab.open_run(example_runs.rejected)
    shown(tab, "reject failed", "The model is less accurate than MinAccuracy asks for.")
    assert statuses(tab) == {
        **dict.fromkeys(("prepare", "train", "evaluate", "good_enough"), "Succeeded"),
        "register": "Skipped",
        "reject": "Failed",
    }
    assert tab.page.get_by_role("button", name="Repair").count() == 0


def test_a_run_is_followed(live, tab):
    """What its steps do is to be seen without another look: they execute, and then they have ended."""
    run = live.start("pages_followed")
    arn = live.await_execution(run)
    live.answers.await_waiting(arn, "first")
    tab.open_run(run)
    shown(tab, "Executing")
    live.answers.succeed(arn, "first", "second")
    shown(tab, "2 of 2")
    assert statuses(tab) == {"first": "Succeeded", "second": "Succeeded"}
    live.follow(run)


@needs_for_each()
def test_a_step_that_runs_for_each_item(live, tab):
    """The items are a stack with counts; the one that failed is told with its reason, and can be repaired."""
    run = live.start("pages_for_each")
    arn = live.await_execution(run)
    live.answers.succeed(arn, "a")
    live.answers.fail(arn, "b")
    live.answers.succeed(arn, "c")
    live.follow(run)
    tab.open_run(run)
    shown(tab, "no luck", "each-for-each")
    ended = dict.fromkeys(("each-for-each", "each [a]", "each [b]", "each [c]", "behind"), "Succeeded")
    failed = {"each-for-each": "Failed", "each [b]": "Failed", "behind": "Not reached"}
    assert statuses(tab) == {**ended, **failed}
    tab.page.get_by_role("button", name="Repair").click()
    tab.page.get_by_role("alertdialog").get_by_role("button", name="Repair").click()
    live.answers.succeed(arn, "b")
    live.answers.succeed(arn, "behind")
    live.follow(run)
    tab.page.get_by_role("button", name="Refresh").click()
    tab.page.get_by_role("button", name="Repair").wait_for(state="detached")
    tab.page.get_by_role("row").filter(has_text="behind").filter(has_text="Succeeded").wait_for()
    assert statuses(tab) == ended


def test_a_task_that_runs_a_whole_execution(live, tab):
    """One section for it; its steps as its report has them, and as AWS tells them when a person asks."""
    run = live.start("pages_whole")
    live.await_that(lambda: live.api.xcom(run, "whole", "pipeline_execution_arn") is not None, "the launch", run)
    arn = live.api.xcom(run, "whole", "pipeline_execution_arn")
    live.answers.succeed(arn, "one")
    live.answers.await_waiting(arn, "two")
    tab.open_run(run)
    tab.page.get_by_role("button", name="Read the steps from AWS").click()
    shown(tab, "1 of 2")
    assert statuses(tab) == {"one": "Succeeded", "two": "Executing"}
    live.answers.succeed(arn, "two")
    live.follow(run)
    tab.page.get_by_role("button", name="Refresh", exact=True).click()
    shown(tab, "2 of 2")
    assert tab.page.get_by_role("button", name="Read the steps from AWS").count() == 0
    assert statuses(tab) == {"one": "Succeeded", "two": "Succeeded"}
    assert rows(tab, "Pipeline parameters") == [["Rows", "20", "10", "declared in the Dag"]]


def test_without_credentials(live, tab):
    """The tab says so in one line; everything that needs no AWS is to be seen."""
    endpoint = json.dumps({"region_name": "us-east-1", "endpoint_url": live.proxy.url})
    live.api.set_connection("forgotten", conn_type="aws", login="local", password=SECRET_KEY, extra=endpoint)
    run = live.start("pages_without_credentials")
    live.answers.fail(live.await_execution(run), "only")
    live.follow(run)
    live.api.set_connection("forgotten", conn_type="aws", extra=endpoint)
    told = live.api.ask(f"/sagemaker-pipelines/dags/{run.dag_id}/runs/{run.run_id}/tasks/group.only/-1/log")
    assert (told.status_code, told.json()) == (
        502,
        {
            "detail": "DescribePipelineExecution failed: Unable to locate credentials. Check the credentials of the "
            "connection. See docs/troubleshooting.md#connection-credentials-and-region (connection 'forgotten', region us-east-1)"
        },
    )
    tab.open_run(run)
    shown(tab, "no luck")
    assert statuses(tab) == {"only": "Failed"}


def test_a_dag_without_a_pipeline(live, example_runs, tab):
    """Both tabs say so in one quiet sentence."""
    [ingested] = live.api.dag_runs("example_ingest")
    tab.open_run(ingested)
    shown(tab, "This Dag run has no SageMaker pipeline.")
    tab.open_models("example_ingest")
    shown(tab, "No run of this Dag has reported a SageMaker pipeline.")


def test_the_models_of_many_runs(live, example_runs, tab):
    """One row for each run with its metrics, of which the first fifty stand at once; two are compared side by side."""
    copy_run(live.stack.sqlite, example_runs.registered, 60)
    tab.open_models("example_train")
    shown(tab, re.compile(r"^6\d runs$"))
    table = rows(tab, "Models, one row a run")
    head = tab.page.get_by_role("table", name="Models, one row a run").locator("thead th").all_inner_texts()
    of = {cells[head.index("Run")].strip(): dict(zip(head, cells, strict=True)) for cells in table}
    registered, rejected = (of[run.run_id] for run in (example_runs.registered, example_runs.rejected))
    value = f"{accuracy(live, example_runs.registered):.5g}"
    assert (registered["accuracy"], rejected["accuracy"]) == (value, value)
    assert registered["Model package"].startswith("breast-cancer v")
    assert rejected["Branch taken"].startswith("good_enough: else")
    for run in (example_runs.registered, example_runs.rejected):
        tab.page.get_by_role("checkbox", name=f"Compare {run.run_id}").check()
    compared = {cells[0]: cells[1:3] for cells in rows(tab, "Two runs side by side")}
    assert sorted(compared["MinAccuracy"]) == ["0.9", "0.999"]


def test_a_step(live, example_runs, tab):
    """Its inputs and outputs, its property files, and the end of its log when a person asks."""
    run = example_runs.registered
    tab.open_step(run, f"{GROUP}.evaluate")
    found = {cells[1]: cells[2] for cells in rows(tab, "Metrics of property files and of the job")}
    assert found["accuracy · value"] == f"{accuracy(live, run):.5g}"
    report = live.api.xcom(run, f"{GROUP}.evaluate", "step_report")
    places = {cells[0].split("\n")[0]: cells[1].strip() for cells in rows(tab, "Inputs and outputs")}
    assert places["evaluation"] == report["outputs"]["evaluation"]
    last = live.api.ask(
        f"/sagemaker-pipelines/dags/{run.dag_id}/runs/{run.run_id}/tasks/{GROUP}.evaluate/-1/log", lines=1
    ).json()["lines"][0]["message"]
    tab.page.get_by_role("button", name="Read the log").click()
    region = tab.page.get_by_role("region", name="Last lines of the log")
    region.wait_for()
    assert last.strip() in region.inner_text()
