"""Functions as steps on real Airflow components: both branches of the example, and a mapped function."""

from __future__ import annotations

import json

import pytest

from tests.live.conftest import BUCKET
from tests.versions import needs_for_each

pytestmark = pytest.mark.every_airflow

RAW = "breast-cancer/raw/breast_cancer.csv"
ENDED = {
    "cancer.launch": "success",
    "cancer.prepare": "success",
    "cancer.fit": "success",
    "cancer.evaluate": "success",
    "cancer.good_enough": "success",
    "cancer.register": "success",
    "cancer.reject": "skipped",
    "announce": "success",
}


@pytest.fixture(scope="module")
def runs(live):
    """Two runs at the same time: one model is good enough, the other is not; the second keeps half for the test."""
    from sklearn.datasets import load_breast_cancer

    table = load_breast_cancer(as_frame=True).frame
    table.columns = [name.replace(" ", "_") for name in table.columns]
    live.stack.client("s3").put_object(Bucket=BUCKET, Key=RAW, Body=table.to_csv(index=False).encode())
    started = {
        "registered": live.start("example_functions", {"min_accuracy": 0.8}),
        "rejected": live.start("example_functions", {"min_accuracy": 0.9999, "fraction": 0.5}),
    }
    return {outcome: live.follow(run) for outcome, run in started.items()}


def test_both_branches_end_as_they_should(live, runs):
    """A condition on what a function returned decides: `register` ran, or the Fail step failed the run."""
    assert {outcome: (run.state, live.states(run)) for outcome, run in runs.items()} == {
        "registered": ("success", ENDED),
        "rejected": ("failed", {**ENDED, "cancer.register": "skipped", "cancer.reject": "failed"}),
    }


def test_what_the_function_returned_is_in_xcom_and_in_s3(live, runs):
    """The dict is the property file `returned`; the Dag param decided in the job how many rows the test set has."""
    found = {outcome: live.api.xcom(run, "cancer.evaluate", "property_files") for outcome, run in runs.items()}
    stored = {}
    for outcome, run in runs.items():
        outputs = live.api.xcom(run, "cancer.evaluate", "step_report")["outputs"]
        bucket, key = f"{outputs['returned']}/returned.json".removeprefix("s3://").split("/", 1)
        stored[outcome] = json.load(live.stack.client("s3").get_object(Bucket=bucket, Key=key)["Body"])
    assert found == {outcome: {"returned": metrics} for outcome, metrics in stored.items()}
    assert {outcome: metrics["test_rows"] for outcome, metrics in stored.items()} == {
        "registered": 114,
        "rejected": 285,
    }
    assert all(0.85 < metrics["accuracy"] < 0.9999 for metrics in stored.values())


def test_a_task_behind_the_group_reads_the_dict(live, runs):
    """An ordinary task finds in XCom what the function returned in the job."""
    metrics = live.api.xcom(runs["registered"], "cancer.evaluate", "property_files")["returned"]
    assert live.printed(runs["registered"], "announce") == [
        f"The model's accuracy is {metrics['accuracy']:.3f}, on 114 rows."
    ]


def test_the_training_function_was_given_its_hyperparameter(live, runs):
    """The training job had the hyperparameter of the call; of all others the function's own defaults held."""
    report = live.api.xcom(runs["registered"], "cancer.fit", "step_report")
    given = {name: text for name, text in report["request"]["HyperParameters"].items() if name[:10] != "sagemaker_"}
    assert (given, report["outputs"].keys()) == ({"max_depth": "5"}, {"model_artifacts"})


@needs_for_each()
def test_what_a_mapped_function_returns_is_read_by_steps_and_tasks(live, runs):
    """A step reads the files of the runs; a task outside gets a list of dicts, and a value of another step's dict."""
    run = live.run("mapped_functions")
    assert run.state == "success"
    assert live.printed(run, "tell") == [
        "Measured [{'depth': 2, 'score': 1.0}, {'depth': 3, 'score': 1.5}], in all 2.5.",
    ]
    assert live.api.xcom(run, "group.add_up", "total") == 2.5
