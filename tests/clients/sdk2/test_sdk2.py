from __future__ import annotations

import json

import pytest

from tests.clients.conftest import Client, environment_of, follow_guide, running_endpoint, succeeded

ACCOUNT = "123456789012"
PIPELINE = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:pipeline/churn-sdk2"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/service-role/AmazonSageMaker-ExecutionRole-Local"
RUN = ("Approve", "Decide", "Evaluate", "EvaluateGeneric", "Prepare", "Train", "TrainGeneric")


def test_a_pipeline_from_upsert_to_delete(client: Client) -> None:
    """Processors, estimators, a callback, a condition, models and a Fail step: the SDK sees what it would see on AWS."""
    assert client.run("pipeline.py") == {
        "role": ROLE,
        "upserted": PIPELINE,
        "good": {"status": "Succeeded", "steps": succeeded("Create-CreateModel", "Register-RegisterModel", *RUN)},
        "given": [{"Name": "Rows", "Value": "60"}],
        "packages": ["Approved"],
        "error": "Waiter PipelineExecutionComplete failed",
        "bad": {
            "status": "Failed",
            "steps": sorted([*succeeded(*RUN), ["Bad", "Failed", "accuracy 0.1 me"]]),
        },
        "stopped": "Stopped",
        "described": "churn-sdk2",
        "updated": PIPELINE,
        "description": "changed",
        "executions": 3,
        "deleted": PIPELINE,
    }


def test_functions_are_steps(tmp_path_factory: pytest.TempPathFactory) -> None:
    """@step runs where the jobs' interpreter has the SDK; nothing is installed, so a step takes seconds."""
    directory = tmp_path_factory.mktemp("functions")
    with running_endpoint(directory, "--job-python", str(environment_of("sdk2") / "python")) as url:
        seen = Client("sdk2", url, directory).run("functions.py")
    print("seconds for each step:", seen.pop("seconds"))
    assert seen == {"loaded": {"rows": 2}, "score": 1.5}


def test_jobs_without_a_pipeline(client: Client) -> None:
    """The SDK waits for them, shows their logs and metrics, attaches to them and downloads the model."""
    assert client.run("jobs.py") == {
        "processed": "Completed",
        "trained": "Completed",
        "metrics": {"rows": 7.0},
        "attached": True,
        "model": True,
        "logged": ["prepared 7 rows", "rows=7"],
    }


def test_a_tuning_step_and_its_best_model(client: Client) -> None:
    """Three training jobs are tried, and the step behind reads the model of the one with the highest objective."""
    assert client.run("tuning.py") == {"jobs": 3, "best": True}


def test_a_lambda_step_whose_function_the_sdk_makes(client: Client) -> None:
    """The SDK zips the script and makes the function; what it returns is read by a later step."""
    assert client.run("functions_of_lambda.py") == {
        "steps": [["Double", "Succeeded", ""], ["Show", "Failed", "doubled=42"]]
    }


def test_a_transform_step_on_a_model_with_a_script(client: Client) -> None:
    """The model is made by a step before it, and its script answers for each line."""
    assert client.run("transform.py") == {
        "steps": succeeded("Create-CreateModel", "Transform"),
        "transformed": ["41", "42"],
    }


def test_the_script_of_the_guide(client: Client) -> None:
    """It writes the definition that a task group is made from, and runs on this machine without an account."""
    definition, printed = follow_guide(client, "churn_sdk2.py")
    [step] = json.loads(definition)["Steps"]
    assert (step["Name"], step["Type"]) == ("prepare", "Processing")
    assert "pipeline churn" in printed
    [clean] = client.directory.glob(".sm-pipelines/*/prepare/clean/rows.csv")
    assert clean.read_text() == "1\n3"
