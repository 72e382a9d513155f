"""The instances of a job: each with a host name and files that no other sees, all of them processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Final, TypeVar

from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, JobProcess

T = TypeVar("T")

MOST_INSTANCES: Final = 10
"""So many instances of a job run here. They share the cores of one machine."""


def host_name(number: int) -> str:
    """What SageMaker calls an instance of a job.

    :param number: from 1 on.
    """
    return f"algo-{number}"


@dataclass(frozen=True)
class Instance:
    """One instance of a job.

    :param number: from 1 on.
    :param count: how many instances the job has.
    :param directory: where its files are.
    """

    number: int
    count: int
    directory: JobDirectory

    @classmethod
    def create(cls, root: Path, number: int, count: int) -> Instance:
        """Make the files of an instance.

        Each host has an address of the loopback interface, so that servers of two hosts may use the same port.

        :param root: the job's directory.
        :param number: from 1 on.
        :param count: how many instances the job has.
        """
        addresses = {host_name(each): f"127.0.0.{each}" for each in range(1, count + 1)}
        return cls(number, count, JobDirectory.create(root / host_name(number), addresses))

    @property
    def host(self) -> str:
        """What the job calls it."""
        return host_name(self.number)

    def share(self, objects: Sequence[T]) -> Sequence[T]:
        """The part of some objects that this instance gets when they are distributed over all.

        AWS says that each gets about 1/n of the number of objects, not which. Here they are dealt out in turn.

        :param objects: in an order that is the same for all instances.
        """
        return objects[self.number - 1 :: self.count]

    def resource_config(self, instance_type: str) -> dict[str, Any]:
        """The content of ``resourceconfig.json``.

        :param instance_type: as requested; no such machine is started.
        """
        hosts = [host_name(number) for number in range(1, self.count + 1)]
        group = {"instance_group_name": "homogeneousCluster", "instance_type": instance_type, "hosts": hosts}
        return {
            "current_host": self.host,
            "current_instance_type": instance_type,
            "current_group_name": "homogeneousCluster",
            "hosts": hosts,
            "instance_groups": [group],
            "network_interface_name": "lo",
        }


@dataclass(frozen=True)
class InstanceFailure:
    """The instance that failed first.

    :param index: its place among the instances, from 0 on.
    :param exit_code: of its first process.
    """

    index: int
    exit_code: int


class Cluster:
    """The processes of a job's instances: they are stopped together, and when one fails the others are killed.

    :param processes: one for each instance.
    """

    def __init__(self, processes: Sequence[JobProcess]) -> None:
        self._processes = tuple(processes)
        self._lock = Lock()
        self._ending = False
        self._failure: InstanceFailure | None = None

    @classmethod
    def start(cls, starts: Iterable[Callable[[], JobProcess]]) -> Cluster:
        """Start the processes. When one cannot be started, those before it are ended.

        :param starts: starts the process of each instance.
        """
        processes: list[JobProcess] = []
        try:
            processes.extend(start() for start in starts)
        except BaseException:
            started = cls(processes)
            started.kill()
            started.wait()
            raise
        return cls(processes)

    def wait(self) -> InstanceFailure | None:
        """Wait until every process has ended.

        :return: the instance that failed first, if one did.
        """
        threads = [
            Thread(target=self._wait, args=(index,), name=f"wait-{host_name(index + 1)}", daemon=True)
            for index in range(1, len(self._processes))
        ]
        for thread in threads:
            thread.start()
        for index in range(min(1, len(self._processes))):  # the first one needs no thread
            self._wait(index)
        for thread in threads:
            thread.join()
        return self._failure

    def stop(self, grace_seconds: float) -> None:
        """Ask all processes to end, and end them after the grace period. Somebody else must be in :meth:`wait`.

        :param grace_seconds: time between SIGTERM and SIGKILL.
        """
        with self._lock:
            self._ending = True
        threads = [
            Thread(target=process.stop, args=(grace_seconds,), name="stop-instance", daemon=True)
            for process in self._processes
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def kill(self) -> None:
        """End all processes now."""
        with self._lock:
            self._ending = True
        for process in self._processes:
            process.kill()

    def _wait(self, index: int) -> None:
        exit_code = self._processes[index].wait()
        if exit_code == 0:
            return
        with self._lock:
            if self._failure is None:
                self._failure = InstanceFailure(index, exit_code)
            is_ending, self._ending = self._ending, True
        if not is_ending:
            for process in self._processes:
                process.kill()
