"""Where a job's files are, and what it said in them."""

from __future__ import annotations

import io
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from airflow_sm_pipelines.local.jobs.job import JobFailedError
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import DEEPEST

logger = logging.getLogger(__name__)


def local_path(directory: JobDirectory, path: str | None, name: str) -> Path:
    """Where a job's LocalPath is on this machine.

    :param directory: the job's directory.
    :param path: the LocalPath.
    :param name: the input or output, for the message.
    :raises JobFailedError: it is missing, or not below ``/opt/ml``, or the job has made it a link that leaves it.
    """
    if path is None:
        raise JobFailedError(f"ClientError: {name!r} has no LocalPath")
    wrong = f"ClientError: the LocalPath of {name!r} is wrong: {path!r}"
    normal = os.path.normpath(path)
    if normal != "/opt/ml" and not normal.startswith("/opt/ml/"):
        raise JobFailedError(f"{wrong} is not below /opt/ml")
    found = directory.ml / os.path.relpath(normal, "/opt/ml")
    try:
        inside = found.resolve().is_relative_to(directory.ml.resolve())
    except (OSError, RuntimeError):  # which of them depends on the Python
        raise JobFailedError(f"{wrong} is a link that leads to itself") from None
    if not inside:
        raise JobFailedError(f"{wrong} is a link that leaves /opt/ml")
    return found


def output_path(directory: JobDirectory, path: str | None, name: str) -> Path:
    """Where an output of a job is that has ended, to be stored file by file.

    Absolute links below it name places as the job saw them. They are made to lead there on this machine, so that they
    are treated as relative ones are.

    :param directory: the job's directory.
    :param path: the LocalPath.
    :param name: the output, for the message.
    :raises JobFailedError: as of :func:`local_path`, or a link cannot be changed.
    """
    found = local_path(directory, path, name)
    try:
        for link in _links(found):
            target = os.path.normpath(link.readlink())
            if target.startswith("/opt/ml/"):
                link.unlink()
                link.symlink_to(directory.ml.resolve() / os.path.relpath(target, "/opt/ml"))
    except OSError as error:
        raise JobFailedError(f"ClientError: the output {name!r} cannot be read: {error}") from error
    return found


def _links(root: Path) -> Iterator[Path]:
    """The links below a directory, as deep as outputs may be; none is followed."""
    left = [(root, 1)] if root.is_dir() else []
    while left:
        folder, depth = left.pop()
        for path in list(folder.iterdir()):
            if path.is_symlink():
                yield path
            elif path.is_dir() and depth < DEEPEST:
                left.append((path, depth + 1))


def said(directory: JobDirectory, name: str, limit: int) -> str:
    """What a job wrote into a file of ``/opt/ml/output``; empty when it wrote none.

    Links are not followed, and nothing but a regular file is read: whatever else the job has put there says nothing.

    :param directory: the job's directory.
    :param name: the file: ``message`` or ``failure``.
    :param limit: the number of characters that count.
    """
    file = made_file(directory.ml / "output", name)
    if file is None:
        return ""
    with io.TextIOWrapper(file, encoding="utf-8", errors="replace") as text:
        return text.read(limit)


def made_file(folder: Path, name: str) -> BinaryIO | None:
    """A file that a job may have made; ``None`` where there is none.

    Links are not followed, and nothing but a regular file is opened: whatever else is there is logged.

    :param folder: its directory, which is one of the job's.
    :param name: its name.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe is opened without waiting for its other end
    try:
        around = os.open(folder, flags | os.O_DIRECTORY)
        try:
            handle = os.open(name, flags, dir_fd=around)
        finally:
            os.close(around)
    except FileNotFoundError:
        return None
    except OSError as error:
        logger.warning("what the job put at %s is not read: %s", folder / name, error)
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        logger.warning("what the job put at %s is not a file, so it is not read", folder / name)
        return None
    return os.fdopen(handle, "rb")
