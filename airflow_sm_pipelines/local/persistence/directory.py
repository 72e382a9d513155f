"""The data directory: JSON documents and contents as files, written whole or not at all, for one endpoint at a time.

A document's file is named by the hash of its key, and a content's by its own hash, so no name from outside becomes a
path. Nothing that is read is evaluated.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import stat
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

FORMAT: Final = 1
"""The version of what is in the directory. Another version is refused, not guessed at."""

_FORMAT_FILE: Final = "sm-pipelines-data.json"
_LOCK_FILE: Final = ".lock"
_CONTENTS: Final = "contents"
_DRAFT: Final = ".draft-"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

logger = logging.getLogger(__name__)


class DataDirectoryError(Exception):
    """The directory cannot be used; the message says which and why."""


class DataDirectory:
    """A data directory that this process has locked. Safe to use from threads.

    Documents survive a loss of power. Contents are handed to the system only, and checked when they are read.

    :param path: where; made when missing.
    :raises DataDirectoryError: another endpoint uses it, it has another format, or it is something else.
    :raises OSError: it cannot be made, read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if self.path.exists() and not self.path.is_dir():
            raise DataDirectoryError(f"the data directory {self.path} is a file; give a directory")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._check_format()
        self._lock = self._locked()
        try:
            if not self._format_file.exists():  # nobody else makes it meanwhile
                self._write(self._format_file, json.dumps({"format": FORMAT}).encode(), durable=True)
            for draft in self.path.glob(f"*/{_DRAFT}*"):
                draft.unlink()  # of an endpoint that was killed
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another endpoint use it."""
        os.close(self._lock)

    def write(self, kind: str, key: str, value: Any) -> None:
        """Write a document, in the place of one that has the key.

        :param kind: the directory that it lies in.
        :param key: tells it from others of the kind; any text.
        :param value: of JSON.
        """
        file = self._document_file(kind, key)
        file.parent.mkdir(exist_ok=True)
        self._write(file, json.dumps({"key": key, "value": value}).encode(), durable=True)

    def remove(self, kind: str, key: str) -> None:
        """Remove a document. A document that is not there is fine.

        :param kind: the directory that it lies in.
        :param key: its key.
        """
        self._document_file(kind, key).unlink(missing_ok=True)

    def read(self, kind: str) -> dict[str, Any]:
        """Return all documents of a kind by their keys, in the order of these.

        :param kind: the directory that they lie in.
        :raises DataDirectoryError: a file is none of ours.
        """
        found: dict[str, Any] = {}
        for file in (self.path / kind).glob("*.json"):
            try:
                document = json.loads(_read(file))
                key, value = document["key"], document["value"]
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise DataDirectoryError(f"{file} is not a document of sm-pipelines: {error!r}. Remove it") from error
            if not isinstance(key, str) or file != self._document_file(kind, key):
                raise DataDirectoryError(f"{file} is not the file of the document that it has. Remove it")
            found[key] = value
        return dict(sorted(found.items()))

    def write_content(self, content: bytes) -> None:
        """Write a content, unless it is there.

        :param content: any bytes. Its name is :func:`digest_of` it.
        """
        file = self._content_file(digest_of(content))
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            self._write(file, content, durable=False)

    def content(self, digest: str) -> bytes | None:
        """Return a content; ``None`` when it is not there, or not whole.

        :param digest: its hash.
        """
        try:
            content = _read(self._content_file(digest))
        except FileNotFoundError:
            return None
        return content if digest_of(content) == digest else None

    def remove_content(self, digest: str) -> None:
        """Remove a content.

        :param digest: its hash.
        """
        self._content_file(digest).unlink(missing_ok=True)

    def remove_other_contents(self, used: Collection[str]) -> None:
        """Remove the contents that an endpoint that was killed has left without a document.

        :param used: the hashes of those that stay.
        """
        for file in (self.path / _CONTENTS).glob("*"):
            if file.name not in used:
                file.unlink()

    @property
    def _format_file(self) -> Path:
        return self.path / _FORMAT_FILE

    def _document_file(self, kind: str, key: str) -> Path:
        return self.path / kind / f"{digest_of(key.encode('utf-8', 'surrogatepass'))}.json"

    def _content_file(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise DataDirectoryError(f"{digest!r} is not the name of a content in {self.path}")
        return self.path / _CONTENTS / digest

    def _check_format(self) -> None:
        """Refuse a directory that is not a data directory, or that has another version."""
        if not self._format_file.exists():
            others = sorted(each.name for each in self.path.iterdir() if each.name != _LOCK_FILE)
            if others:
                raise DataDirectoryError(
                    f"{self.path} is not a data directory of sm-pipelines: it has no {_FORMAT_FILE}, but {others[0]}. "
                    "Give an empty directory, or one that does not exist yet"
                )
            return
        try:
            found = json.loads(_read(self._format_file))["format"]
        except (ValueError, TypeError, KeyError) as error:
            raise DataDirectoryError(f"{self._format_file} does not say which format the directory has") from error
        if found != FORMAT:
            raise DataDirectoryError(
                f"the data directory {self.path} has the format {found!r}, and this version of sm-pipelines reads "
                f"{FORMAT}. Use the version that wrote it, or another directory"
            )

    def _locked(self) -> int:
        """Take the lock, which the system gives back when this process ends, however it ends."""
        lock = os.open(self.path / _LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
            os.close(lock)
            raise DataDirectoryError(
                f"the data directory {self.path} is in use by another endpoint"
                f"{f' (process {owner})' if owner else ''}. Wait until it has ended, or use another directory"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return lock

    @staticmethod
    def _write(file: Path, content: bytes, *, durable: bool) -> None:
        handle, draft = tempfile.mkstemp(prefix=_DRAFT, dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                if durable:
                    stream.flush()
                    os.fsync(handle)
            Path(draft).rename(file)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def digest_of(content: bytes) -> str:
    """The hash that names a content.

    :param content: any bytes.
    """
    return hashlib.sha256(content).hexdigest()


def _read(file: Path) -> bytes:
    """The bytes of a file that is neither a link nor a pipe: what a directory from elsewhere has may lead anywhere."""
    handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise DataDirectoryError(f"{file} is not a file. Remove it")
    with os.fdopen(handle, "rb") as stream:
        return stream.read()
