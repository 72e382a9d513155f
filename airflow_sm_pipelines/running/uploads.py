"""What has to be in S3 before an execution starts: buckets, code, and local data that stands for S3 inputs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.local.jobs.staging import split_uri
from airflow_sm_pipelines.translation.nodes import CodeUpload

_ANYWHERE: Final = "us-east-1"
"""The region whose buckets are created without a LocationConstraint."""


@dataclass(frozen=True)
class LocalData:
    """A local file or directory that stands for what an S3 URI names.

    :param uri: an object, or a prefix.
    :param path: the file, or the directory.
    """

    uri: str
    path: Path

    def objects(self) -> Iterator[tuple[str, str, Path]]:
        """Yield bucket, key and file of each object. Links are followed, as by ``aws s3 cp``, but into no circle."""
        bucket, key = split_uri(self.uri)
        if self.path.is_file():
            yield bucket, f"{key}{self.path.name}" if not key or key.endswith("/") else key, self.path
            return
        prefix = f"{key.rstrip('/')}/" if key else ""
        for file in sorted(_files_in(self.path, ())):
            yield bucket, f"{prefix}{file.relative_to(self.path).as_posix()}", file


def _files_in(directory: Path, around: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the files in a directory and in those below it.

    :param directory: the directory.
    :param around: the directories that it is in, without links.
    """
    own = directory.resolve()
    if own in around:
        return
    for path in directory.iterdir():
        if path.is_dir():
            yield from _files_in(path, (*around, own))
        elif path.is_file():
            yield path


def local_data(text: str) -> LocalData:
    """Read ``s3://bucket/prefix=PATH``. Either side may hold further equals signs: the path is what is there.

    :param text: what was given.
    :raises ValueError: it has another form, or there is no such path.
    """
    if not text.startswith("s3://") or "=" not in text:
        raise ValueError(f"{text!r} is not of the form s3://bucket/prefix=PATH")
    parts = text.split("=")
    sides = [("=".join(parts[:index]), "=".join(parts[index:])) for index in range(1, len(parts))]
    for uri, path in sides:
        if path and Path(path).exists() and uri.removeprefix("s3://").strip("/"):
            return LocalData(uri, Path(path))
    raise ValueError(f"there is no file or directory '{sides[0][1]}' for {sides[0][0]}")


def make_buckets(client: Any, buckets: Iterable[str]) -> None:
    """Make the buckets that are not there yet.

    :param client: an S3 client.
    :param buckets: their names.
    """
    there = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    region = client.meta.region_name
    place = {} if region == _ANYWHERE else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    for bucket in buckets:
        if bucket not in there:
            with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):  # another run was first
                client.create_bucket(Bucket=bucket, **place)


def upload_code(client: Any, uploads: Iterable[CodeUpload]) -> None:
    """Put code into S3, in buckets that are there.

    :param client: an S3 client.
    :param uploads: the code.
    """
    for each in uploads:
        bucket, key = split_uri(each.uri)
        client.put_object(Bucket=bucket, Key=key, Body=each.content)


def upload_data(client: Any, data: Sequence[LocalData]) -> None:
    """Put local files and directories into S3. Their buckets are made.

    :param client: an S3 client.
    :param data: the files and directories.
    """
    make_buckets(client, sorted({split_uri(each.uri)[0] for each in data}))
    for bucket, key, file in (item for each in data for item in each.objects()):
        client.upload_file(str(file), bucket, key)
