"""What is kept of S3 and of SageMaker's entries, with a stand-in for moto that has objects and remembers requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from airflow_sm_pipelines.local.persistence.directory import DataDirectory
from airflow_sm_pipelines.local.persistence.entries import KeptEntries, identity_of
from airflow_sm_pipelines.local.persistence.moto import Moto
from airflow_sm_pipelines.local.persistence.objects import KeptObjects
from airflow_sm_pipelines.local.persistence.s3_changes import BucketChange, ObjectChange


class Recorder(Moto):
    """Has objects by their paths, and remembers what is put into it."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.asked: list[Any] = []
        self.status = 200

    def s3(
        self, method: str, path: str, region: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> TestResponse:
        if method == "PUT":
            self.asked.append((path, region, dict(headers or {}), body))
            return response(b"<refused/>", self.status)
        if path.endswith("?tagging"):
            return response(b"<T><Tag><Key>a</Key><Value>b c</Value></Tag><Tag><Key>d</Key><Value/></Tag></T>")
        found = self.objects.get(path)
        return response(b"", 404) if found is None else response(found[0], self.status, found[1])

    def sagemaker(self, operation: str, region: str, members: Mapping[str, Any]) -> TestResponse:
        self.asked.append((operation, region, dict(members)))
        return response(b"refused", self.status)


def response(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> TestResponse:
    return cast("TestResponse", Response(body, status, dict(headers or {}), content_type="binary/octet-stream"))


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[DataDirectory]:
    opened = DataDirectory(tmp_path)
    yield opened
    opened.close()


def contents(directory: DataDirectory) -> set[bytes]:
    return {file.read_bytes() for file in (directory.path / "contents").iterdir()}


def test_objects_are_put_again_as_they_were_last(directory: DataDirectory) -> None:
    """With metadata and tags, in their buckets. What no object has any more is removed."""
    moto = Recorder()
    kept = KeptObjects(directory, moto)
    kept.keep(BucketChange("b", "PUT", "", "eu-west-1", {"content-type": "x"}, "where"))
    kept.keep(BucketChange("b", "PUT", "versioning=", "eu-west-1", {}, "off"))
    kept.keep(BucketChange("b", "PUT", "policy=", "eu-west-1", {}, "p"))
    kept.keep(BucketChange("b", "PUT", "versioning=", "eu-west-1", {}, "on"))
    kept.keep(BucketChange("b", "DELETE", "policy=", "eu-west-1", {}, ""))
    kept.keep(BucketChange("b", "PUT", "", "us-east-1", {}, "made again"))
    kept.keep(BucketChange("gone", "PUT", "", "us-east-1", {}, ""))
    kept.keep(BucketChange("gone", "DELETE", "", "us-east-1", {}, ""))
    headers = {"Cache-Control": "c", "X-Amz-Meta-A": "b", "ETag": "e", "x-amz-tagging-count": "2"}
    moto.objects = {"/b/x%20y": (b"old", {}), "/b/same": (b"old", {}), "/b/gone": (b"gone", {})}
    kept.keep(ObjectChange("b", ("x y", "same", "gone")))
    moto.objects = {"/b/x%20y": (b"new", headers), "/b/same": (b"old", {})}
    kept.keep(ObjectChange("b", ("x y", "gone", "never there")))
    assert contents(directory) == {b"new", b"old"}

    again = Recorder()
    restored = KeptObjects(directory, again)
    restored.restore()
    plain = {"content-type": "binary/octet-stream"}
    more = {**plain, "cache-control": "c", "x-amz-meta-a": "b", "x-amz-tagging": "a=b+c&d="}
    assert again.asked == [
        ("/b", "eu-west-1", {"content-type": "x"}, b"where"),
        ("/b/same", "us-east-1", plain, b"old"),
        ("/b/x%20y", "us-east-1", more, b"new"),
        ("/b?versioning=", "eu-west-1", {}, b"on"),
    ]
    restored.keep(ObjectChange("b", ("same",)))  # the stand-in has no such object any more
    assert contents(directory) == {b"new"}


def test_an_object_that_is_lost_is_told(directory: DataDirectory, caplog: pytest.LogCaptureFixture) -> None:
    """One that cannot be read is not kept; one whose content is cut, or that is refused, is not there any more."""
    moto = Recorder()
    kept = KeptObjects(directory, moto)
    moto.objects = {"/b/cut": (b"cut", {}), "/b/k": (b"k", {}), "/b/archived": (b"x", {})}
    kept.keep(ObjectChange("b", ("cut", "k", "archived")))
    kept.keep(BucketChange("b", "PUT", "", "r", {}, ""))
    moto.status = 403
    with caplog.at_level(logging.WARNING):
        kept.keep(ObjectChange("b", ("archived",)))
        assert "b/archived" not in directory.read("objects")
        for file in (directory.path / "contents").iterdir():
            if file.read_bytes() == b"cut":
                file.write_bytes(b"c")
        KeptObjects(directory, moto).restore()
    assert [each.getMessage() for each in caplog.records] == [
        "s3://b/archived is not kept, for it cannot be read: x",
        "PUT /b could not be restored: <refused/>",
        "s3://b/cut is lost: its content is not whole",
        "s3://b/k is lost: <refused/>",
    ]
    assert (directory.read("objects"), contents(directory)) == ({}, set())


@pytest.mark.parametrize(
    ("operation", "members", "identity"),
    [
        ("CreateModel", {"ModelName": "m"}, "model/m"),
        ("CreateModelPackage", {"ModelPackageGroupName": "g"}, "model-package/"),
        ("UpdateModelPackage", {"ModelPackageArn": "arn:aws:sagemaker:r:1:model-package/g/1"}, "model-package/g/1"),
        ("DeleteModelPackage", {"ModelPackageName": "arn:aws:sagemaker:r:1:model-package/g/1"}, "model-package/g/1"),
        ("DeleteEndpointConfig", {"EndpointConfigName": "c"}, "endpoint-config/c"),
        ("UpdateEndpointWeightsAndCapacities", {"EndpointName": "e"}, "endpoint/e"),
        ("AddTags", {"ResourceArn": "arn:aws:sagemaker:r:1:endpoint/e"}, "endpoint/e"),
        ("AddTags", {"ResourceArn": "arn:aws:sagemaker:r:1:experiment/e"}, None),
        ("CreateExperiment", {"ExperimentName": "e"}, None),
        ("DescribeModel", {"ModelName": "m"}, None),
        ("CreateModelCard", {"ModelCardName": "m"}, None),
    ],
)
def test_what_a_request_is_about(operation: str, members: dict[str, Any], identity: str | None) -> None:
    """Models, the model registry, endpoints and their tags; nothing else is kept."""
    assert identity_of(operation, members) == identity


def test_entries_are_made_again_in_order(directory: DataDirectory, caplog: pytest.LogCaptureFixture) -> None:
    """What was deleted is forgotten, unless others need it first; numbers of model packages stay."""
    kept = KeptEntries(directory, Recorder())
    tags = {"ResourceArn": "arn:aws:sagemaker:r:1:model/m", "Tags": []}
    config = {"EndpointConfigName": "c"}
    version = {"ModelPackageGroupName": "g"}
    requests = [
        ("CreateModel", "r", {"ModelName": "m"}),
        ("AddTags", "r", tags),
        ("CreateModel", "other", {"ModelName": "m"}),
        ("CreateEndpointConfig", "r", config),
        ("CreateEndpoint", "r", {"EndpointName": "e", **config}),
        ("CreateModelPackage", "r", version),
        ("DeleteModelPackage", "r", {"ModelPackageName": "arn:aws:sagemaker:r:1:model-package/g/1"}),
        ("CreateModelPackage", "r", version),
        ("DeleteEndpointConfig", "r", config),
        ("CreateExperiment", "r", {"ExperimentName": "x"}),
    ]
    for operation, region, members in requests:
        kept.keep(operation, region, members)
    kept.keep("DeleteModel", "r", {"ModelName": "m"})

    again = Recorder()
    restored = KeptEntries(directory, again)
    restored.restore()
    assert again.asked == requests[2:-1]
    restored.keep("DeleteEndpoint", "r", {"EndpointName": "e"})
    again.asked, again.status = [], 400
    with caplog.at_level(logging.WARNING):
        KeptEntries(directory, again).restore()
    assert again.asked == [requests[2], requests[3], *requests[5:9]]
    assert caplog.records[0].getMessage() == "CreateModel of model/m could not be restored: refused"
