"""Processing and Training jobs: what a script sees, what is stored, and why a job failed."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import tarfile
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, wait
from tests.integration.documents import BUCKET, IMAGE, ROLE, document, processing_step, training_step

SEE = """
import json, os, pathlib, sys
seen = {
    "arguments": sys.argv[1:],
    "config": json.loads(pathlib.Path("/opt/ml/config/processingjobconfig.json").read_text()),
    "resources": json.loads(pathlib.Path("/opt/ml/config/resourceconfig.json").read_text()),
    "environment": dict(os.environ),
    "inputs": sorted(str(path) for path in pathlib.Path("/opt/ml/processing/input").rglob("*") if path.is_file()),
    "python": sys.executable,
    "prefix": sys.prefix,
}
pathlib.Path("/opt/ml/processing/output/seen/seen.json").write_text(json.dumps(seen))
pathlib.Path("/opt/ml/output/message").write_text("all seen")
"""


def run_one(endpoint: LocalEndpoint, aws: Aws, step: dict[str, Any]) -> dict[str, Any]:
    """Run a pipeline of one step and return the step."""
    arn = aws.start(document(step))
    wait(endpoint, arn)
    return aws.steps(arn)[step["Name"]]


def job_name(step: dict[str, Any]) -> str:
    """The name of a step's job."""
    (metadata,) = step["Metadata"].values()
    return str(metadata["Arn"]).rpartition("/")[2]


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
    assert os.path.realpath(seen["python"]) == os.path.realpath(endpoint.settings.job_python)
    environment = seen["environment"]
    assert "SECRET_OF_THE_SERVER" not in environment
    assert {key: environment[key] for key in ("GREETING", "AWS_ENDPOINT_URL", "AWS_REGION")} == {
        "GREETING": "hello",
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": "us-east-1",
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


def test_a_failing_processing_script_says_why(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The step's and the job's reason carry the script's last error line; all of it is in CloudWatch Logs."""
    code = aws.put(f"fail/{uuid.uuid4().hex}/script.py", "print('starting')\nraise ValueError('no rows in raw.csv')\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    reason = (
        "AlgorithmError: See job logs for more information. Last error line: ValueError: no rows in raw.csv,"
        " exit code: 1"
    )
    assert (step["StepStatus"], step["FailureReason"]) == ("Failed", reason)
    name = job_name(step)
    assert aws.sagemaker.describe_processing_job(ProcessingJobName=name)["FailureReason"] == reason
    lines = aws.log_lines("/aws/sagemaker/ProcessingJobs", name)
    assert (lines[0], lines[1], lines[-1]) == (
        "starting",
        "Traceback (most recent call last):",
        "ValueError: no rows in raw.csv",
    )


def test_a_failing_training_script_says_why(endpoint: LocalEndpoint, aws: Aws) -> None:
    """As the framework containers report it: the toolkit's failure file, with the exception in it."""
    source = aws.put_source_archive({"train.py": "import sys\nprint('epoch 1')\nraise KeyError('target')\n"})
    step = run_one(endpoint, aws, training_step("train", source))
    assert step["StepStatus"] == "Failed"
    assert step["FailureReason"] == (
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage \"KeyError: 'target'\"\n"
        f'Command "{endpoint.settings.job_python} -- train.py", exit code: 1'
    )
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(step))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Failed", "Failed")
    assert "epoch 1" in aws.log_lines("/aws/sagemaker/TrainingJobs", job_name(step))


def test_a_very_long_failure_keeps_its_last_line(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A reason has at most 1024 characters; the exception that ended the script is among them."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = [
        "python3",
        "-c",
        "open('/opt/ml/output/failure', 'w').write('x' * 5000); raise OSError('disk')",
    ]
    step = run_one(endpoint, aws, step_definition)
    tail = " ... OSError: disk, exit code: 1"
    assert step["FailureReason"] == f"AlgorithmError: {'x' * (1024 - 16 - len(tail))}{tail}"


def test_a_script_that_exits_without_an_exception(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The last line that it printed, and its exit code; the toolkit's own lines do not count."""
    code = aws.put(f"exit/{uuid.uuid4().hex}/script.py", "import sys\nprint('bad data')\nsys.exit(3)\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    assert step["FailureReason"] == (
        "AlgorithmError: See job logs for more information. Last error line: bad data, exit code: 3"
    )
    source = aws.put_source_archive({"train.py": "import sys\nprint('bad data')\nsys.exit(3)\n"})
    step = run_one(endpoint, aws, training_step("train", source))
    assert step["FailureReason"] == (
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 3\nErrorMessage "bad data"\n'
        f'Command "{endpoint.settings.job_python} -- train.py", exit code: 1'
    )


def test_a_killed_script_reports_128_and_the_signal(endpoint: LocalEndpoint, aws: Aws) -> None:
    """As a container does: SIGKILL is exit code 137."""
    code = aws.put(f"kill/{uuid.uuid4().hex}/script.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
    step = run_one(endpoint, aws, processing_step("prepare", code))
    assert step["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 137"


def test_missing_input_fails_the_job_in_the_services_words(endpoint: LocalEndpoint, aws: Aws) -> None:
    """An empty prefix, and a bucket that does not exist."""
    code = aws.put(f"in/{uuid.uuid4().hex}/script.py", "")
    for uri, bucket, more in (
        (f"s3://{BUCKET}/nothing/here/", BUCKET, ""),
        ("s3://no-such-bucket/x", "no-such-bucket", " Error message from S3: The specified bucket does not exist"),
    ):
        step = run_one(endpoint, aws, processing_step("prepare", code, inputs={"raw": uri}))
        assert step["FailureReason"] == (
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that'
            " the bucket exists in the selected region (us-east-1), objects exist under that S3 prefix, and that the"
            f' role "{ROLE}" has "s3:ListBucket" permissions on bucket "{bucket}".{more}'
        )


def test_a_refused_create_request_is_the_steps_failure(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A hyperparameter that is no string, which only shows when the parameter has a value."""
    definition = document(
        training_step("train", "s3://b/c.tar.gz", hyperparameters={"depth": {"Get": "Parameters.Depth"}}),
        parameters=({"Name": "Depth", "Type": "Integer", "DefaultValue": 5},),
    )
    arn = aws.start(definition)
    wait(endpoint, arn)
    step = aws.steps(arn)["train"]
    assert (step["StepStatus"], step["Metadata"], step["FailureReason"]) == (
        "Failed",
        {},
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: Invalid type for parameter"
            " HyperParameters.depth, value: 5, type: <class 'int'>, valid types: <class 'str'>"
        ),
    )


def test_an_image_of_its_own_cannot_be_run(endpoint: LocalEndpoint, aws: Aws) -> None:
    """No script mode and no entry point: the reason says what would work."""
    step_definition = training_step("train", "unused")
    del step_definition["Arguments"]["HyperParameters"]
    step = run_one(endpoint, aws, step_definition)
    assert step["FailureReason"] == (
        f"ClientError: the local endpoint cannot run the algorithm inside the image {IMAGE}. It runs script mode, that"
        " is the hyperparameters sagemaker_program and sagemaker_submit_directory, or"
        " AlgorithmSpecification.ContainerEntrypoint."
    )


def test_an_entry_point_of_a_training_job_is_run(endpoint: LocalEndpoint, aws: Aws) -> None:
    """AlgorithmSpecification.ContainerEntrypoint instead of script mode; its failure file is the reason."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["sh", "-c", 'printf "%s" "$0" > /opt/ml/output/failure; exit 2'],
        "ContainerArguments": ["out of luck"],
    }
    step = run_one(endpoint, aws, step_definition)
    assert step["FailureReason"] == "AlgorithmError: out of luck, exit code: 2"


def test_requirements_are_installed_for_the_job_only(endpoint: LocalEndpoint, aws: Aws) -> None:
    """requirements.txt beside the script, as in script mode; the interpreter stays as it was."""
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("smp_tiny.py", "ANSWER = 42")
        archive.writestr("smp_tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: smp-tiny\nVersion: 1.0\n")
        archive.writestr(
            "smp_tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("smp_tiny-1.0.dist-info/RECORD", "")
    source = aws.put_source_archive(
        {
            "train.py": "import smp_tiny\nprint(smp_tiny.ANSWER, smp_tiny.__file__)",
            "requirements.txt": "--no-index\n./smp_tiny-1.0-py3-none-any.whl\n",
            "smp_tiny-1.0-py3-none-any.whl": wheel.getvalue(),
        }
    )
    step = run_one(endpoint, aws, training_step("train", source))
    assert step["StepStatus"] == "Succeeded", step
    assert "42 /opt/ml/.packages/smp_tiny.py" in aws.log_lines("/aws/sagemaker/TrainingJobs", job_name(step))
    assert importlib.util.find_spec("smp_tiny") is None


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


def test_a_metric_definition_that_is_no_regular_expression_is_refused(endpoint: LocalEndpoint, aws: Aws) -> None:
    """When the job is to be made, so the step has no job."""
    step_definition = training_step("train", "unused")
    step_definition["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "("}]
    step = run_one(endpoint, aws, step_definition)
    assert (step["FailureReason"], step["Metadata"]) == (
        (
            "ClientError: Failed to invoke sagemaker:CreateTrainingJob. Error Details: The Regex of metric definition"
            " 'loss' is no regular expression: missing ), unterminated subpattern at position 0"
        ),
        {},
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"AppSpecification": {"ImageUri": "image"}},
            (
                "ClientError: the local endpoint cannot run the entry point of the image image. Give"
                ' AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"].'
            ),
        ),
        (
            {"ProcessingInputs": [{"InputName": "table", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/t"}}]},
            "ClientError: the processing input 'table' has no S3Input; the local endpoint reads from S3 only.",
        ),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [{"OutputName": "f", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]
                },
                "ProcessingInputs": [],
            },
            (
                "ClientError: the processing output 'f' has no S3Output with S3Uri and LocalPath; the local endpoint"
                " writes to S3 only."
            ),
        ),
    ],
)
def test_a_processing_job_that_cannot_be_run_here_says_so(
    endpoint: LocalEndpoint, aws: Aws, change: dict[str, Any], reason: str
) -> None:
    """No entry point, or data from or to elsewhere than S3."""
    step_definition = processing_step("p", f"s3://{BUCKET}/unused")
    step_definition["Arguments"] |= change
    step = run_one(endpoint, aws, step_definition)
    assert (step["StepStatus"], step["FailureReason"]) == ("Failed", reason)


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


def test_an_output_bucket_that_does_not_exist_fails_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """S3's words, and which location."""
    code = aws.put(f"out/{uuid.uuid4().hex}/script.py", "open('/opt/ml/processing/output/y/f', 'w')")
    step = run_one(endpoint, aws, processing_step("p", code, outputs={"y": "s3://nowhere/y"}))
    assert step["FailureReason"] == (
        "ClientError: cannot transfer s3://nowhere/y: Error message from S3: The specified bucket does not exist"
    )


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


def test_an_output_that_is_a_link_to_elsewhere_is_not_uploaded(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A link out of the output directory would store a file of this machine."""
    code = aws.put(
        f"link/{uuid.uuid4().hex}/script.py",
        "import os\nos.symlink('/etc/hostname', '/opt/ml/processing/output/o/x')\n",
    )
    step = run_one(endpoint, aws, processing_step("p", code, outputs={"o": f"s3://{BUCKET}/link-out"}))
    assert step["FailureReason"] == "ClientError: the output file 'x' is a link that leaves its directory"


def test_a_job_that_runs_too_long_is_ended(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MaxRuntimeInSeconds: a processing job fails, a training job is stopped."""
    code = aws.put(f"long/{uuid.uuid4().hex}/script.py", "import signal\nsignal.pause()\n")
    processing = processing_step("p", code)
    processing["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    training = training_step("t", "unused")
    training["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    training["Arguments"]["AlgorithmSpecification"]["ContainerEntrypoint"] = ["sleep", "600"]
    arn = aws.start(document(processing, training))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert (steps["p"]["StepStatus"], steps["p"]["FailureReason"]) == (
        "Failed",
        "ClientError: Job runtime exceeded MaxRuntimeInSeconds provided",
    )
    assert steps["t"]["StepStatus"] == "Stopped"
    described = aws.sagemaker.describe_training_job(TrainingJobName=job_name(steps["t"]))
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


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
