"""Pipelines with steps that the endpoint does not run: refused at the start, or started with stand-ins."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, wait
from tests.integration.documents import IMAGE, condition_step, document, fail_step, processing_step, training_step
from tests.integration.test_process import program, run_to_the_end

CHECK: dict[str, Any] = {
    "Name": "check",
    "Type": "QualityCheck",
    "CheckType": "DATA_QUALITY",
    "ModelPackageGroupName": "g",
    "SkipCheck": False,
    "FailOnViolation": False,
    "RegisterNewBaseline": True,
    "Arguments": processing_step("check", "s3://box/k")["Arguments"],
}
READ = {"Std:Join": {"On": " ", "Values": ["see", {"Get": "Steps.check.CalculatedBaselineStatistics"}]}}


def mixed() -> dict[str, Any]:
    train = training_step("train", "s3://box/c.tar.gz")
    del train["Arguments"]["HyperParameters"]
    yes = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]
    return document(CHECK, condition_step("decide", yes, [fail_step("say", READ)], [train]))


REASONS = (
    "step 'check': the local endpoint does not run steps of type 'QualityCheck' @ $.Steps[0].Type",
    (
        f"step 'train': the local endpoint cannot run the algorithm inside the image {IMAGE}. It runs XGBoost's (the "
        "images sagemaker-xgboost), script mode, that is the hyperparameters sagemaker_program and "
        "sagemaker_submit_directory, and AlgorithmSpecification.ContainerEntrypoint @ $.Steps[1].Arguments.ElseSteps[0].Arguments.AlgorithmSpecification"
    ),
)


def test_what_cannot_run_is_refused_at_the_start(aws: Aws) -> None:
    """All such steps are named, also in branches; CreatePipeline takes the document, as AWS does."""
    assert error_of(aws.start, definition=mixed()) == (
        "ValidationException",
        (
            f"The local endpoint cannot run this pipeline: {'; '.join(REASONS)}. Run it on AWS, or have the endpoint leave such steps "
            "out: with --stub TYPE the steps of a type succeed with stand-in properties, and nothing is run for them."
        ),
    )


def test_steps_that_are_not_selected_do_not_count(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A selective execution runs what it selects."""
    name = aws.start(document(fail_step("say", "first"))).split("/")[1]
    definition = document(CHECK, fail_step("say", "hello"))
    aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(definition))
    arn = aws.sagemaker.start_pipeline_execution(
        PipelineName=name,
        ClientRequestToken="t" * 32,
        SelectiveExecutionConfig={"SelectedSteps": [{"StepName": "say"}]},
    )["PipelineExecutionArn"]
    wait(endpoint, arn)
    assert list(aws.steps(arn)) == ["say"]


def test_stand_ins(tmp_path: Path) -> None:
    """With --stub such steps succeed, can be read, and say what they are, in their metadata and in the log."""
    with program("--state-dir", str(tmp_path), "--stub", "all", "--stub", "Training") as (process, url):
        aws = Aws(url)
        arn = aws.start(mixed())
        while aws.describe(arn)["PipelineExecutionStatus"] == "Executing":
            assert process.poll() is None, "the endpoint has ended"
        steps = aws.steps(arn)
        process.terminate()
        _, log = process.communicate(timeout=30)
    assert {name: each["StepStatus"] for name, each in steps.items()} == {
        "decide": "Succeeded",
        "check": "Succeeded",
        "say": "Failed",
    }
    check = steps["check"]["Metadata"]["QualityCheck"]
    assert "-stand-in-" in check["CheckJobArn"]
    assert (check["CheckType"], check["CalculatedBaselineStatistics"]) == ("DATA_QUALITY", "stand-in")
    assert steps["say"]["FailureReason"] == "see stand-in"
    (line,) = (line for line in log.splitlines() if "did nothing" in line)
    assert line.endswith(f"step check of {arn} did nothing: a stand-in for a QualityCheck step")


def test_a_type_that_cannot_be_left_out() -> None:
    """The command line says so, and what may have been meant."""
    ended = run_to_the_end("--stub", "QualityChek")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        2,
        ("Error: Invalid value for '--stub': 'QualityChek' is not a type of step. Did you mean 'QualityCheck'?"),
    )


def test_validate_says_the_same_beforehand(tmp_path: Path) -> None:
    """``sm-pipelines validate --local``; with the endpoint's --stub nothing is left to say."""
    path = tmp_path / "mixed.json"
    path.write_text(json.dumps(mixed()))

    def validate(*arguments: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "airflow_sm_pipelines.cli", "validate", str(path), *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    assert validate() == (0, f"{path}: no problems\nChecked 1 pipeline: 0 errors, 0 warnings\n", "")
    said = [
        *(f"{path}: error: {reason}\n" for reason in REASONS),
        f"Checked 1 pipeline: {len(REASONS)} errors, 0 warnings\n",
    ]
    assert validate("--local") == (1, "".join(said), "")
    assert validate("--local", "--stub", "all", "--stub", "Training") == (
        0,
        f"{path}: no problems\nChecked 1 pipeline: 0 errors, 0 warnings\n",
        "",
    )
    assert validate("--stub", "all") == (
        1,
        "",
        "sm-pipelines validate: --stub has no meaning without --local\n",
    )
    assert validate("--local", "--stub", "Fail") == (
        1,
        "",
        "sm-pipelines validate: --stub: Fail steps cannot have a stand-in: they decide how an execution continues\n",
    )
