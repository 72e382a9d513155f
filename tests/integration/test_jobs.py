"""Processing and Training jobs: what a script sees, and what is stored."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import json
import os
import sys
import tarfile
import uuid
import zipfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, job_name, run_one, wait
from tests.integration.documents import BUCKET, document, processing_step, training_step

SEE = """
import json, os, pathlib, sys
seen = {
    "arguments": sys.argv[1:],
    "config": json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text()),
    "resources": json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text()),
    "environment": dict(os.environ),
    "inputs": sorted(str(path) for path in pathlib.Path("/opt/ml/processing/input").rglob("*") if path.is_file()),
    "python": sys.executable,
    "base": os.path.realpath(sys.executable),
    "prefix": sys.prefix,
}
pathlib.Path("/opt/ml/processing/output/seen/seen.json").write_text(json.dumps(seen))
pathlib.Path("/opt/ml/output/message").write_text("all seen")
"""


def test_what_a_processing_script_sees(endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its inputs, arguments, configuration and variables; nothing of the server's own environment."""
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "hidden")
    prefix = f"see/{uuid.uuid4().hex}"
    code = aws.put(f"{prefix}/code/script.py", SEE)
    for key in ("a.csv", "deep/b.csv"):
        aws.put(f"{prefix}/raw/{key}", "1")
    step = run_one(
        endpoint,
        aws,
        processing_step(
            "see",
            code,
            inputs={"raw": f"s3://{BUCKET}/{prefix}/raw"},
            outputs={"seen": f"s3://{BUCKET}/{prefix}/seen"},
            arguments=("--depth", "5"),
            environment={"GREETING": "hello"},
        ),
    )
    assert step["StepStatus"] == "Succeeded", step
    seen = json.loads(aws.get(f"s3://{BUCKET}/{prefix}/seen/seen.json"))
    name = job_name(step)

    assert seen["arguments"] == ["--depth", "5"]
    assert seen["inputs"] == [
        "/opt/ml/processing/input/code/script.py",
        "/opt/ml/processing/input/raw/a.csv",
        "/opt/ml/processing/input/raw/deep/b.csv",
    ]
    assert seen["config"]["ProcessingJobName"] == name
    assert seen["config"]["ProcessingJobArn"] == step["Metadata"]["ProcessingJob"]["Arn"]
    assert (seen["resources"]["current_host"], seen["resources"]["hosts"]) == ("algo-1", ["algo-1"])
    assert (seen["python"], seen["base"]) == (
        "/opt/ml/.environment/bin/python3",
        os.path.realpath(endpoint.settings.job_python),
    )
    environment = seen["environment"]
    assert "SECRET_OF_THE_SERVER" not in environment
    assert {key: environment[key] for key in ("GREETING", "AWS_ENDPOINT_URL", "AWS_REGION")} == {
        "GREETING": "hello",
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": "eu-west-1",
    }
    described = aws.sagemaker.describe_processing_job(ProcessingJobName=name)
    assert (described["ProcessingJobStatus"], described["ExitMessage"]) == ("Completed", "all seen")
    assert described["CreationTime"] <= described["ProcessingStartTime"] <= described["ProcessingEndTime"]
    assert not Path("/opt/ml").exists()


def test_what_a_training_script_sees_and_leaves(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Script mode: typed hyperparameters, SM_* variables, channels; model and output archives, checkpoints."""
    prefix = f"train/{uuid.uuid4().hex}"
    aws.put(f"{prefix}/data/rows.csv", "1\n2\n")
    aws.put(f"{prefix}/checkpoints/old.txt", "from before")
    script = """
import argparse, json, os, pathlib, shutil
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--layers")
options = parser.parse_args()
seen = {
    "rate": options.rate, "layers": options.layers, "channels": json.loads(os.environ["SM_CHANNELS"]),
    "hps": json.loads(os.environ["SM_HPS"]), "data": os.listdir(os.environ["SM_CHANNEL_TRAIN"]),
    "job": os.environ["TRAINING_JOB_NAME"], "host": os.environ["SM_CURRENT_HOST"],
}
pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(seen))
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "curve.txt").write_text("0.1 0.2")
shutil.copy("/opt/ml/checkpoints/old.txt", "/opt/ml/checkpoints/new.txt")
import helper
"""
    source = aws.put_source_archive({"train.py": script, "helper.py": "print('helper is beside the script')"})
    step_definition = training_step(
        "train",
        source,
        inputs={"train": f"s3://{BUCKET}/{prefix}/data/"},
        hyperparameters={"rate": "0.5", "layers": '"two"'},
        output_path=f"s3://{BUCKET}/{prefix}/models",
    )
    step_definition["Arguments"]["CheckpointConfig"] = {"S3Uri": f"s3://{BUCKET}/{prefix}/checkpoints"}
    step = run_one(endpoint, aws, step_definition)
    assert step["StepStatus"] == "Succeeded", step
    name = job_name(step)

    described = aws.sagemaker.describe_training_job(TrainingJobName=name)
    output = f"s3://{BUCKET}/{prefix}/models/{name}/output"
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": f"{output}/model.tar.gz"}
    assert described["OutputDataConfig"] == {"KmsKeyId": "", "S3OutputPath": f"s3://{BUCKET}/{prefix}/models"}
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Completed", "Completed")
    assert [each["Status"] for each in described["SecondaryStatusTransitions"]] == [
        "Starting",
        "Downloading",
        "Training",
        "Uploading",
        "Completed",
    ]
    assert json.loads(read_archive(aws, f"{output}/model.tar.gz")["model.json"]) == {
        "rate": 0.5,
        "layers": "two",
        "channels": ["train"],
        "hps": {"rate": 0.5, "layers": "two"},
        "data": ["rows.csv"],
        "job": name,
        "host": "algo-1",
    }
    assert read_archive(aws, f"{output}/output.tar.gz") == {"curve.txt": b"0.1 0.2"}
    assert aws.get(f"s3://{BUCKET}/{prefix}/checkpoints/new.txt") == "from before"
    assert "helper is beside the script" in aws.log_lines("/aws/sagemaker/TrainingJobs", name)


def read_archive(aws: Aws, uri: str) -> dict[str, bytes]:
    """The files of a stored tar.gz."""
    key = uri.removeprefix(f"s3://{BUCKET}/")
    content = aws.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def test_an_entry_point_of_a_training_job_is_run(endpoint: LocalEndpoint, aws: Aws) -> None:
    """AlgorithmSpecification.ContainerEntrypoint instead of script mode; its failure file is the reason."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["sh", "-c", 'printf "%s" "$0" > /opt/ml/output/failure; exit 2'],
        "ContainerArguments": ["out of luck"],
    }
    step = run_one(endpoint, aws, step_definition)
    assert step["FailureReason"] == "AlgorithmError: out of luck, exit code: 2"


def wheel_of(name: str, version: str) -> bytes:
    """A wheel with one module of that name, whose ANSWER is the version."""
    wheel = io.BytesIO()
    about = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}.py", f"ANSWER = {version!r}")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return wheel.getvalue()


def test_requirements_are_installed_for_the_job_only(endpoint: LocalEndpoint, aws: Aws) -> None:
    """requirements.txt beside the script, as in script mode: what is there is taken, what is not, or in another version,
    is the job's own. The interpreter stays as it was.
    """
    source = aws.put_source_archive(
        {
            "train.py": "import boto3, jmespath, smp_tiny\nprint(smp_tiny.ANSWER, jmespath.ANSWER, smp_tiny.__file__)",
            "requirements.txt": "--no-index\nboto3\n./smp_tiny-42-py3-none-any.whl\n./jmespath-1.99-py3-none-any.whl\n",
            "smp_tiny-42-py3-none-any.whl": wheel_of("smp_tiny", "42"),
            "jmespath-1.99-py3-none-any.whl": wheel_of("jmespath", "1.99"),
        }
    )
    before = importlib.metadata.version("jmespath")
    step = run_one(endpoint, aws, training_step("train", source))
    lines = aws.log_lines("/aws/sagemaker/TrainingJobs", job_name(step))
    assert step["StepStatus"] == "Succeeded", lines
    place = f"/opt/ml/.environment/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/smp_tiny.py"
    assert f"42 1.99 {place}" in lines
    assert importlib.util.find_spec("smp_tiny") is None
    assert importlib.metadata.version("jmespath") == before


def test_metrics_are_found_in_what_a_training_script_prints(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MetricDefinitions: the last number of each metric, which later steps can refer to."""
    source = aws.put_source_archive({"train.py": "for loss in ('0.5', 'nan?', '0.25'): print('loss =', loss)"})
    step_definition = training_step("train", source)
    step_definition["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] = [
        {"Name": "loss", "Regex": "^loss = (.+)"},
        {"Name": "never", "Regex": "never = (.+)"},
    ]
    say = {"Std:Join": {"On": "", "Values": [{"Get": "Steps.train.FinalMetricDataList['loss'].Value"}]}}
    arn = aws.start(document(step_definition, {"Name": "say", "Type": "Fail", "Arguments": {"ErrorMessage": say}}))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(steps["train"]))
    assert [(each["MetricName"], each["Value"]) for each in described["FinalMetricDataList"]] == [("loss", 0.25)]
    assert steps["say"]["FailureReason"] == "0.25"


def test_what_the_application_manages_itself_is_left_alone(endpoint: LocalEndpoint, aws: Aws) -> None:
    """AppManaged inputs and outputs are neither downloaded nor uploaded."""
    prefix = f"managed/{uuid.uuid4().hex}"
    code = aws.put(
        f"{prefix}/script.py", "import pathlib\nassert not pathlib.Path('/opt/ml/processing/input/x').exists()"
    )
    step_definition = processing_step("p", code, inputs={"x": "s3://nowhere/x"}, outputs={"y": "s3://nowhere/y"})
    step_definition["Arguments"]["ProcessingInputs"][1]["AppManaged"] = True
    step_definition["Arguments"]["ProcessingOutputConfig"]["Outputs"][0]["AppManaged"] = True
    step = run_one(endpoint, aws, step_definition)
    assert (step["StepStatus"], step.get("FailureReason")) == ("Succeeded", None)


def test_a_model_is_stored_uncompressed_when_asked(endpoint: LocalEndpoint, aws: Aws) -> None:
    """OutputDataConfig.CompressionType NONE: the files below `output/model/`."""
    source = aws.put_source_archive({"train.py": "open('/opt/ml/model/weights', 'w').write('w')"})
    step_definition = training_step("train", source)
    step_definition["Arguments"]["OutputDataConfig"]["CompressionType"] = "NONE"
    step = run_one(endpoint, aws, step_definition)
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(step))
    uri = f"s3://{BUCKET}/models/{job_name(step)}/output/model/"
    assert described["ModelArtifacts"] == {"S3ModelArtifacts": uri}
    assert aws.get(f"{uri}weights") == "w"


def test_jobs_are_listed_and_names_are_taken_once(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A job made by hand, without a pipeline: found by its name, refused the second time."""
    name = f"by-hand-{uuid.uuid4().hex[:8]}"
    code = aws.put(f"hand/{name}/script.py", "print('by hand')")
    request = {**processing_step("p", code)["Arguments"], "ProcessingJobName": name}
    arn = aws.sagemaker.create_processing_job(**request)["ProcessingJobArn"]
    aws.sagemaker.get_waiter("processing_job_completed_or_stopped").wait(
        ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    listed = aws.sagemaker.list_processing_jobs(NameContains=name)["ProcessingJobSummaries"]
    assert [(job["ProcessingJobArn"], job["ProcessingJobStatus"]) for job in listed] == [(arn, "Completed")]
    with pytest.raises(ClientError) as error:
        aws.sagemaker.create_processing_job(**request)
    assert error.value.response["Error"] == {
        "Code": "ResourceInUse",
        "Message": "Job name must be unique within an AWS account and region, and a job with this name already"
        f" exists ({arn})",
    }
    with pytest.raises(ClientError, match=r"ValidationException.*job is in status Completed"):
        aws.sagemaker.stop_processing_job(ProcessingJobName=name)
    with pytest.raises(ClientError, match=r"ValidationException.*Requested resource not found\."):
        aws.sagemaker.describe_training_job(TrainingJobName=name)


def test_the_job_of_a_step_has_the_tags_of_its_request(endpoint: LocalEndpoint, aws: Aws) -> None:
    """They are shown, changed and taken away as those of any job."""
    step_definition = processing_step("p", aws.put_script(""))
    step_definition["Arguments"]["Tags"] = [{"Key": "team", "Value": "churn"}]
    arn = run_one(endpoint, aws, step_definition)["Metadata"]["ProcessingJob"]["Arn"]
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]
