"""Where objects land, what a job may name as its path, and what jobs are called."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.jobs.files import local_path, said
from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import StagingError, relative_name, split_uri
from airflow_sm_pipelines.local.names import new_execution_id, new_job_name, new_model_name, resource_arn


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/", "data/train.csv", "train.csv"),
        ("data", "data/deep/train.csv", "deep/train.csv"),
        ("data/train.csv", "data/train.csv", "train.csv"),
        ("data/tr", "data/train.csv", "train.csv"),
        ("", "data/train.csv", "data/train.csv"),
    ],
)
def test_objects_keep_the_part_of_their_key_below_the_prefix(prefix: str, key: str, name: str) -> None:
    """A prefix is a plain string prefix; an object given by its whole key keeps its name."""
    assert relative_name(prefix, key) == name


def test_uris_are_taken_apart_as_s3_means_them() -> None:
    """`?` and `#` are ordinary characters of a key."""
    assert split_uri("s3://bucket/a/b?c#d") == ("bucket", "a/b?c#d")
    assert split_uri("s3://bucket") == ("bucket", "")
    with pytest.raises(StagingError, match="'https://bucket/key' is not an S3 URI"):
        split_uri("https://bucket/key")


def test_a_path_of_a_job_is_found_below_its_directory(tmp_path: Path) -> None:
    """/opt/ml/... of the job is a directory of this machine."""
    directory = JobDirectory(tmp_path)
    assert local_path(directory, "/opt/ml/processing/input/raw/", "raw") == tmp_path / "ml/processing/input/raw"
    assert local_path(directory, "/opt/ml", "all") == tmp_path / "ml" / "."


@pytest.mark.parametrize("path", ["/etc", "/opt/ml/../../etc", "/opt/mlx/a", "relative"])
def test_a_path_outside_opt_ml_fails_the_job(tmp_path: Path, path: str) -> None:
    """No LocalPath reaches another file of this machine."""
    with pytest.raises(JobFailedError, match="is not below /opt/ml"):
        local_path(JobDirectory(tmp_path), path, "raw")


@pytest.mark.parametrize(("link", "path"), [("o", "o"), ("o", "o/deep"), ("deep/o", "deep/o")])
def test_a_path_that_a_job_made_a_link_fails_the_job(tmp_path: Path, link: str, path: str) -> None:
    """What lies behind it is a directory of this machine, not the job's."""
    directory = JobDirectory.create(tmp_path / "job")
    (directory.ml / link).parent.mkdir(exist_ok=True)
    (directory.ml / link).symlink_to("/etc")
    with pytest.raises(JobFailedError) as error:
        local_path(directory, f"/opt/ml/{path}", "out")
    assert str(error.value) == (
        f"ClientError: the LocalPath of 'out' is wrong: '/opt/ml/{path}' is a link that leaves /opt/ml"
    )


def test_what_a_job_said_is_read_up_to_a_limit(tmp_path: Path) -> None:
    """Text of its own, whatever bytes it has; nothing when it said nothing."""
    directory = JobDirectory.create(tmp_path / "job")
    assert said(directory, "message", 10) == ""
    (directory.ml / "output").mkdir()
    assert said(directory, "message", 10) == ""
    (directory.ml / "output" / "message").write_bytes(b"\xff123456789end")
    assert said(directory, "message", 10) == "\N{REPLACEMENT CHARACTER}123456789"


@pytest.mark.parametrize("kind", ["link", "link to directory", "pipe", "directory", "file for directory"])
def test_what_is_no_file_of_the_job_is_not_read(tmp_path: Path, kind: str) -> None:
    """A link would show a file of this machine, and a pipe would be waited for."""
    directory = JobDirectory.create(tmp_path / "job")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "message").write_text("secret")
    output = directory.ml / "output"
    if kind == "link to directory":
        output.symlink_to(secret)
    elif kind == "file for directory":
        output.touch()
    else:
        output.mkdir()
    if kind == "link":
        (output / "message").symlink_to(secret / "message")
    elif kind == "pipe":
        os.mkfifo(output / "message")
    elif kind == "directory":
        (output / "message").mkdir()
    assert said(directory, "message", 10) == ""


def test_names_are_the_services() -> None:
    """As in the recorded executions: the step's name cut at 20 characters, ten random ones, models in lower case."""
    assert re.fullmatch(r"[a-z0-9]{12}", new_execution_id())
    name = new_job_name("l040kjgtiq4n", "create-provisioned-throughput-step")
    assert re.fullmatch(r"pipelines-l040kjgtiq4n-create-provisioned-t-[A-Za-z0-9]{10}", name)
    model = new_model_name("is6ph1fp4go8", "Abalone-CreateModel-CreateModel")
    assert re.fullmatch(r"pipelines-is6ph1fp4go8-abalone-createmodel--[a-z0-9]{10}", model)
    assert re.fullmatch(r"pipelines-x-my-step-[A-Za-z0-9]{10}", new_job_name("x", "my_step"))
    assert resource_arn("eu-west-1", "pipeline", "p") == "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/p"
