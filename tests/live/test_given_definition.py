"""A pipeline defined elsewhere runs on real Airflow components, its branch taken, its document untouched."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.every_airflow, pytest.mark.smoke]

DEFINITION = Path(__file__).parent / "dags" / "given.json"
ACCOUNT = "arn:aws:sagemaker:us-east-1:123456789012"


@pytest.fixture(scope="module")
def good_run(live):
    live.api.wait_for_dags({"given_definition"}, 120, live.stack.require_running)
    return live.run("given_definition")


@pytest.fixture(scope="module")
def bad_run(live, good_run):
    return live.run("given_definition", {"score": 0.6})


def test_the_branch_taken_runs_and_the_other_is_skipped(live, good_run):
    """Every step that ran has a successful task, the Fail step's is skipped, and the step and the task after both ran."""
    assert (good_run.state, live.states(good_run)) == (
        "success",
        {
            "least_score": "success",
            "given.launch": "success",
            "given.assess": "success",
            "given.good": "success",
            "given.register": "success",
            "given.announce": "success",
            "given.reject": "skipped",
            "given.tidy-up": "success",
            "report": "success",
        },
    )


def test_the_other_branch_fails_the_run(live, bad_run):
    """A score below the threshold, which an XCom in text gives, ends in the Fail step; the if-branch is skipped."""
    states = live.states(bad_run)
    # 'tidy-up' follows the condition, and the Fail step ends the execution: nothing after it runs.
    assert (bad_run.state, states) == (
        "failed",
        {
            "least_score": "success",
            "given.launch": "success",
            "given.assess": "success",
            "given.good": "success",
            "given.register": "skipped",
            "given.announce": "skipped",
            "given.reject": "failed",
            "given.tidy-up": "upstream_failed",
            "report": "upstream_failed",
        },
    )
    assert live.api.errors(bad_run, "given.reject") == [
        "PipelineExecutionError: step 'reject' failed: not as good as 0.7"
    ]


def test_the_pipeline_has_the_given_document(live, bad_run):
    """Both runs leave the service with the file's very text, and start with the values that the Dag gives."""
    sagemaker = live.stack.client("sagemaker")
    described = sagemaker.describe_pipeline(PipelineName="given-definition-given")
    assert described["PipelineDefinition"] == DEFINITION.read_text()
    parameters = sagemaker.list_pipeline_parameters_for_execution(
        PipelineExecutionArn=live.api.xcom(bad_run, "given.launch", "return_value")
    )["PipelineParameters"]
    assert parameters == [{"Name": "Score", "Value": "0.6"}, {"Name": "Least", "Value": "0.7"}]


def test_its_steps_leave_their_results_in_xcom(live, good_run):
    """Outputs, property files and the model package of imported steps are in XCom, as those of authored ones are."""
    execution = live.api.xcom(good_run, "given.launch", "return_value").rsplit("/", 1)[1]
    assert live.api.xcom(good_run, "given.assess", "step_report")["outputs"] == {
        "report": f"s3://example-ml/given/{execution}"
    }
    assert live.api.xcom(good_run, "given.assess", "property_files") == {"Scores": {"score": 0.8}}
    registered = live.api.xcom(good_run, "given.register", "step_report")
    assert registered["job_arn"] == f"{ACCOUNT}:model-package/given/1"
