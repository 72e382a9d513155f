"""What the S3 inputs of jobs consist of."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from airflow_sm_pipelines.local.jobs.inputs import S3Input, manifest_objects, recordio
from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError, StoredObject

URI = "s3://b/m.manifest"
FORM = f'ClientError: the manifest {URI} is not of the form [{{"prefix": "s3://bucket/some/"}}, "key", ...]'


class Stored:
    """S3 with some objects in one bucket, as far as inputs ask for it."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self._objects = objects

    def objects(self, uri: str, _role_arn: str) -> list[StoredObject]:
        prefix = uri.removeprefix("s3://b/")
        return [StoredObject.below(uri, f"s3://b/{key}") for key in self._objects if key.startswith(prefix)]

    def read(self, uri: str) -> bytes:
        return self._objects[uri.removeprefix("s3://b/")]


def instance(number: int = 1, count: int = 1) -> Instance:
    return Instance(number, count, JobDirectory(Path()))


def staging(**objects: bytes) -> S3Staging:
    return cast("S3Staging", Stored(objects))


def given(data_type: str = "S3Prefix", uri: str = "s3://b/", *, sharded: bool = False, **channel: Any) -> S3Input:
    attributes = channel.pop("AttributeNames", None)
    distribution = "ShardedByS3Key" if sharded else "FullyReplicated"
    source = {"S3DataType": data_type, "S3Uri": uri, "S3DataDistributionType": distribution}
    return S3Input({**source, **({"AttributeNames": attributes} if attributes else {})}, channel, "role")


def test_a_manifest_names_objects() -> None:
    """What is appended to the prefix is where an object lands; `?` and `..` are ordinary text here."""
    content = json.dumps([{"prefix": "s3://b/some/"}, "a", "deep/b?c"]).encode()
    assert manifest_objects(URI, content) == [
        StoredObject("b", "some/a", "a"),
        StoredObject("b", "some/deep/b?c", "deep/b?c"),
    ]
    content = json.dumps([{"prefix": "s3://b/some/da"}, "ta"]).encode()
    assert manifest_objects(URI, content) == [StoredObject("b", "some/data", "data")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", f"{FORM}: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"{}", FORM),
        (b"[]", FORM),
        (b'["a"]', FORM),
        (b'[{"prefix": "s3://b/"}]', FORM),
        (b'[{"prefix": "s3://b/"}, ""]', FORM),
        (b'[{"prefix": "s3://b/"}, 1]', FORM),
        (b'[{"prefix": 1}, "a"]', FORM),
        (b'[{"prefix": "http://b/"}, "a"]', "ClientError: 'http://b/a' is not an S3 URI of the form s3://bucket/key"),
    ],
)
def test_what_is_no_manifest_says_so(content: bytes, message: str) -> None:
    """With the form that is wanted."""
    with pytest.raises(StagingError) as error:
        manifest_objects(URI, content)
    assert str(error.value) == message


def test_a_manifest_is_shared_as_a_prefix_is() -> None:
    """By object, in turn."""
    manifest = json.dumps([{"prefix": "s3://b/"}, "x", "y", "z"]).encode()
    source = given("ManifestFile", "s3://b/m", sharded=True)
    names = [[each.name for each in source.objects(staging(m=manifest), instance(n, 2))] for n in (1, 2)]
    assert names == [["x", "z"], ["y"]]


def test_shuffling_follows_the_seed_and_the_epoch_and_shares_remain_shares() -> None:
    """The same seed gives the same order; each epoch another; each object goes to one instance in each epoch."""
    stored = staging(**{f"k{number}": str(number).encode() for number in range(10)})
    source = given(sharded=True, ShuffleConfig={"Seed": 3})

    def told(number: int, epoch: int) -> list[bytes]:
        return list(source.epochs(stored, instance(number, 2)).records(epoch))

    first, second = [told(1, epoch) + told(2, epoch) for epoch in (0, 1)]
    assert sorted(first) == sorted(second) == [str(number).encode() for number in range(10)]
    assert first != second
    assert first == told(1, 0) + told(2, 0)
    other = given(sharded=True, ShuffleConfig={"Seed": 4})
    assert list(other.epochs(stored, instance(1, 2)).records(0)) != told(1, 0)


def test_an_augmented_manifest_is_told_attribute_by_attribute() -> None:
    """In the order of AttributeNames: what references lead to, texts as they are, other values as JSON."""
    lines = [
        {"image-ref": "s3://b/cat", "label": "1", "box": {"x": [1, 2]}},
        {"image-ref": "s3://b/dog", "label": 0, "box": None},
    ]
    stored = staging(m="\n\n".join(json.dumps(line) for line in lines).encode(), cat=b"CAT!", dog=b"D")
    source = given("AugmentedManifestFile", "s3://b/m", AttributeNames=["image-ref", "label", "box"])
    assert list(source.epochs(stored, instance()).records(0)) == [b"CAT!", b"1", b'{"x":[1,2]}', b"D", b"0", b"null"]
    wrapped = given("AugmentedManifestFile", "s3://b/m", AttributeNames=["label"], RecordWrapperType="RecordIO")
    assert list(wrapped.epochs(stored, instance()).records(0)) == [recordio(b"1"), recordio(b"0")]
    shared = given("AugmentedManifestFile", "s3://b/m", AttributeNames=["label"], sharded=True)
    assert list(shared.epochs(stored, instance(2, 2)).records(0)) == [b"0"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n", "ClientError: the augmented manifest s3://b/m has no lines"),
        (
            b'{"a-ref": "s3://b/k"}\n{}',
            "ClientError: the augmented manifest s3://b/m has no attribute 'a-ref' in line 2",
        ),
        (b"[]", "ClientError: the augmented manifest s3://b/m has no attribute 'a-ref' in line 1"),
        (b'{"a-ref": 1}', "ClientError: the augmented manifest s3://b/m, line 1: 'a-ref' is not the URI of an object"),
        (
            b"x",
            "ClientError: the augmented manifest s3://b/m has no JSON in line 1: Expecting value: line 1 column 1 (char 0)",
        ),
    ],
)
def test_what_is_no_augmented_manifest_says_so(content: bytes, message: str) -> None:
    """With the line."""
    with pytest.raises(StagingError) as error:
        given("AugmentedManifestFile", "s3://b/m", AttributeNames=["a-ref"]).epochs(staging(m=content), instance())
    assert str(error.value) == message


def test_compressed_objects_are_told_uncompressed() -> None:
    """One or more gzip members; what is not compressed is an error."""
    source = given(CompressionType="Gzip")
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    assert list(source.epochs(staging(a=packed), instance()).records(0)) == [b"one two"]
    with pytest.raises(StagingError, match="ClientError: s3://b/a is not compressed with gzip: Not a gzipped file"):
        list(source.epochs(staging(a=b"plain"), instance()).records(0))


def test_a_record_is_framed_as_recordio_is() -> None:
    """Magic number and length in little endian, zeros up to four bytes."""
    assert recordio(b"hello") == b"\x0a\x23\xd7\xce\x05\x00\x00\x00hello\x00\x00\x00"
    assert recordio(b"four") == b"\x0a\x23\xd7\xce\x04\x00\x00\x00four"
