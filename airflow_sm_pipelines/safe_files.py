"""Files whose names and archives come from outside: none lands outside the directory that it is meant for."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path


class UnsafeFilesError(Exception):
    """Files cannot be put where they are meant to go; the message says which."""


def place_below(directory: Path, name: str) -> Path:
    """Return the path of a file below a directory.

    :param directory: the directory.
    :param name: the file's name in it, with slashes.
    :raises UnsafeFilesError: it would lie outside, also by a link that is there.
    """
    target = directory / name
    try:
        inside = target.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError, ValueError):  # a link that leads to itself, or a name that no file can have
        inside = False
    if not inside:
        raise UnsafeFilesError(f"{name!r} would be written outside its directory")
    return target


def extract_archive(archive: Path, directory: Path) -> None:
    """Extract a ``tar.gz``. No file of it lands outside the directory, no link leads there, no device is made.

    :param archive: the archive.
    :param directory: where to.
    :raises UnsafeFilesError: it is not an archive, or not one that is safe.
    """
    try:
        with tarfile.open(archive, "r:*") as tar:
            tar.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise UnsafeFilesError(f"not a tar.gz archive that can be extracted: {error}") from error
