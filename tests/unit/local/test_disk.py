"""What jobs have on disk, and the watch over it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.jobs.disk import GIGABYTE, DiskWatch, disk_usage
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.slots import Slots
from tests.unit.local.test_job import ExampleJob, Logs, Process, Sandbox, host_of

KILOBYTES = 1024 * b"x"


def test_each_file_counts_once(tmp_path: Path) -> None:
    """What a file takes on disk, whatever names it has; not what links lead to, nor what is not written of it."""
    (tmp_path / "outside").write_bytes(64 * KILOBYTES)
    directory = tmp_path / "job"
    (directory / "inner").mkdir(parents=True)
    before = disk_usage(directory)
    (directory / "inner" / "file").write_bytes(64 * KILOBYTES)
    alone = disk_usage(directory) - before
    (directory / "again").hardlink_to(directory / "inner" / "file")
    (directory / "link").symlink_to(tmp_path / "outside")
    with (directory / "sparse").open("wb") as sparse:
        sparse.truncate(GIGABYTE)
    assert alone >= 64 * 1024
    assert disk_usage(directory) - before < 2 * alone


def test_a_directory_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """Jobs remove directories while they are looked at."""
    assert disk_usage(tmp_path / "gone") == 0


def test_the_directory_that_has_too_much_is_told_once(tmp_path: Path) -> None:
    """The first of them that goes beyond the limit; a watch that is over tells nothing."""
    small, large = tmp_path / "small", tmp_path / "large"
    small.mkdir()
    large.mkdir()
    (large / "file").write_bytes(256 * KILOBYTES)
    told, full = threading.Event(), []

    def take(directory: Path) -> None:
        full.append(directory)
        told.set()

    with DiskWatch([small, large], 128 * 1024, take):
        assert told.wait(10)
    with DiskWatch([small], 128 * 1024, take), DiskWatch([large], None, take):
        pass
    assert full == [large]


class WritingSandbox(Sandbox):
    """Starts processes that have written something."""

    def start(
        self,
        directory: JobDirectory,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> Process:
        (directory.ml / "large").write_bytes(256 * KILOBYTES)
        return super().start(directory, command, environment, on_line)


@pytest.mark.parametrize("limit", [128 * 1024, 1], ids=["written", "there before it starts"])
def test_a_job_that_has_too_much_on_disk_fails(tmp_path: Path, limit: int) -> None:
    """It is killed, or not started, stores nothing, and says which limit that was."""
    host = replace(host_of(WritingSandbox(), Logs(), tmp_path, Slots()), job_disk_bytes=limit)
    job = Jobs(ExampleJob, host).create("j", {})
    assert job.wait(20)
    assert (job.status, job.collected, job.failure_reason) == (
        "Failed",
        [],
        f"ClientError: algo-1 has more than {limit / GIGABYTE:g} GB on disk. Start the endpoint with a larger --job-disk",
    )


def test_a_job_within_the_limit_completes(tmp_path: Path) -> None:
    """The watch ends with it."""
    sandbox = WritingSandbox()
    host = replace(host_of(sandbox, Logs(), tmp_path, Slots()), job_disk_bytes=GIGABYTE)
    job = Jobs(ExampleJob, host).create("j", {})
    assert sandbox.started.wait(10)
    assert sandbox.process is not None
    sandbox.process.end(0)
    assert job.wait(20)
    assert (job.status, job.collected) == ("Completed", [False])
