"""Jobs by their image: which interpreter runs them, and XGBoost in algorithm mode."""

from __future__ import annotations

import io
import tarfile
import uuid
from typing import Any

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, job_name, run_one
from tests.integration.documents import BARE_IMAGE, BUCKET, XGBOOST_IMAGE, training_step

ROWS = "".join(f"{index % 2},{index},{index * 7 % 20}\n" for index in range(20))


def algorithm_step(aws: Aws, image: str, *channels: str, **hyperparameters: str) -> dict[str, Any]:
    """A training step in algorithm mode with CSV data."""
    prefix = f"xgboost/{uuid.uuid4().hex}"
    uris = {name: aws.put(f"{prefix}/{name}/rows.csv", ROWS) for name in channels}
    step = training_step("train", "", inputs=uris, output_path=f"s3://{BUCKET}/{prefix}/models")
    arguments = step["Arguments"]
    arguments["AlgorithmSpecification"]["TrainingImage"] = image
    arguments["HyperParameters"] = hyperparameters
    for channel in arguments["InputDataConfig"]:
        channel["ContentType"] = "text/csv"
    return step


def test_xgboost_in_algorithm_mode(endpoint: LocalEndpoint, aws: Aws) -> None:
    """It trains, its log has a line a round, its built-in metrics are the job's, and the model is where AWS has it."""
    image = f"{XGBOOST_IMAGE}:1.7-1"
    step = run_one(
        endpoint,
        aws,
        algorithm_step(
            aws, image, "train", "validation", num_round="3", objective="binary:logistic", eval_metric="auc,error"
        ),
    )
    assert step["StepStatus"] == "Succeeded", step
    job = aws.sagemaker.describe_training_job(TrainingJobName=job_name(step))
    rounds = [
        line
        for line in aws.log_lines("/aws/sagemaker/TrainingJobs", job_name(step))
        if line.startswith("[") and "#011" in line
    ]
    assert [line.split("#011")[0] for line in rounds] == ["[0]", "[1]", "[2]"]
    last = dict(part.split(":") for part in rounds[-1].split("#011")[1:])
    assert {metric["MetricName"]: metric["Value"] for metric in job["FinalMetricDataList"]} == {
        name.replace("-", ":"): float(value) for name, value in last.items()
    }
    assert sorted(last) == ["train-auc", "train-error", "validation-auc", "validation-error"]
    bucket, _, key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    archive = aws.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert tar.getnames() == ["xgboost-model"]


def test_a_hyperparameter_that_cannot_be(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The container's words are in the job's reason."""
    step = run_one(endpoint, aws, algorithm_step(aws, f"{XGBOOST_IMAGE}:1.7-1", "train", num_round="1", eta="2"))
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        (
            "AlgorithmError: framework error: \n"
            "sagemaker_algorithm_toolkit.exceptions.UserError: Hyperparameter eta: 2.0 is not in [0, 1], exit code: 1"
        ),
    )


def test_an_image_has_the_interpreter_that_the_file_names(endpoint: LocalEndpoint, aws: Aws) -> None:
    """What that lacks is said with its path, the image and what to do."""
    assert endpoint.settings.images is not None
    python = endpoint.settings.images.parent / "bare" / "bin" / "python"
    step = run_one(endpoint, aws, algorithm_step(aws, BARE_IMAGE, "train", num_round="1"))
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        (
            f"ClientError: the interpreter {python}, which stands for the image {BARE_IMAGE}, does not have the package xgboost:"
            f" ModuleNotFoundError: No module named 'xgboost'. Install it: {python} -m pip install xgboost. Or name an"
            " interpreter that has it for this image, in the file that the endpoint's option --images gives"
        ),
    )
