"""Transform jobs: a model's predictions for objects in S3, made by a real process."""

from __future__ import annotations

import io
import math
import tarfile
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, job_name, run_one, wait
from tests.integration.documents import BUCKET, IMAGE, ROLE, document

LOGS = "/aws/sagemaker/TransformJobs"
SCIKIT_LEARN = """
import os
import numpy as np
from sklearn.linear_model import LinearRegression

def model_fn(model_dir):
    print("loading", sorted(os.listdir(model_dir)))
    rows = np.loadtxt(os.path.join(model_dir, "rows.csv"), delimiter=",")
    return LinearRegression().fit(rows[:, :-1], rows[:, -1])
"""
ECHO = """
import json, os

def model_fn(model_dir):
    return int(open(os.path.join(model_dir, "base.txt")).read())

def transform_fn(model, data, content_type, accept):
    rows = [json.loads(line) for line in data.decode().split("\\n")]
    print(os.environ["SAGEMAKER_BATCH"], os.environ.get("GREETING"), len(rows))
    if -1 in [row["x"] if isinstance(row, dict) else row for row in rows]:
        raise ValueError("there is no prediction for -1")
    sums = [{"sum": model + (row["x"] if isinstance(row, dict) else row)} for row in rows]
    return "\\n".join(map(json.dumps, sums)), accept
"""


def archive(files: Mapping[str, bytes | str]) -> bytes:
    """A model.tar.gz."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, file in files.items():
            data = file.encode() if isinstance(file, str) else file
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def put(aws: Aws, key: str, content: bytes) -> str:
    """Store bytes and return their URI."""
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
    return f"s3://{BUCKET}/{key}"


def container(aws: Aws, files: Mapping[str, bytes | str], **changes: Any) -> dict[str, Any]:
    """A container whose archive has a script, as the SDK packs it."""
    return {
        "Image": IMAGE,
        "ModelDataUrl": put(aws, f"models/{uuid.uuid4().hex}/model.tar.gz", archive(files)),
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        },
        **changes,
    }


def model(aws: Aws, primary: Mapping[str, Any]) -> str:
    """Create a model and return its name."""
    name = f"m-{uuid.uuid4().hex[:12]}"
    aws.sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=dict(primary))
    return name


def echo_model(aws: Aws) -> str:
    """A model that adds ten to the ``x`` of each line."""
    return model(aws, container(aws, {"base.txt": "10", "code/inference.py": ECHO}))


def request(model_name: str, data: str, output: str, **changes: Any) -> dict[str, Any]:
    """A CreateTransformJob request for lines of JSON."""
    return {
        "TransformJobName": f"t-{uuid.uuid4().hex[:12]}",
        "ModelName": model_name,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": data}},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": output, "Accept": "application/jsonlines", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def ended(endpoint: LocalEndpoint, aws: Aws, name: str) -> dict[str, Any]:
    """The job, when it has ended."""
    region = endpoint._regions.get(aws.sagemaker.meta.region_name)
    jobs = next(jobs for jobs in region.services.jobs if jobs.resource.type == "transform-job")
    assert jobs.get(name).wait(60), f"{name} did not end"
    response: dict[str, Any] = aws.sagemaker.describe_transform_job(TransformJobName=name)
    del response["ResponseMetadata"]
    return response


def log_of(aws: Aws, job: str, *, data: bool = False) -> list[str]:
    """What the container printed, or what the service says of the data, without the time."""
    found = aws.logs.describe_log_streams(logGroupName=LOGS, logStreamNamePrefix=f"{job}/")["logStreams"]
    (stream,) = (each["logStreamName"] for each in found if each["logStreamName"].endswith("/data-log") is data)
    events = aws.logs.get_log_events(logGroupName=LOGS, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"].partition(":[sagemaker logs]: ")[2] if data else event["message"] for event in events]


def test_a_model_of_a_pipeline_predicts(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A Model step's scikit-learn model, its script by the image's default functions, CSV, an output for each object."""
    prefix = f"predict/{uuid.uuid4().hex}"
    put(aws, f"{prefix}/in/a.csv", b"7,1,0\n8,2,1\n")
    put(aws, f"{prefix}/in/deep/b.csv", b"9,0,3\n10,3,0\n")
    files = {"rows.csv": "0,0,0\n1,0,1\n0,1,2\n", "code/inference.py": SCIKIT_LEARN}
    transform = request({"Get": "Steps.model.ModelName"}, f"s3://{BUCKET}/{prefix}/in", f"s3://{BUCKET}/{prefix}/out")  # type: ignore[arg-type]
    del transform["TransformJobName"]
    transform["TransformInput"]["ContentType"] = transform["TransformOutput"]["Accept"] = "text/csv"
    transform["DataProcessing"] = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    say = {"ErrorMessage": {"Get": "Steps.predict.TransformOutput.S3OutputPath"}}
    arn = aws.start(
        document(
            {
                "Name": "model",
                "Type": "Model",
                "Arguments": {"ExecutionRoleArn": ROLE, "PrimaryContainer": container(aws, files)},
            },
            {"Name": "predict", "Type": "Transform", "Arguments": transform},
            {"Name": "say", "Type": "Fail", "Arguments": say},
        )
    )
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["predict"]["StepStatus"] == "Succeeded", steps["predict"]
    name = job_name(steps["predict"])
    assert steps["predict"]["Metadata"] == {
        "TransformJob": {"Arn": f"arn:aws:sagemaker:eu-west-1:123456789012:transform-job/{name}"}
    }
    assert steps["say"]["FailureReason"] == f"s3://{BUCKET}/{prefix}/out"
    stored = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/out/")["Contents"]
    assert [each["Key"] for each in stored] == [f"{prefix}/out/a.csv.out", f"{prefix}/out/deep/b.csv.out"]
    cells = [
        float(cell)
        for each in stored
        for line in aws.get(f"s3://{BUCKET}/{each['Key']}").splitlines()
        for cell in line.split(",")
    ]
    expected = [7, 1, 8, 4, 9, 6, 10, 3]
    assert [math.isclose(*pair, abs_tol=1e-5) for pair in zip(cells, expected, strict=True)] == [True] * 8
    assert log_of(aws, name) == ["loading ['code', 'rows.csv']"]


def test_lines_of_json_are_filtered_and_joined(endpoint: LocalEndpoint, aws: Aws) -> None:
    """One record a request, the job's variables over the model's; and the job as Describe and List show it."""
    prefix = f"join/{uuid.uuid4().hex}"
    data = aws.put(f"{prefix}/in.jsonl", '{"id": "a", "x": 1}\n{"id": "b", "x": 2}\n')
    asked = request(
        echo_model(aws),
        data,
        f"s3://{BUCKET}/{prefix}/out",
        BatchStrategy="SingleRecord",
        Environment={"GREETING": "hello"},
        DataProcessing={"InputFilter": "$.x", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
    )
    name = asked["TransformJobName"]
    assert aws.sagemaker.create_transform_job(**asked)["TransformJobArn"].endswith(f":transform-job/{name}")
    job = ended(endpoint, aws, name)
    times = {key: job.pop(key) for key in ("CreationTime", "TransformStartTime", "TransformEndTime")}
    assert list(times.values()) == sorted(times.values())
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:transform-job/{name}"
    assert job == {
        **asked,
        "TransformJobArn": arn,
        "TransformJobStatus": "Completed",
        "TransformInput": {**asked["TransformInput"], "CompressionType": "None"},
    }
    assert aws.get(f"s3://{BUCKET}/{prefix}/out/in.jsonl.out") == (
        '{"id":"a","SageMakerOutput":{"sum":11}}\n{"id":"b","SageMakerOutput":{"sum":12}}\n'
    )
    assert log_of(aws, name) == ["true hello 1", "true hello 1"]
    (summary,) = aws.sagemaker.list_transform_jobs(NameContains=name)["TransformJobSummaries"]
    assert {key: value for key, value in summary.items() if not key.endswith("Time")} == {
        "TransformJobName": name,
        "TransformJobArn": arn,
        "TransformJobStatus": "Completed",
    }


def test_an_object_that_the_model_refuses(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The other objects have their output; the job fails, and its two logs say why."""
    prefix = f"refuse/{uuid.uuid4().hex}"
    for key, line in (("a", '{"x": -1}'), ("b", '{"x": 2}'), ("c", '{"x": ' + "1" * 1024 * 1024 + "}")):
        aws.put(f"{prefix}/in/{key}.jsonl", line)
    asked = request(echo_model(aws), f"s3://{BUCKET}/{prefix}/in/", f"s3://{BUCKET}/{prefix}/out", MaxPayloadInMB=1)
    step = run_one(
        endpoint,
        aws,
        {
            "Name": "predict",
            "Type": "Transform",
            "Arguments": {key: value for key, value in asked.items() if key != "TransformJobName"},
        },
    )
    shown = f"{BUCKET}/{prefix}/in/a.jsonl"
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        (f"AlgorithmError: See job logs for more information. {shown}: ValueError: there is no prediction for -1"),
    )
    stored = aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/out")["Contents"]
    assert [each["Key"] for each in stored] == [f"{prefix}/out/b.jsonl.out"]
    assert log_of(aws, job_name(step)) == ["true None 1", "true None 1"]
    first, *said = log_of(aws, job_name(step), data=True)
    assert first == "MaxConcurrentTransforms=1, MaxPayloadInMB=1, BatchStrategy=MULTI_RECORD"
    assert (said[0], said[-2:]) == (
        f"{shown}: there is no prediction for -1",
        [
            f"{shown}: Bad HTTP status received from algorithm: 500",
            (
                f"{BUCKET}/{prefix}/in/c.jsonl: Too much data for max payload size: a record has 1048583 bytes, MaxPayloadInMB "
                "allows 1048576"
            ),
        ],
    )


def test_stopping(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A stopped job ends, and stores nothing."""
    prefix = f"stop/{uuid.uuid4().hex}"
    data = aws.put(f"{prefix}/in.jsonl", "1")
    ready = f"{prefix}/ready"
    script = f"""
import boto3, time
def model_fn(model_dir):
    boto3.client("s3").put_object(Bucket={BUCKET!r}, Key={ready!r}, Body=b"")
    time.sleep(600)
"""
    name = model(aws, container(aws, {"code/inference.py": script}))
    asked = request(name, data, f"s3://{BUCKET}/{prefix}/out")
    job = asked["TransformJobName"]
    aws.sagemaker.create_transform_job(**asked)
    aws.s3.get_waiter("object_exists").wait(Bucket=BUCKET, Key=ready, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    aws.sagemaker.stop_transform_job(TransformJobName=job)
    assert ended(endpoint, aws, job)["TransformJobStatus"] == "Stopped"
    assert "Contents" not in aws.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/out")


def test_a_model_that_is_not_there(aws: Aws) -> None:
    """Refused at once, in the service's words."""
    assert error_of(aws.sagemaker.create_transform_job, **request("none", f"s3://{BUCKET}/i", f"s3://{BUCKET}/o")) == (
        "ValidationException",
        'Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/none".',
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"Environment": {}},
            (
                f"ClientError: the local endpoint cannot run the server inside the image {IMAGE}. It runs a script: set "
                "SAGEMAKER_PROGRAM in the model's Environment, and put the file into the directory code of the model's archive"
            ),
        ),
        (
            {"Environment": {"SAGEMAKER_PROGRAM": "other.py"}},
            (
                "ClientError: the script 'other.py' (SAGEMAKER_PROGRAM) is not in /opt/ml/model/code "
                "(SAGEMAKER_SUBMIT_DIRECTORY)"
            ),
        ),
    ],
)
def test_a_model_without_its_script(endpoint: LocalEndpoint, aws: Aws, changes: dict[str, Any], reason: str) -> None:
    """The job fails before anything runs, and says what to do."""
    name = model(aws, container(aws, {"code/readme": ""}, **changes))
    asked = request(name, aws.put(f"none/{uuid.uuid4().hex}", "1"), f"s3://{BUCKET}/out")
    aws.sagemaker.create_transform_job(**asked)
    job = ended(endpoint, aws, asked["TransformJobName"])
    assert (job["TransformJobStatus"], job["FailureReason"]) == ("Failed", reason)
