"""What jobs have in common: a thread, a status, an end. Most also have instances that each have a process and a log."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from airflow_sm_pipelines.definition.step_types import Resource
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.instances import Cluster, Instance, InstanceFailure
from airflow_sm_pipelines.local.jobs.interpreter import ENVIRONMENT, Interpreter
from airflow_sm_pipelines.local.jobs.limits import Limits, no_limits
from airflow_sm_pipelines.local.jobs.logs import LogStream, last_error_line
from airflow_sm_pipelines.local.jobs.missing_packages import missing_package
from airflow_sm_pipelines.local.jobs.pipes import Pipe
from airflow_sm_pipelines.local.jobs.sandbox import JobDirectory, JobProcess
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError
from airflow_sm_pipelines.local.jobs.trees import remove_tree
from airflow_sm_pipelines.local.names import new_job_name, resource_arn

FAILURE_REASON_CHARACTERS = 1024
"""The longest FailureReason of a job and of a step (botocore's service model)."""

logger = logging.getLogger(__name__)


class JobFailedError(Exception):
    """The job failed; the message is its FailureReason."""


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


class Job(ABC):
    """One job. Its status goes from InProgress, maybe over Stopping, to Completed, Failed or Stopped.

    :param name: the job's name.
    :param request: the create request, already checked against the service model.
    :param host: where it runs.
    """

    resource: ClassVar[Resource]
    limits: ClassVar[Limits] = staticmethod(no_limits)
    """What a create request may ask for and such jobs do not do here."""
    name_for_step: ClassVar[Callable[[str, str], str]] = staticmethod(new_job_name)
    """Makes the name of a job that a step starts, of the execution's id and the step's name."""

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost) -> None:
        self.name = name
        self.request = dict(request)
        self.arn = resource_arn(host.region, self.resource.type, name)
        self.creation_time = now()
        self.host = host
        self._lock = threading.RLock()
        self._status = "InProgress"
        self._failure_reason = ""
        self._start_time: dt.datetime | None = None
        self._end_time: dt.datetime | None = None
        self._modified_time = self.creation_time
        self._killed = False
        self._done = threading.Event()

    @property
    def status(self) -> str:
        """The job's status."""
        with self._lock:
            return self._status

    @property
    def failure_reason(self) -> str:
        """Why it failed; empty unless it did."""
        with self._lock:
            return self._failure_reason

    @property
    def modified_time(self) -> dt.datetime:
        """When its status has last changed."""
        with self._lock:
            return self._modified_time

    def start(self) -> None:
        """Run the job in a thread of its own."""
        threading.Thread(target=self._run, name=self.name, daemon=True).start()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the job's end.

        :param timeout: seconds; ``None`` for ever.
        :return: whether it has ended.
        """
        return self._done.wait(timeout)

    def stop(self) -> bool:
        """Ask the job to end; returns at once.

        :return: whether there was something to stop.
        """
        with self._lock:
            if self._status != "InProgress":
                return False
            self._status = "Stopping"
            self._touch()
        self.end_early()
        return True

    def kill(self) -> None:
        """End the job now: the endpoint is going away."""
        with self._lock:
            self._killed = True
        self.end_early()

    def describe(self) -> dict[str, Any]:
        """The job as its Describe operation shows it."""
        api = self.resource.api
        with self._lock:
            optional = {
                f"{api.removesuffix('Job')}StartTime": self._start_time,
                f"{api.removesuffix('Job')}EndTime": self._end_time,
                "FailureReason": self._failure_reason,
            }
            return {
                **{key: value for key, value in self.request.items() if key not in ("Tags", "SessionChainingConfig")},
                f"{api}Name": self.name,
                f"{api}Arn": self.arn,
                f"{api}Status": self._status,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._modified_time,
                **{key: value for key, value in optional.items() if value},
                **self.details(),
            }

    def properties(self) -> dict[str, Any]:
        """What other steps can read of a step that is this job."""
        return self.describe()

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """What the Describe operation of this kind of job shows besides. The job's lock is held."""

    @abstractmethod
    def execute(self) -> str:
        """Do what the job does, to its end, in the job's thread.

        :return: the status that it ends with: Completed or Stopped. That of a job that was stopped is Stopped anyway.
        :raises JobFailedError: it failed.
        """

    @abstractmethod
    def end_early(self) -> None:
        """Have what the job does come to an end: it is stopped, or killed. Returns at once; the lock is not held."""

    def phase(self, name: str) -> None:  # noqa: B027 - not every kind of job shows its phases
        """Take note that a phase begins: ``Downloading``, ``Running``, ``Uploading``, or the final status.

        :param name: the phase.
        """

    def ended(self) -> None:  # noqa: B027 - not everybody waits to be told
        """Take note that the job has ended, as everybody can see by now. The lock is not held."""

    def _run(self) -> None:
        status, reason = "Failed", ""
        try:
            status = self.execute()
        except (JobFailedError, StagingError) as failure:
            reason = str(failure)
        except Exception as error:
            logger.exception("job %s could not be run", self.name)
            reason = f"InternalServerError: the local endpoint could not run the job: {error!r}"
        with self._lock:
            self._status = "Stopped" if self._status == "Stopping" else status
            self._failure_reason = reason[:FAILURE_REASON_CHARACTERS] if self._status == "Failed" else ""
            self._end_time = now()
            self._touch()
            self.phase(self._status)
        self._done.set()
        self.ended()

    def _refuse_what_is_not_done_here(self) -> None:
        for limit in type(self).limits(self.request):
            raise JobFailedError(f"ClientError: {limit.message}.")

    def _phase(self, name: str) -> None:
        with self._lock:
            self._touch()
            self.phase(name)

    def _touch(self) -> None:
        self._modified_time = now()


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
        self._input_failure: Exception | None = None

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
            self.host.slots.give_back(slots)

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
                pipe.open(self._input_fails)
            for instance in instances:
                name = f"{self.name}/{instance.host}-{int(time.time())}"
                streams.append(LogStream(self.host.clients["logs"], str(self.resource.log_group), name))
            began, failure = self._run_cluster(instances, plans, streams)
        finally:
            for pipe in pipes:
                pipe.close()
            for stream in streams:
                stream.close()
        if self._input_failure is not None:
            raise self._input_failure
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

        :return: whether they were started, which they are not when the job was stopped before; and what failed.
        """
        starts = [
            partial(self._start_instance, instance.directory, plan, stream)
            for instance, plan, stream in zip(instances, plans, streams, strict=True)
        ]
        with self._lock:
            if self._status == "Stopping" or self._killed:
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

    def _input_fails(self, error: Exception) -> None:
        """End a job whose input cannot be read while it runs."""
        with self._lock:
            self._input_failure = error
            cluster = self._cluster
        if cluster is not None:
            cluster.kill()

    def _time_out(self) -> None:
        with self._lock:
            self._timed_out = True
            cluster = self._cluster
        if cluster is not None:
            cluster.stop(self.host.stop_grace_seconds)
