"""A step's local code: found at parse time, named by its content's hash, so that a cache survives."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.nodes import CodeUpload

_LEFT_OUT = ("__pycache__", ".git", ".ipynb_checkpoints")


@dataclass(frozen=True)
class LocalCode:
    """Files read from beside the Dag.

    :param files: path inside the code directory, and content; sorted by path.
    :param entry_point: which of them is run.
    """

    files: tuple[tuple[str, bytes], ...]
    entry_point: str

    @cached_property
    def digest(self) -> str:
        """The hash of all paths and contents; equal code has equal digests on every machine."""
        digest = hashlib.sha256()
        for path, content in self.files:
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def as_files(self, prefix: str) -> tuple[str, tuple[CodeUpload, ...]]:
        """Return the S3 prefix the files lie under, and the uploads that put them there.

        :param prefix: ``s3://bucket/key`` above.
        """
        base = f"{prefix}/{self.digest}"
        return base, tuple(CodeUpload(f"{base}/{path}", content) for path, content in self.files)

    def as_archive(self, prefix: str, name: str = "sourcedir.tar.gz") -> tuple[str, tuple[CodeUpload, ...]]:
        """Return the URI of a ``tar.gz`` with the files, and the upload that puts it there.

        Script mode expects its code in this form. The archive holds no times or owners: equal code, equal bytes.

        :param prefix: ``s3://bucket/key`` above.
        :param name: what the archive is called.
        """
        uri = f"{prefix}/{self.digest}/{name}"
        return uri, (CodeUpload(uri, self._archive),)

    @cached_property
    def _archive(self) -> bytes:
        buffer = io.BytesIO()
        with (
            gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, filename="") as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path, content in self.files:
                member = tarfile.TarInfo(path)
                member.size = len(content)
                member.mode = 0o644
                archive.addfile(member, io.BytesIO(content))
        return buffer.getvalue()


def read_local_code(code: str, entry_point: str | None, folder: str) -> LocalCode:
    """Read a script or a directory of scripts.

    :param code: a path; a relative one is looked for beside the Dag file.
    :param entry_point: the script to run, where the path is a directory.
    :param folder: the directory of the Dag file.
    :raises TranslationError: when there is no such file, or a directory comes without an entry point.
    """
    path = Path(folder, code)
    if path.is_dir():
        if entry_point is None:
            raise TranslationError(f"code='{code}' is a directory. Say which script in it to run: entry_point='...'.")
        files = read_files(path)
        if entry_point not in dict(files):
            raise TranslationError(f"there is no entry_point '{entry_point}' in the directory {path}.")
        return LocalCode(files, entry_point)
    if (file := read_path(path)) is None:
        raise TranslationError(
            f"there is no code file '{code}' (looked for {path}). A relative path starts at the "
            "Dag file's directory; code already in S3 is given as 's3://bucket/key'."
        )
    if entry_point not in (None, path.name):
        raise TranslationError(
            f"code='{code}' is one file, so entry_point='{entry_point}' cannot name another. "
            "Leave entry_point out, or give the directory as code."
        )
    return file


def read_path(path: Path) -> LocalCode | None:
    """Read a file, which is its own entry point, or a directory, which has none; ``None`` where neither is there.

    :param path: of either.
    """
    if path.is_dir():
        return LocalCode(read_files(path), "")
    return LocalCode(((path.name, path.read_bytes()),), path.name) if path.is_file() else None


def read_files(directory: Path) -> tuple[tuple[str, bytes], ...]:
    """Read all files below a directory but caches and the like: the path of each inside it, and its content, sorted.

    :param directory: the directory.
    """
    return tuple((each.relative_to(directory).as_posix(), each.read_bytes()) for each in _files_in(directory))


def _files_in(directory: Path) -> Iterator[Path]:
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not any(part in _LEFT_OUT for part in path.relative_to(directory).parts):
            yield path
