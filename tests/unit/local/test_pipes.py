"""Named pipes that jobs read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from airflow_sm_pipelines.local.jobs.pipes import Pipe

LARGE = 1 << 20
"""More than a pipe holds."""


class Failures:
    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.told = threading.Event()

    def __call__(self, error: Exception) -> None:
        self.errors.append(error)
        self.told.set()


def numbers(epoch: int) -> Iterator[bytes]:
    yield b"epoch "
    yield str(epoch).encode() * LARGE


def unexpected(error: Exception) -> None:
    raise error


def test_each_pipe_is_an_epoch(tmp_path: Path) -> None:
    """The next one is there as soon as one is read; one that is left early is over."""
    pipe = Pipe(tmp_path / "input" / "train", numbers)
    pipe.open(unexpected)
    assert (tmp_path / "input" / "train_0").read_bytes() == b"epoch " + b"0" * LARGE
    with (tmp_path / "input" / "train_1").open("rb") as early:
        assert early.read(8) == b"epoch 11"
    assert (tmp_path / "input" / "train_2").read_bytes() == b"epoch " + b"2" * LARGE
    pipe.close()
    assert sorted(path.name for path in (tmp_path / "input").iterdir()) == ["train_0", "train_1", "train_2", "train_3"]


def test_closing_ends_one_that_nobody_reads(tmp_path: Path) -> None:
    """Whether the job never opened it, has put something else in its place, or was killed while it read."""
    threads = threading.active_count()
    never = Pipe(tmp_path / "never", numbers)
    never.close()
    unread, replaced, left = (Pipe(tmp_path / name, numbers) for name in ("unread", "replaced", "left"))
    for pipe in (unread, replaced, left):
        pipe.open(unexpected)
    (tmp_path / "replaced_0").unlink()
    (tmp_path / "replaced_0").symlink_to("/dev/full")
    reader = os.open(tmp_path / "left_0", os.O_RDONLY)
    assert os.read(reader, 6) == b"epoch "
    for pipe in (unread, replaced, left):
        pipe.close()
    os.close(reader)
    assert threading.active_count() == threads


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """The pipe ends there. So it does when the job has put something where the next pipe would be."""

    def fails(_: int) -> Iterator[bytes]:
        yield b"begun"
        raise KeyError("gone")

    told = Failures()
    pipe = Pipe(tmp_path / "train", fails)
    pipe.open(told)
    assert (tmp_path / "train_0").read_bytes() == b"begun"
    assert told.told.wait(10)
    pipe.close()
    assert [repr(error) for error in told.errors] == ["KeyError('gone')"]

    told = Failures()
    (tmp_path / "taken_1").touch()
    pipe = Pipe(tmp_path / "taken", numbers)
    pipe.open(told)
    assert (tmp_path / "taken_0").read_bytes() == b""
    assert told.told.wait(10)
    pipe.close()
    assert [type(error) for error in told.errors] == [FileExistsError]
