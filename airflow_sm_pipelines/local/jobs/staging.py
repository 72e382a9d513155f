"""Move a job's files between S3 and its directory, and say what is missing in the service's words."""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError
from s3transfer.futures import NonThreadedExecutor, TransferFuture
from s3transfer.manager import TransferManager
from s3transfer.subscribers import BaseSubscriber

from airflow_sm_pipelines import safe_files
from airflow_sm_pipelines.safe_files import UnsafeFilesError

DEEPEST: Final = 200
"""So many directories may lie in one another below an output. A path on Linux has at most 4096 bytes."""

MOST_VISITS: Final = 10
"""So often a directory may be in an output, by links to it: a few of them can make millions of files out of some."""

_TOO_DEEP: Final = f"ClientError: the output has more than {DEEPEST} directories in one another"


class StagingError(Exception):
    """Data could not be read or written; the message fits a job's FailureReason."""


def split_uri(uri: str) -> tuple[str, str]:
    """Split an S3 URI into bucket and key.

    :param uri: ``s3://bucket/key``; the key may be empty.
    :raises StagingError: it is not an S3 URI.
    """
    parts = urlsplit(uri, allow_fragments=False)
    if parts.scheme != "s3" or not parts.netloc:
        raise StagingError(f"ClientError: {uri!r} is not an S3 URI of the form s3://bucket/key")
    return parts.netloc, parts.path.lstrip("/") + (f"?{parts.query}" if parts.query else "")


def relative_name(prefix: str, key: str) -> str:
    """Where an object lands below the directory that its prefix is copied to.

    S3 prefixes are plain string prefixes: ``data`` also covers ``database/x``. Such keys keep the part after the
    last ``/`` of the prefix; keys below the prefix keep the part after it; the object itself keeps its name.

    :param prefix: the key part of the S3 URI.
    :param key: a key that starts with it.
    """
    if prefix.endswith("/") or not prefix:
        return key[len(prefix) :]
    if key.startswith(prefix + "/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


@dataclass(frozen=True)
class StoredObject:
    """An object and where it belongs.

    :param bucket: its bucket.
    :param key: its key.
    :param name: where it lands below a directory.
    :param size: in bytes, where that is known with the ETag. Then S3 need not be asked for them.
    :param etag: of what is there now.
    """

    bucket: str
    key: str
    name: str
    size: int | None = None
    etag: str | None = None

    @classmethod
    def below(cls, prefix: str, uri: str) -> StoredObject:
        """An object by its URI.

        :param prefix: a URI that it starts with, which stands for the directory.
        :param uri: its URI.
        :raises StagingError: one of them is not an S3 URI.
        """
        bucket, key = split_uri(uri)
        return cls(bucket, key, relative_name(split_uri(prefix)[1], key))

    @property
    def uri(self) -> str:
        """Its URI."""
        return f"s3://{self.bucket}/{self.key}"


def extract_archive(archive: Path, directory: Path, uri: str) -> None:
    """Extract a ``tar.gz``. No file of it lands outside the directory, no link leads there, no device is made.

    :param archive: the archive.
    :param directory: where to.
    :param uri: where the archive is from, for the message.
    :raises StagingError: it is not an archive, or not one that is safe.
    """
    try:
        safe_files.extract_archive(archive, directory)
    except UnsafeFilesError as error:
        raise StagingError(f"ClientError: {uri} is {error}") from error


class S3Staging:
    """Downloads and uploads for jobs.

    :param client: an S3 client; its region is named in error messages.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def _transfers(self) -> TransferManager:
        """What moves objects. Without threads: the endpoint is a process of this machine, most often this very one."""
        return TransferManager(self._client, executor_cls=NonThreadedExecutor)

    def download(self, uri: str, directory: Path, role_arn: str, *, required: bool = True) -> dict[Path, StoredObject]:
        """Copy every object under an S3 prefix into a directory.

        :param uri: an object or a prefix.
        :param directory: made when missing.
        :param role_arn: the job's role, named in the message when there is nothing to copy.
        :param required: whether it is an error when there is nothing.
        :return: the objects, by their files.
        :raises StagingError: as :meth:`objects` and :meth:`fetch` do.
        """
        return self.fetch(self.objects(uri, role_arn, required=required), directory, uri)

    def objects(self, uri: str, role_arn: str, *, required: bool = True) -> list[StoredObject]:
        """Every object under an S3 prefix, in the order of their keys.

        :param uri: an object or a prefix.
        :param role_arn: the job's role, named in the message when there is none.
        :param required: whether it is an error when there is none.
        :raises StagingError: S3 refuses, or there is no object though one is required.
        """
        bucket, prefix = split_uri(uri)
        try:
            found = [
                StoredObject(bucket, item["Key"], relative_name(prefix, item["Key"]), item["Size"], item["ETag"])
                for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
                for item in page.get("Contents", ())
            ]
        except ClientError as error:
            raise StagingError(f"{self._nothing(uri, bucket, role_arn)} {_words(error)}") from error
        found = [each for each in found if each.name and not each.name.endswith("/")]
        if not found and required:
            raise StagingError(self._nothing(uri, bucket, role_arn))
        return found

    def fetch(self, objects: Sequence[StoredObject], directory: Path, uri: str) -> dict[Path, StoredObject]:
        """Copy objects into a directory.

        :param objects: the objects.
        :param directory: made when missing.
        :param uri: where they come from, named in messages.
        :return: the objects, by their files.
        :raises StagingError: S3 refuses, a key would land outside the directory, or at a place that is a file and a
            directory.
        """
        directory.mkdir(parents=True, exist_ok=True)
        targets: dict[Path, StoredObject] = {}
        for each in objects:
            target = _below(directory, each.name, uri)
            if targets.setdefault(target, each) != each:
                raise StagingError(_same_place(uri, targets[target].key, each.key))
        _no_file_is_a_directory(directory, set(targets), uri)
        for target in targets:
            target.parent.mkdir(parents=True, exist_ok=True)
        with self._transfers() as transfers:
            self._finish(
                [
                    transfers.download(each.bucket, each.key, str(target), subscribers=[_Known(each)])
                    for target, each in targets.items()
                ],
                uri,
            )
        return targets

    def extract(self, uri: str, directory: Path, scratch: Path) -> None:
        """Copy what is in a ``tar.gz`` into a directory. Nothing of it lands elsewhere, nor leads there.

        :param uri: the object.
        :param directory: made when missing.
        :param scratch: a directory for the archive meanwhile.
        :raises StagingError: there is no such object, or it is not an archive that is safe to extract.
        """
        bucket, key = split_uri(uri)
        archive = scratch / "archive.tar.gz"
        directory.mkdir(parents=True, exist_ok=True)
        with self._transfers() as transfers:
            self._finish([transfers.download(bucket, key, str(archive))], uri)
        extract_archive(archive, directory, uri)
        archive.unlink()

    def upload_directories(self, directories: Sequence[Path], uri: str) -> None:
        """Copy every file below some directories under an S3 prefix. Of files of one name, the first one's is stored.

        :param directories: see :meth:`upload_directory`.
        :param uri: the prefix.
        :raises StagingError: see :meth:`upload_directory`.
        """
        for directory in reversed(directories):
            self.upload_directory(directory, uri)

    def upload_directory(self, directory: Path, uri: str) -> None:
        """Copy every file below a directory under an S3 prefix. Links stand for what they lead to, within it.

        :param directory: may be missing or empty, then there is nothing to do.
        :param uri: the prefix.
        :raises StagingError: S3 refused, as when the bucket does not exist; or something in it cannot be stored.
        """
        bucket, prefix = split_uri(uri)
        prefix = prefix.rstrip("/") + "/" if prefix else ""
        try:
            files = sorted(_files(directory))
        except OSError as error:
            raise StagingError(f"ClientError: the output cannot be read: {error}") from error
        with self._transfers() as transfers:
            self._finish(
                [
                    transfers.upload(str(path), bucket, prefix + path.relative_to(directory).as_posix())
                    for path in files
                ],
                uri,
            )

    def upload_archive(self, directories: Sequence[Path], uri: str, scratch: Path) -> None:
        """Pack the content of some directories into one ``tar.gz`` and store it as one object.

        :param directories: their children become the archive's top level; missing, they count as empty. Links stay
            links. Of files of one name, the first one is stored.
        :param uri: the object.
        :param scratch: a directory for the archive while it is made.
        :raises StagingError: S3 refused, or a directory nests too deep.
        """
        bucket, key = split_uri(uri)
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
            _require_shallow(directory)
        archive = scratch / key.rsplit("/", 1)[-1]
        with tarfile.open(archive, "w:gz") as tar:
            kinds: dict[str, bytes] = {}

            def unless_there(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
                if member.name not in kinds:
                    kinds[member.name] = member.type
                    return member
                return member if kinds[member.name] == member.type == tarfile.DIRTYPE else None

            for directory in directories:
                for path in sorted(directory.iterdir()):
                    tar.add(path, arcname=path.name, filter=unless_there)
        with self._transfers() as transfers:
            self._finish([transfers.upload(str(archive), bucket, key)], uri)
        archive.unlink()

    def read(self, uri: str) -> bytes:
        """The content of one object.

        :param uri: the object.
        :raises StagingError: it cannot be read; the message carries S3's words.
        """
        bucket, key = split_uri(uri)
        try:
            content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise StagingError(f"ClientError: cannot read {uri}: {_words(error)}") from error
        return content

    def _nothing(self, uri: str, bucket: str, role_arn: str) -> str:
        return (
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that'
            f" the bucket exists in the selected region ({self._client.meta.region_name}), objects exist under that"
            f' S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )

    @staticmethod
    def _finish(futures: list[TransferFuture], uri: str) -> None:
        for future in futures:
            try:
                future.result()
            except ClientError as error:
                raise StagingError(f"ClientError: cannot transfer {uri}: {_words(error)}") from error


class _Known(BaseSubscriber):
    """Tells a transfer what it would ask S3 for.

    :param stored: the object.
    """

    def __init__(self, stored: StoredObject) -> None:
        self._stored = stored

    def on_queued(self, future: TransferFuture, **_: Any) -> None:
        """Called before the transfer begins."""
        if self._stored.size is not None and self._stored.etag is not None:
            future.meta.provide_transfer_size(self._stored.size)
            future.meta.provide_object_etag(self._stored.etag)


def _files(directory: Path) -> Iterator[Path]:
    if not os.path.lexists(directory):
        return
    if not directory.is_dir():
        raise StagingError(f"ClientError: the output directory {directory.name!r} is not a directory any more")
    inside = directory.resolve()
    left: list[tuple[Path, tuple[Path, ...]]] = [(directory, ())]
    visits: Counter[Path] = Counter()
    while left:
        folder, around = left.pop()
        around = (*around, folder.resolve())
        visits[around[-1]] += 1
        if len(around) > DEEPEST:
            raise StagingError(_TOO_DEEP)
        if visits[around[-1]] > MOST_VISITS:
            name = around[-1].relative_to(inside).as_posix()
            raise StagingError(f"ClientError: links of the output lead to the directory {name!r} too often")
        for path in folder.iterdir():
            _check_output(path, directory, inside, around)
            if path.is_dir():
                left.append((path, around))
            else:
                yield path


def _check_output(path: Path, directory: Path, inside: Path, around: tuple[Path, ...]) -> None:
    name = path.relative_to(directory).as_posix()
    wrong = f"ClientError: the output file {name!r}"
    if not _is_utf_8(name) or any(character < " " for character in name):
        raise StagingError(f"{wrong} has a name that is not UTF-8 text on one line")
    if path.is_symlink():
        _check_link(path, f"{wrong} is a link that", inside, around)
    if not path.is_dir() and not path.is_file():
        raise StagingError(f"{wrong} is not a file but a pipe, a socket or the like")


def _check_link(path: Path, wrong: str, inside: Path, around: tuple[Path, ...]) -> None:
    try:
        target = path.resolve()
    except (OSError, RuntimeError):  # which of them depends on the Python
        raise StagingError(f"{wrong} leads to itself") from None
    if not target.is_relative_to(inside):
        raise StagingError(f"{wrong} leaves its directory. Links within it are stored")
    if target in around:
        raise StagingError(f"{wrong} leads to a directory around it")
    if not target.exists():
        raise StagingError(f"{wrong} leads to nothing")


def _require_shallow(directory: Path) -> None:
    left = [(directory, 1)]
    while left:
        folder, depth = left.pop()
        if depth > DEEPEST:
            raise StagingError(_TOO_DEEP)
        left.extend((path, depth + 1) for path in folder.iterdir() if path.is_dir() and not path.is_symlink())


def _is_utf_8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _below(directory: Path, name: str, uri: str) -> Path:
    try:
        return safe_files.place_below(directory, name)
    except UnsafeFilesError:
        raise StagingError(
            f"ClientError: the object {name!r} under {uri} would be written outside its directory"
        ) from None


def _same_place(uri: str, one: str, other: str) -> str:
    return f"ClientError: the objects {one!r} and {other!r} under {uri} would be one file. Rename one of them."


def _no_file_is_a_directory(directory: Path, files: set[Path], uri: str) -> None:
    for path in sorted(files):
        for parent in path.parents:
            if parent in files:
                name = parent.relative_to(directory).as_posix()
                raise StagingError(
                    f"ClientError: {uri} holds both the object {name!r} and objects below '{name}/', which cannot be a"
                    " file and a directory at once. Rename one of them."
                )


def _words(error: ClientError) -> str:
    return f"Error message from S3: {error.response['Error'].get('Message', str(error))}"
