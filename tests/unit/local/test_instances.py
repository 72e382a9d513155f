"""The instances of a job: what each gets, and how they end together."""

from __future__ import annotations

import tarfile
import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs.instances import Cluster, Instance, InstanceFailure
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory
from airflow_sm_pipelines.local.jobs.staging import S3Staging


class Process:
    """A process that ends when the test says so, or when it is stopped or killed."""

    def __init__(self, stop_code: int | None = 143) -> None:
        self.ended = threading.Event()
        self.code = 0
        self.told: list[str] = []
        self._stop_code = stop_code

    def wait(self) -> int:
        assert self.ended.wait(10)
        return self.code

    def stop(self, grace_seconds: float) -> None:
        self.told.append(f"stop {grace_seconds}")
        if self._stop_code is not None:
            self.end(self._stop_code)

    def kill(self) -> None:
        self.told.append("kill")
        if not self.ended.is_set():
            self.end(137)

    def end(self, code: int) -> None:
        self.code = code
        self.ended.set()


def waited(cluster: Cluster) -> tuple[threading.Thread, list[InstanceFailure | None]]:
    found: list[InstanceFailure | None] = []
    thread = threading.Thread(target=lambda: found.append(cluster.wait()), daemon=True)
    thread.start()
    return thread, found


def test_a_job_is_over_when_all_its_instances_are() -> None:
    """Those that end well take no other along."""
    processes = [Process() for _ in range(3)]
    thread, found = waited(Cluster(processes))
    for process in (processes[1], processes[0]):
        process.end(0)
    thread.join(0.05)
    assert (thread.is_alive(), found, processes[2].told) == (True, [], [])
    processes[2].end(0)
    thread.join(10)
    assert found == [None]


@pytest.mark.parametrize("index", [0, 2])
def test_one_that_fails_ends_the_others(index: int) -> None:
    """Its exit code is the one that counts, not that of those that were killed for it."""
    processes = [Process() for _ in range(3)]
    thread, found = waited(Cluster(processes))
    processes[index].end(3)
    thread.join(10)
    assert found == [InstanceFailure(index, 3)]
    assert [process.code for process in processes] == [3 if each == index else 137 for each in range(3)]


def test_a_stop_reaches_all_and_leaves_each_its_time() -> None:
    """The first that ends by the signal does not have the others killed."""
    processes = [Process(), Process(None)]
    cluster = Cluster(processes)
    thread, found = waited(cluster)
    cluster.stop(7)
    processes[1].end(0)
    thread.join(10)
    assert found == [InstanceFailure(0, 143)]
    assert [process.told for process in processes] == [["stop 7"], ["stop 7"]]


def test_where_one_cannot_be_started_none_is_left() -> None:
    """The error is the one of the start."""
    first = Process()

    def fails() -> Process:
        raise OSError("no more processes")

    with pytest.raises(OSError, match="no more processes"):
        Cluster.start([lambda: first, fails])
    assert first.code == 137


def test_each_instance_knows_itself_and_all(tmp_path: Path) -> None:
    """Its own name, everybody's names, and their addresses of the loopback interface."""
    second = Instance.create(tmp_path, 2, 3)
    assert second.directory == JobDirectory(tmp_path / "algo-2")
    assert second.resource_config("ml.m5.large") == {
        "current_host": "algo-2",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1", "algo-2", "algo-3"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1", "algo-2", "algo-3"],
            }
        ],
        "network_interface_name": "lo",
    }
    hosts = (tmp_path / "algo-2" / "hosts").read_text()
    assert hosts.splitlines()[-3:] == ["127.0.0.1 algo-1", "127.0.0.2 algo-2", "127.0.0.3 algo-3"]


def test_objects_are_dealt_out_in_turn(tmp_path: Path) -> None:
    """Every object to one instance, the numbers of objects equal up to one; nothing for those that are too many."""
    instances = [Instance(number, 3, JobDirectory(tmp_path)) for number in (1, 2, 3)]
    assert [list(instance.share("abcd")) for instance in instances] == [["a", "d"], ["b"], ["c"]]
    assert [list(instance.share("a")) for instance in instances] == [["a"], [], []]


class Bucket:
    """An S3 client that keeps the archive it is given."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.content: dict[str, Any] = {}

    def keep(self, archive: str) -> None:
        with tarfile.open(archive) as tar:
            self.names = tar.getnames()
            for member in tar:
                if member.isfile():
                    file = tar.extractfile(member)
                    assert file is not None
                    self.content[member.name] = file.read().decode()


def test_what_instances_have_made_becomes_one_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files beside one another; of files of one name, and of a file and a directory, the first instance's."""
    for number, files in enumerate(
        ({"weights": "1", "deep/1": "one", "both": "file"}, {"weights": "2", "deep/2": "two", "both/x": "dir"}), start=1
    ):
        for name, text in files.items():
            path = tmp_path / str(number) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    bucket = Bucket()

    class Transfers:
        def upload(self, path: str, bucket_name: str, key: str) -> Any:
            assert (bucket_name, key) == ("b", "model.tar.gz")
            return SimpleNamespace(result=partial(bucket.keep, path))

    monkeypatch.setattr(
        "airflow_sm_pipelines.local.jobs.staging.TransferManager", lambda _, **__: nullcontext(Transfers())
    )
    S3Staging(None).upload_archive([tmp_path / "1", tmp_path / "2", tmp_path / "3"], "s3://b/model.tar.gz", tmp_path)
    assert bucket.content == {"weights": "1", "deep/1": "one", "deep/2": "two", "both": "file"}
    assert bucket.names == ["both", "deep", "deep/1", "weights", "deep", "deep/2"]
