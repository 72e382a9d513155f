"""What a transform job does around its model, without processes and without S3."""

# ruff: noqa: ARG002 - what stands in for something has its signatures

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.containers import serving
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import StoredObject
from airflow_sm_pipelines.local.jobs.transform import TransformJob
from tests.unit.local.test_job import Logs

XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
MODEL = {"PrimaryContainer": {"Image": XGBOOST, "Environment": {"A": "model", "SAGEMAKER_BATCH": "no"}}}


class SageMaker:
    """Knows one model, and one model package."""

    meta = SimpleNamespace(region_name="eu-west-1")

    def __init__(self, model: Mapping[str, Any]) -> None:
        self.model = model

    def describe_model(self, **request: str) -> Mapping[str, Any]:
        if request["ModelName"] != "m":
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "moto's words"}}, "DescribeModel")
        return {"ExecutionRoleArn": "role", **self.model}

    def describe_model_package(self, **request: str) -> Mapping[str, Any]:
        if request["ModelPackageName"] != "package":
            raise ClientError(
                {"Error": {"Code": "ValidationException", "Message": "no package"}}, "DescribeModelPackage"
            )
        return {"InferenceSpecification": {"Containers": [{"Image": XGBOOST, "Environment": {"A": "1", "B": "1"}}]}}


class Staging:
    """Has the input's objects, and keeps what is stored."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.objects = objects
        self.stored: dict[str, bytes] = {}

    def download(self, uri: str, directory: Path, role_arn: str) -> dict[Path, StoredObject]:
        directory.mkdir()
        for name, content in self.objects.items():
            (directory / name).write_bytes(content)
        return {directory / name: StoredObject("b", f"in/{name}", name) for name in self.objects}

    def upload_directory(self, directory: Path, uri: str) -> None:
        for path in sorted(directory.rglob("*.out")):
            self.stored[f"{uri}/{path.relative_to(directory).as_posix()}"] = path.read_bytes()


def request(**changes: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/in/"}}
    return {
        "ModelName": "m",
        "TransformInput": {"DataSource": source, **changes.pop("source", {})},
        "TransformOutput": {"S3OutputPath": "s3://b/out", "AssembleWith": "Line"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        **changes,
    }


def job(asked: Mapping[str, Any], model: Mapping[str, Any] = MODEL, logs: Logs | None = None) -> TransformJob:
    clients = {"sagemaker": SageMaker(model), "logs": logs or Logs()}
    python = SimpleNamespace(executable="/usr/bin/python3")
    host = SimpleNamespace(clients=clients, region="eu-west-1", interpreter_of=lambda _image: python)
    return TransformJob("t", asked, host)  # type: ignore[arg-type]


def answer(directory: JobDirectory, *objects: list[tuple[int, bytes]]) -> None:
    """Answer as the program does."""
    for number, answers in enumerate(objects):
        with (directory.ml / ".transform" / "responses" / f"{number:06}").open("wb") as file:
            for status, body in answers:
                serving.write(file, serving.Answer(status, body, "text/csv"))


def requests_of(directory: JobDirectory, count: int) -> list[list[bytes]]:
    """What the program reads."""
    found = []
    for number in range(count):
        with (directory.ml / ".transform" / "requests" / f"{number:06}").open("rb") as file:
            found.append(list(serving.read(file)))
    return found


def test_what_the_program_gets(tmp_path: Path):
    """Requests for each object in order of their keys, what is asked for, and the variables of a transform job."""
    instance, staging = Instance.create(tmp_path / "job", 1, 1), Staging({"b": b"3\n", "a": b"1\n2\n"})
    directory = instance.directory
    asked = request(
        source={"SplitType": "Line", "ContentType": "text/csv"},
        BatchStrategy="SingleRecord",
        MaxPayloadInMB=2,
        MaxConcurrentTransforms=4,
        ModelClientConfig={"InvocationsTimeoutInSeconds": 5, "InvocationsMaxRetries": 1},
    )
    plan = job(asked).prepare(instance, staging)  # type: ignore[arg-type]
    assert plan.command == ["python3", "/opt/ml/.transform/serving.py", "/opt/ml/.transform"]
    assert plan.variables == {
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "4",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2",
        "SM_MODEL_DIR": "/opt/ml/model",
        "A": "model",
    }
    assert json.loads((directory.ml / ".transform" / "configuration.json").read_text()) == {
        "framework": "xgboost",
        "code": None,
        "objects": 2,
        "content_type": "text/csv",
        "accept": None,
        "timeout": 5,
    }
    assert requests_of(directory, 2) == [[b"1", b"2"], [b"3"]]
    program = Path(serving.__file__).read_text()
    assert (directory.ml / ".transform" / "serving.py").read_text() == program


def test_compressed_objects(tmp_path: Path):
    """They are read decompressed, and their outputs keep their names; what is not compressed has no output."""
    logs = Logs()
    instance = Instance.create(tmp_path / "job", 1, 1)
    directory = instance.directory
    staging = Staging({"a.gz": gzip.compress(b"1,2\n"), "b.gz": b"1,2\n", "c.gz": gzip.compress(b"1,2\n")[:-4]})
    transform = job(request(source={"CompressionType": "Gzip"}), logs=logs)
    transform.prepare(instance, staging)  # type: ignore[arg-type]
    assert requests_of(directory, 3) == [[b"1,2\n"], [], []]
    answer(directory, [(200, b"3")], [], [])
    with pytest.raises(JobFailedError) as error:
        transform.collect([directory], staging, stopped=False)  # type: ignore[arg-type]
    wrong = "Failed to decompress the object: Not a gzipped file (b'1,')"
    assert str(error.value) == f"ClientError: See job logs for more information. b/in/b.gz: {wrong}"
    assert staging.stored == {"s3://b/out/a.gz.out": b"3\n"}
    assert [line.partition(":[sagemaker logs]: ")[2] for line in logs.events] == [
        "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD",
        f"b/in/b.gz: {wrong}",
        "b/in/c.gz: Failed to decompress the object: Compressed file ended before the end-of-stream marker was reached",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            [(400, b"no\nTypeError: neither")],
            "ClientError: See job logs for more information. b/in/a: TypeError: neither",
        ),
        ([(503, b"")], "AlgorithmError: See job logs for more information. b/in/a: status 503"),
        ([], "AlgorithmError: See job logs for more information. b/in/a: the process left answers that cannot be read"),
    ],
    ids=["4xx", "5xx", "none"],
)
def test_an_object_without_output(tmp_path: Path, content: list[tuple[int, bytes]], reason: str):
    """Whose fault it is follows from the status; what the program did not answer is the algorithm's."""
    instance, staging = Instance.create(tmp_path / "job", 1, 1), Staging({"a": b"1"})
    directory = instance.directory
    transform = job(request())
    transform.prepare(instance, staging)  # type: ignore[arg-type]
    answer(directory, content)
    with pytest.raises(JobFailedError) as error:
        transform.collect([directory], staging, stopped=False)  # type: ignore[arg-type]
    assert (str(error.value), staging.stored) == (reason, {})


@pytest.mark.parametrize("left", ["link", "directory", "rubbish", "too short", "nothing"])
def test_answers_that_a_job_has_tampered_with(tmp_path: Path, left: str):
    """A link is not followed, and nothing is read that is not an answer."""
    instance, staging = Instance.create(tmp_path / "job", 1, 1), Staging({"a": b"1"})
    directory = instance.directory
    transform = job(request())
    transform.prepare(instance, staging)  # type: ignore[arg-type]
    place = directory.ml / ".transform" / "responses" / "000000"
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"status": 200, "length": 6}\nsecret')
    if left == "link":
        place.symlink_to(secret)
    elif left == "directory":
        place.mkdir()
    elif left == "rubbish":
        place.write_bytes(b"[1]\n")
    elif left == "too short":
        place.write_bytes(b'{"status": 200, "length": 7}\nsecret')
    with pytest.raises(JobFailedError, match=r"^AlgorithmError: .*the process left answers that cannot be read$"):
        transform.collect([directory], staging, stopped=False)  # type: ignore[arg-type]
    assert staging.stored == {}


def test_objects_without_records(tmp_path: Path):
    """They make no request, and have an output without anything in it."""
    instance, staging = Instance.create(tmp_path / "job", 1, 1), Staging({"a": b"", "b": b"\n"})
    directory = instance.directory
    transform = job(request(source={"SplitType": "Line"}))
    transform.prepare(instance, staging)  # type: ignore[arg-type]
    answer(directory, [], [])
    transform.collect([directory], staging, stopped=False)  # type: ignore[arg-type]
    assert (requests_of(directory, 2), staging.stored) == ([[], []], {"s3://b/out/a.out": b"", "s3://b/out/b.out": b""})


def test_a_model_of_the_registry(tmp_path: Path):
    """The containers of its model package, and the model's variables over theirs."""
    package = {"PrimaryContainer": {"ModelPackageName": "package", "Environment": {"B": "2"}}}
    plan = job(request(), package).prepare(Instance.create(tmp_path / "job", 1, 1), Staging({"a": b"1"}))  # type: ignore[arg-type]
    assert {name: plan.variables[name] for name in "AB"} == {"A": "1", "B": "2"}


@pytest.mark.parametrize(
    ("asked", "model", "message"),
    [
        ({"ModelName": "n"}, MODEL, 'Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/n".'),
        ({}, {"PrimaryContainer": {"ModelPackageName": "p"}}, "no package"),
    ],
)
def test_a_model_that_is_not_there(asked: dict[str, Any], model: dict[str, Any], message: str):
    """The job is refused."""
    with pytest.raises(ValidationError) as error:
        job(request(**asked), model)
    assert error.value.message == message


def test_a_model_that_is_not_run(tmp_path: Path):
    """The job fails before anything is downloaded."""
    transform = job(request(), {"Containers": [{"Image": XGBOOST}, {"Image": XGBOOST}]})
    with pytest.raises(JobFailedError) as error:
        transform.prepare(Instance.create(tmp_path / "job", 1, 1), Staging({}))  # type: ignore[arg-type]
    assert str(error.value) == (
        "ClientError: the local endpoint cannot run the model 'm': it has 2 containers. Use a model of one container."
    )


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            ["Traceback (most recent call last):", "FileNotFoundError: no model"],
            "AlgorithmError: See job logs for more information. Last error line: FileNotFoundError: no model",
        ),
        ([], "AlgorithmError: See job logs for more information"),
    ],
)
def test_a_program_that_failed(tmp_path: Path, output: list[str], reason: str):
    """Its last error line is in the reason."""
    assert job(request()).failure(JobDirectory.create(tmp_path / "job"), 1, output) == reason


def test_what_describe_adds():
    """What the request leaves out, as AWS shows it; a transform job has no time limit and no time of the last change."""
    described = job(request()).describe()
    assert described.pop("CreationTime")
    assert described == {
        **request(),
        "TransformJobName": "t",
        "TransformJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:transform-job/t",
        "TransformJobStatus": "InProgress",
        "TransformInput": {**request()["TransformInput"], "CompressionType": "None", "SplitType": "None"},
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
    }
