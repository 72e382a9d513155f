"""Models of transform jobs: where their files and scripts are, and which are not run."""

# ruff: noqa: ARG002 - what stands in for something has its signatures

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.models import Model
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import StagingError, extract_archive

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
SCIKIT_LEARN = f"{REGISTRY}/sagemaker-scikit-learn:1.2-1"
XGBOOST = f"{REGISTRY}/sagemaker-xgboost:1.7-1"
KMEANS = f"{REGISTRY}/kmeans:1"
TENSORFLOW = f"{REGISTRY}/tensorflow-inference:2.14"
WRONG = "the local endpoint cannot run the model 'm':"


def model(*containers: Mapping[str, Any]) -> Model:
    return Model("m", "role", containers)


def names(directory: Path) -> list[str]:
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


class Staging:
    """Puts files where it is told to."""

    def __init__(self, objects: Mapping[str, tuple[str, ...]]) -> None:
        self.objects = objects

    def extract(self, uri: str, directory: Path, scratch: Path) -> None:
        self.download(uri, directory, "")

    def download(self, uri: str, directory: Path, role_arn: str) -> None:
        for name in self.objects[uri]:
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).touch()


@pytest.mark.parametrize(
    ("containers", "environment", "limits"),
    [
        ([{"Image": SCIKIT_LEARN}], {}, []),
        ([{"Image": "mine"}], {}, []),
        ([{"Image": XGBOOST, "Mode": "SingleModel"}], {}, []),
        ([{}, {}], {}, [f"{WRONG} it has 2 containers. Use a model of one container"]),
        (
            [{"Image": SCIKIT_LEARN, "Mode": "MultiModel", "AdditionalModelDataSources": [{}]}],
            {},
            [
                f"{WRONG} its container has Mode MultiModel. Use Mode SingleModel",
                f"{WRONG} it has AdditionalModelDataSources. Put all files into one ModelDataUrl",
            ],
        ),
        ([{"Image": KMEANS}], {}, [f"{WRONG} the algorithm kmeans is inside the image {KMEANS}"]),
        ([{"Image": TENSORFLOW}], {}, [f"{WRONG} it does not have the server inside the image {TENSORFLOW}"]),
        (
            [{"Image": XGBOOST}],
            {"SAGEMAKER_INFERENCE_OUTPUT": "labels"},
            [f"{WRONG} SAGEMAKER_INFERENCE_OUTPUT picks other contents than the predictions. Leave it out"],
        ),
    ],
)
def test_what_is_not_run(containers: list[dict[str, Any]], environment: dict[str, str], limits: list[str]):
    """Several containers or models in one, and servers that are in an image and nowhere else."""
    assert list(model(*containers).limits(environment)) == limits


@pytest.mark.parametrize(
    ("container", "environment", "code", "files"),
    [
        (
            {"Image": SCIKIT_LEARN, "ModelDataUrl": "s3://b/m.tar.gz"},
            {"SAGEMAKER_PROGRAM": "serve.py", "SAGEMAKER_SUBMIT_DIRECTORY": "file:///opt/ml/model/code"},
            "/opt/ml/model/code",
            ["model/code/inference.py", "model/code/serve.py", "model/weights"],
        ),
        (
            {"Image": "mine", "ModelDataUrl": "s3://b/m.tar.gz"},
            {},
            "/opt/ml/model/code",
            ["model/code/inference.py", "model/code/serve.py", "model/weights"],
        ),
        (
            {"Image": SCIKIT_LEARN},
            {"SAGEMAKER_PROGRAM": "other", "SAGEMAKER_SUBMIT_DIRECTORY": "s3://b/source.tar.gz"},
            "/opt/ml/code",
            ["code/other.py"],
        ),
        (
            {
                "Image": XGBOOST,
                "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/folder/", "CompressionType": "None"}},
            },
            {"SAGEMAKER_PROGRAM": ""},
            None,
            ["model/xgboost-model"],
        ),
        (
            {
                "Image": XGBOOST,
                "ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m.tar.gz", "CompressionType": "Gzip"}},
            },
            {},
            None,
            ["model/code/inference.py", "model/code/serve.py", "model/weights"],
        ),
    ],
)
def test_where_files_are(
    tmp_path: Path, container: dict[str, Any], environment: dict[str, str], code: str | None, files: list[str]
):
    """The model below /opt/ml/model, as an archive or as it is; the script in it, or beside it."""
    directory = JobDirectory.create(tmp_path / "job")
    objects = {
        "s3://b/m.tar.gz": ("weights", "code/serve.py", "code/inference.py"),
        "s3://b/source.tar.gz": ("other.py",),
        "s3://b/folder/": ("xgboost-model",),
    }
    assert model(container).put(directory, Staging(objects), environment) == code  # type: ignore[arg-type]
    assert names(directory.ml) == files


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        (
            {"SAGEMAKER_SUBMIT_DIRECTORY": "file:///home/me/code"},
            (
                "ClientError: the LocalPath of 'SAGEMAKER_SUBMIT_DIRECTORY' is wrong: '/home/me/code/inference.py' is not "
                "below /opt/ml"
            ),
        ),
        (
            {"SAGEMAKER_PROGRAM": "a.py"},
            "ClientError: the script 'a.py' (SAGEMAKER_PROGRAM) is not in /opt/ml/model/code (SAGEMAKER_SUBMIT_DIRECTORY)",
        ),
        (
            {},
            (
                "ClientError: the local endpoint cannot run the server inside the image mine. It runs a script: set "
                "SAGEMAKER_PROGRAM in the model's Environment, and put the file into the directory code of the model's archive"
            ),
        ),
    ],
)
def test_no_script(tmp_path: Path, environment: dict[str, str], reason: str):
    """It is missed before anything runs."""
    directory = JobDirectory.create(tmp_path / "job")
    with pytest.raises(JobFailedError) as error:
        model({"Image": "mine"}).put(directory, Staging({}), environment)  # type: ignore[arg-type]
    assert str(error.value) == reason


def packed(*members: tarfile.TarInfo) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for member in members:
            tar.addfile(member)
    return content.getvalue()


def link(name: str, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no archive", "file could not be opened successfully"),
        (packed(tarfile.TarInfo("../out")), "'../out' would be extracted to "),
        (packed(link("out", "/etc")), "'out' is a link to an absolute path"),
        (packed(link("out", "../..")), "'out' would link to "),
        (packed(tarfile.TarInfo("model"))[:30], "Compressed file ended before the end-of-stream marker was reached"),
    ],
    ids=["no archive", "path", "absolute link", "relative link", "half an archive"],
)
def test_an_archive_that_is_not_safe(tmp_path: Path, content: bytes, why: str):
    """Nothing of it lands outside its directory, nor leads there."""
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(StagingError) as error:
        extract_archive(archive, tmp_path / "to", "s3://b/model.tar.gz")
    shown = str(error.value)
    assert shown.startswith("ClientError: s3://b/model.tar.gz is not a tar.gz archive that can be extracted: ")
    assert why in shown
    assert names(tmp_path) == ["model.tar.gz"]
