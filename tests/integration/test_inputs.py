"""Manifests and pipes: what a job reads of them."""

from __future__ import annotations

import json
import uuid

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, job_name, run_one
from tests.integration.documents import BUCKET, processing_step, training_step
from tests.integration.test_jobs import read_archive

READ = """
import pathlib, struct, sys

def records(path):
    with open(path, "rb") as pipe:
        while head := pipe.read(8):
            magic, length = struct.unpack("<II", head)
            yield hex(magic), pipe.read(length + -length % 4)[:length].decode()

data = "/opt/ml/input/data/"
told = {
    "first": [open(data + f"plain_{epoch}").read() for epoch in (0, 1)],
    "labels": list(records(data + "labels_0")),
    "files": sorted(path.name for path in pathlib.Path(data).iterdir() if path.is_dir()),
}
pathlib.Path("/opt/ml/model/told").write_text(repr(told))
"""


def pipe_step(aws: Aws, prefix: str) -> dict[str, object]:
    """A training step with a channel in Pipe mode of each kind, and one of files."""
    uri = f"s3://{BUCKET}/{prefix}"
    source = aws.put_source_archive({"train.py": READ})
    step = training_step(
        "train", source, inputs={"plain": f"{uri}/data/", "labels": f"{uri}/m", "files": f"{uri}/data"}
    )
    plain, labels, _ = step["Arguments"]["InputDataConfig"]
    plain["InputMode"] = "Pipe"
    labels |= {"InputMode": "Pipe", "RecordWrapperType": "RecordIO"}
    labels["DataSource"]["S3DataSource"] |= {
        "S3DataType": "AugmentedManifestFile",
        "AttributeNames": ["image-ref", "label"],
    }
    return step


def test_a_training_job_reads_pipes(endpoint: LocalEndpoint, aws: Aws) -> None:
    """All objects of a prefix one after the other, twice; an augmented manifest as records; another channel as files."""
    prefix = f"pipe/{uuid.uuid4().hex}"
    aws.put(f"{prefix}/data/a", "A")
    image = aws.put(f"{prefix}/data/b", "B" * 200_000)
    aws.put(f"{prefix}/m", json.dumps({"image-ref": f"{image.removesuffix('b')}a", "label": 7}))
    step = run_one(endpoint, aws, pipe_step(aws, prefix))
    assert step["StepStatus"] == "Succeeded", step
    told = read_archive(aws, f"s3://{BUCKET}/models/{job_name(step)}/output/model.tar.gz")["told"].decode()
    assert told == repr(
        {
            "first": ["A" + "B" * 200_000] * 2,
            "labels": [("0xced7230a", "A"), ("0xced7230a", "7")],
            "files": ["files"],
        }
    )


def test_an_object_that_is_gone_fails_the_job(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Also while it runs, and although the script goes on as if the pipe were over."""
    prefix = f"pipe/{uuid.uuid4().hex}"
    aws.put(f"{prefix}/data/a", "A")
    gone = f"s3://{BUCKET}/{prefix}/gone"
    aws.put(f"{prefix}/m", json.dumps({"image-ref": gone, "label": 7}))
    step = run_one(endpoint, aws, pipe_step(aws, prefix))
    assert (step["StepStatus"], step["FailureReason"]) == (
        "Failed",
        f"ClientError: cannot read {gone}: Error message from S3: The specified key does not exist.",
    )


def test_a_processing_job_reads_what_a_manifest_names(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Below the LocalPath, where the manifest says."""
    prefix = f"manifest/{uuid.uuid4().hex}"
    for key in ("in/x", "deep/in/y", "out"):
        aws.put(f"{prefix}/{key}", key)
    manifest = aws.put(f"{prefix}/m", json.dumps([{"prefix": f"s3://{BUCKET}/{prefix}/"}, "in/x", "deep/in/y"]))
    step_definition = processing_step(
        "p",
        aws.put_script("import subprocess; print(subprocess.getoutput('cd /opt/ml/processing/input/raw; grep -r .'))"),
        inputs={"raw": manifest},
    )
    step_definition["Arguments"]["ProcessingInputs"][1]["S3Input"]["S3DataType"] = "ManifestFile"
    step = run_one(endpoint, aws, step_definition)
    assert step["StepStatus"] == "Succeeded", step
    assert sorted(aws.log_lines("/aws/sagemaker/ProcessingJobs", job_name(step))) == [
        "deep/in/y:deep/in/y",
        "in/x:in/x",
    ]
