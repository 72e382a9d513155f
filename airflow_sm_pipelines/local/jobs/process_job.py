"""Jobs that run programs: instances that each have a process, a directory at ``/opt/ml`` and a log."""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.disk import GIGABYTE, DiskWatch
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.instances import Cluster, Instance, InstanceFailure
from airflow_sm_pipelines.local.jobs.interpreter import ENVIRONMENT, Interpreter
from airflow_sm_pipelines.local.jobs.job import Job, JobFailedError
from airflow_sm_pipelines.local.jobs.logs import LogStream, last_error_line
from airflow_sm_pipelines.local.jobs.missing_packages import missing_package
from airflow_sm_pipelines.local.jobs.pipes import Pipe
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, JobProcess
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from airflow_sm_pipelines.local.jobs.trees import remove_tree


@dataclass(frozen=True)
class Plan:
    """What is run on an instance.

    :param command: program and arguments.
    :param variables: what it gets on top of the common ones.
    :param pipes: what it reads while it runs.
    """

    command: Sequence[str]
    variables: Mapping[str, str]
    pipes: tuple[Pipe, ...] = ()


class ProcessJob(Job):
    """A job of one process or several, each with its own directory at ``/opt/ml`` and a log. It waits for its places.

    :param name: the job's name.
    :param request: the create request, already checked against the service model.
    :param host: where it runs.
    """

    timed_out_status: ClassVar[str] = "Stopped"
    """What a job becomes that ran longer than it may: ``Stopped`` or ``Failed``."""

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost) -> None:
        super().__init__(name, request, host)
        self._cluster: Cluster | None = None
        self._timed_out = False
        self._cut_short: Exception | None = None

    @property
    def image(self) -> str:
        """The URI of the job's image; empty without one."""
        return ""

    @property
    def interpreter(self) -> Interpreter:
        """The Python that stands for the job's image."""
        return self.host.interpreter_of(self.image)

    @property
    @abstractmethod
    def instance_count(self) -> int:
        """How many instances the request asks for."""

    @abstractmethod
    def prepare(self, instance: Instance, staging: S3Staging) -> Plan:
        """Put everything that an instance needs below its directory.

        :param instance: the instance.
        :param staging: to download with.
        :raises JobFailedError: the request asks for something that cannot be run.
        """

    @abstractmethod
    def collect(self, directories: Sequence[JobDirectory], staging: S3Staging, *, stopped: bool) -> None:
        """Store what the job made. Where instances have made files of one name, that of the first of them is stored.

        :param directories: those of the instances.
        :param staging: to upload with.
        :param stopped: the job was stopped rather than completed.
        """

    @abstractmethod
    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:
        """The FailureReason of a job of which an instance failed.

        :param directory: the instance's directory.
        :param exit_code: of its first process.
        :param output: the last lines of its output.
        """

    def of_script(self, output: Sequence[str]) -> Sequence[str]:
        """Return the output without what others than the job's script have printed.

        :param output: the last lines of the job's output.
        """
        return output

    def observe(self, line: str) -> None:
        """Look at a line that the job printed, while it runs.

        :param line: the line.
        """

    def describe(self) -> dict[str, Any]:
        """The job as its Describe operation shows it."""
        return {"StoppingCondition": {"MaxRuntimeInSeconds": 86400}, **super().describe()}

    def end_early(self) -> None:
        """End its processes: with time to end by themselves, unless the job is killed."""
        with self._lock:
            cluster, killed = self._cluster, self._killed
        self.host.slots.wake()
        if cluster is None:
            return
        if killed:
            cluster.kill()
            return
        threading.Thread(
            target=cluster.stop, args=(self.host.stop_grace_seconds,), name=f"stop-{self.name}", daemon=True
        ).start()

    def execute(self) -> str:
        """Wait for places, and run the processes."""
        self._refuse_what_is_not_done_here()
        slots = self.host.slots.take(lambda: self._killed or self._status == "Stopping", self.instance_count)
        if not slots:
            return "Stopped"
        root = self.host.directory / self.name
        try:
            return self._execute_below(root)
        finally:
            remove_tree(root)
            self.host.slots.release_slots(slots)

    def _execute_below(self, root: Path) -> str:
        staging = S3Staging(self.host.clients["s3"])
        self._phase("Downloading")
        count = self.instance_count
        instances = [Instance.create(root, number, count) for number in range(1, count + 1)]
        plans: list[Plan] = []
        for instance in instances:
            self.interpreter.make_environment(instance.directory.ml / Path(ENVIRONMENT).name)
            plans.append(self.prepare(instance, staging))
        streams: list[LogStream] = []
        pipes = [pipe for plan in plans for pipe in plan.pipes]
        try:
            for pipe in pipes:
                pipe.open(self._cut)
            for instance in instances:
                name = f"{self.name}/{instance.host}-{int(time.time())}"
                streams.append(LogStream(self.host.clients["logs"], str(self.resource.log_group), name))
            roots = [instance.directory.root for instance in instances]
            with DiskWatch(roots, self.host.job_disk_bytes, self._disk_is_full):
                began, failure = self._run_cluster(instances, plans, streams)
        finally:
            for pipe in pipes:
                pipe.close()
            for stream in streams:
                stream.close()
        if self._cut_short is not None:
            raise self._cut_short
        if not began:
            return "Stopped"
        stopping = self.status == "Stopping"
        if failure is not None and not stopping and not self._timed_out:
            failed = instances[failure.index].directory
            tail = streams[failure.index].tail
            raise JobFailedError(self._lacks_package(tail) or self.failure(failed, failure.exit_code, tail))
        if self._timed_out and self.timed_out_status == "Failed":
            raise JobFailedError("ClientError: Job runtime exceeded MaxRuntimeInSeconds provided")
        self._phase("Uploading")
        directories = [instance.directory for instance in instances]
        self.collect(directories, staging, stopped=stopping or self._timed_out)
        return "Stopped" if self._timed_out else "Completed"

    def _lacks_package(self, output: Sequence[str]) -> str | None:
        return missing_package(last_error_line(self.of_script(output)), self.image, self.interpreter.executable)

    def _run_cluster(
        self,
        instances: Sequence[Instance],
        plans: Sequence[Plan],
        streams: Sequence[LogStream],
    ) -> tuple[bool, InstanceFailure | None]:
        """Run a command on each instance.

        :return: whether they were started, which they are not when the job was stopped, or cut short, before; and what
            failed.
        """
        starts = [
            partial(self._start_instance, instance.directory, plan, stream)
            for instance, plan, stream in zip(instances, plans, streams, strict=True)
        ]
        with self._lock:
            if self._status == "Stopping" or self._killed or self._cut_short is not None:
                return False, None
            self._cluster = Cluster.start(starts)
            self._start_time = now()
            self._touch()
            self.phase("Running")
        # Without a limit it waits until it is cancelled.
        timer = threading.Timer(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"), self._time_out)
        timer.daemon = True
        timer.start()
        try:
            return True, self._cluster.wait()
        finally:
            timer.cancel()

    def _start_instance(self, directory: JobDirectory, plan: Plan, stream: LogStream) -> JobProcess:
        def observe(line: str) -> None:
            stream.write(line)
            self.observe(line)

        environment = {
            **self.host.environment(directory, self.interpreter),
            **plan.variables,
            **self.request.get("Environment", {}),
        }
        return self.host.sandbox.start(directory, plan.command, environment, observe)

    def _disk_is_full(self, directory: Path) -> None:
        limit = (self.host.job_disk_bytes or 0) / GIGABYTE
        self._cut(
            JobFailedError(
                f"ClientError: {directory.name} has more than {limit:g} GB on disk. Start the endpoint with a larger"
                " --job-disk"
            )
        )

    def _cut(self, error: Exception) -> None:
        """End a job that cannot continue: its input cannot be read, or it has too much on disk."""
        with self._lock:
            self._cut_short = error
            cluster = self._cluster
        if cluster is not None:
            cluster.kill()

    def _time_out(self) -> None:
        with self._lock:
            self._timed_out = True
            cluster = self._cluster
        if cluster is not None:
            cluster.stop(self.host.stop_grace_seconds)
