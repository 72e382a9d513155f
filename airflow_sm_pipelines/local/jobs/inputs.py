"""What the S3 input of a job consists of: objects of a prefix or a manifest, or the lines of an augmented manifest."""

from __future__ import annotations

import gzip
import json
import random
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from airflow_sm_pipelines.local.jobs.instances import Instance
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError, StoredObject

T = TypeVar("T")

_REFERENCE: Final = "-ref"
"""Attributes of an augmented manifest whose names end so are the URIs of objects (AWS's guide)."""

_RECORD_MAGIC: Final = 0xCED7230A
_LONGEST_RECORD: Final = 2**29 - 1
"""Of RecordIO: a record's length has 29 bits."""


@dataclass(frozen=True)
class S3Input:
    """An S3 input as a request describes it.

    :param source: the request's S3DataSource of a channel, or S3Input of a processing input.
    :param channel: what the request says of the channel besides; empty for processing inputs.
    :param role_arn: the job's role, named in messages.
    """

    source: Mapping[str, Any]
    channel: Mapping[str, Any]
    role_arn: str

    def objects(self, staging: S3Staging, instance: Instance) -> Sequence[StoredObject]:
        """The objects that an instance gets as files.

        :param staging: to list or read them with.
        :param instance: the instance.
        :raises StagingError: there are none, or the manifest is wrong.
        """
        return self.turn(self._all_objects(staging), instance, 0)

    def epochs(self, staging: S3Staging, instance: Instance) -> Epochs:
        """What an instance gets through pipes.

        :param staging: to list and read with.
        :param instance: the instance.
        :raises StagingError: there is nothing, or a manifest is wrong.
        """
        if self.source.get("S3DataType") == "AugmentedManifestFile":
            lines = _augmented_lines(self.source["S3Uri"], staging, self.source["AttributeNames"])
            return Epochs(self, staging, instance, lines)
        return Epochs(self, staging, instance, [(found,) for found in self._all_objects(staging)])

    def _all_objects(self, staging: S3Staging) -> list[StoredObject]:
        uri = self.source["S3Uri"]
        if self.source.get("S3DataType") == "ManifestFile":
            return manifest_objects(uri, staging.read(uri))
        return staging.objects(uri, self.role_arn)

    def turn(self, items: Sequence[T], instance: Instance, epoch: int) -> Sequence[T]:
        """What an instance gets in an epoch: all or its share, shuffled over all instances when that is asked for.

        :param items: everything, in an order that is the same for all instances.
        :param instance: the instance.
        :param epoch: from 0 on.
        """
        ordered = list(items)
        if "ShuffleConfig" in self.channel:
            # Not for secrets: the same seed is to give the same order.
            random.Random(f"{self.channel['ShuffleConfig']['Seed']} {epoch}").shuffle(ordered)  # noqa: S311
        is_shared = self.source.get("S3DataDistributionType") == "ShardedByS3Key"
        return instance.share(ordered) if is_shared else ordered


@dataclass(frozen=True)
class Epochs:
    """What goes through a channel's pipes.

    :param source: the channel.
    :param staging: to read objects with, when their turn comes.
    :param instance: who reads the pipes.
    :param items: objects and texts; what belongs together stays together when it is shuffled and shared.
    """

    source: S3Input
    staging: S3Staging
    instance: Instance
    items: Sequence[tuple[StoredObject | bytes, ...]]

    def records(self, epoch: int) -> Iterator[bytes]:
        """The content of one pipe, piece by piece.

        An object is read as a whole, so that a slow reader holds no connection.

        :param epoch: from 0 on.
        :raises StagingError: an object cannot be read, or is not what the channel says.
        """
        channel = self.source.channel
        for item in self.source.turn(self.items, self.instance, epoch):
            for part in item:
                content = self._content(part)
                yield recordio(content) if channel.get("RecordWrapperType") == "RecordIO" else content

    def _content(self, part: StoredObject | bytes) -> bytes:
        if isinstance(part, bytes):
            return part
        content = self.staging.read(part.uri)
        if self.source.channel.get("CompressionType") != "Gzip":
            return content
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise StagingError(f"ClientError: {part.uri} is not compressed with gzip: {error}") from error


def recordio(content: bytes) -> bytes:
    """Wrap bytes as one record of MXNet's RecordIO: a magic number, the length, the content, zeros up to four bytes.

    :param content: the bytes.
    :raises StagingError: they are too long.
    """
    if len(content) > _LONGEST_RECORD:
        raise StagingError(f"ClientError: {len(content)} bytes are too long for a RecordIO record")
    return struct.pack("<II", _RECORD_MAGIC, len(content)) + content + bytes(-len(content) % 4)


def manifest_objects(uri: str, content: bytes) -> list[StoredObject]:
    """The objects that a manifest names.

    :param uri: of the manifest, named in messages.
    :param content: JSON: a list of an object with a ``prefix``, and of texts that are appended to it.
    :raises StagingError: it is something else.
    """
    wrong = f'ClientError: the manifest {uri} is not of the form [{{"prefix": "s3://bucket/some/"}}, "key", ...]'
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise StagingError(f"{wrong}: {error}") from error
    if not isinstance(manifest, list) or not manifest:
        raise StagingError(wrong)
    first, *rest = manifest
    prefix = first.get("prefix") if isinstance(first, dict) and set(first) == {"prefix"} else None
    if not isinstance(prefix, str) or not rest or not all(isinstance(each, str) and each for each in rest):
        raise StagingError(wrong)
    return [StoredObject.below(prefix, prefix + each) for each in rest]


def _augmented_lines(uri: str, staging: S3Staging, attributes: Sequence[str]) -> list[tuple[StoredObject | bytes, ...]]:
    wrong = f"ClientError: the augmented manifest {uri}"
    lines: list[tuple[StoredObject | bytes, ...]] = []
    for number, line in enumerate(staging.read(uri).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise StagingError(f"{wrong} has no JSON in line {number}: {error}") from error
        missing = [name for name in attributes if not isinstance(values, dict) or name not in values]
        if missing:
            raise StagingError(f"{wrong} has no attribute {missing[0]!r} in line {number}")
        lines.append(tuple(_attribute(name, values[name], f"{wrong}, line {number}") for name in attributes))
    if not lines:
        raise StagingError(f"{wrong} has no lines")
    return lines


def _attribute(name: str, value: Any, where: str) -> StoredObject | bytes:
    if name.endswith(_REFERENCE):
        if not isinstance(value, str):
            raise StagingError(f"{where}: {name!r} is not the URI of an object")
        return StoredObject.below(value, value)
    return (value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))).encode()
