"""What Processing and Training jobs have in common: a thread, a directory, a process, a log stream, an end."""

from __future__ import annotations

import datetime as dt
import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from airflow_sm_pipelines.definition.step_types import Resource
from airflow_sm_pipelines.local.aws import Clients, client_variables
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.interpreter import ENVIRONMENT, Interpreter
from airflow_sm_pipelines.local.jobs.limits import Limits, no_limits
from airflow_sm_pipelines.local.jobs.logs import LogStream
from airflow_sm_pipelines.local.jobs.sandbox import HOST_NAME, SYSTEM_PATH, JobDirectory, JobProcess, Sandbox
from airflow_sm_pipelines.local.jobs.slots import Slots
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError
from airflow_sm_pipelines.local.jobs.trees import remove_tree
from airflow_sm_pipelines.local.names import resource_arn

FAILURE_REASON_CHARACTERS = 1024
"""The longest FailureReason of a job and of a step (botocore's service model)."""

_OF_THE_INTERPRETER = ("LD_LIBRARY_PATH",)  # without it an interpreter may not find its own shared libraries

logger = logging.getLogger(__name__)


class JobFailedError(Exception):
    """The job failed; the message is its FailureReason."""


@dataclass(frozen=True)
class JobHost:
    """Where and with what jobs run.

    :param sandbox: starts their processes.
    :param interpreter: the Python that stands for every image.
    :param directory: jobs get their directories below it.
    :param clients: clients for the region.
    :param region: the AWS region.
    :param endpoint_url: what jobs get as AWS_ENDPOINT_URL.
    :param stop_grace_seconds: time between SIGTERM and SIGKILL when a job is stopped.
    :param slots: how many of them run at once, whatever region they are in.
    """

    sandbox: Sandbox
    interpreter: Interpreter
    directory: Path
    clients: Clients
    region: str
    endpoint_url: str
    stop_grace_seconds: float
    slots: Slots = field(default_factory=Slots)


class Job(ABC):
    """One job. Its status goes from InProgress, maybe over Stopping, to Completed, Failed or Stopped.

    :param name: the job's name.
    :param request: the create request, already checked against the service model.
    :param host: where it runs.
    """

    resource: ClassVar[Resource]
    timed_out_status: ClassVar[str] = "Stopped"
    """What a job becomes that ran longer than it may: ``Stopped`` or ``Failed``."""
    limits: ClassVar[Limits] = staticmethod(no_limits)
    """What a create request may ask for and such jobs do not do here."""

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
        self._process: JobProcess | None = None
        self._killed = False
        self._timed_out = False
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
            process = self._process
        self.host.slots.wake()
        if process is not None:
            threading.Thread(
                target=process.stop, args=(self.host.stop_grace_seconds,), name=f"stop-{self.name}", daemon=True
            ).start()
        return True

    def kill(self) -> None:
        """End the job's processes now: the endpoint is going away."""
        with self._lock:
            self._killed = True
            process = self._process
        self.host.slots.wake()
        if process is not None:
            process.kill()

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
                "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
                **{key: value for key, value in self.request.items() if key not in ("Tags", "SessionChainingConfig")},
                f"{api}Name": self.name,
                f"{api}Arn": self.arn,
                f"{api}Status": self._status,
                "CreationTime": self.creation_time,
                "LastModifiedTime": self._modified_time,
                **{key: value for key, value in optional.items() if value},
                **self.details(),
            }

    @abstractmethod
    def details(self) -> dict[str, Any]:
        """What the Describe operation of this kind of job shows besides. The job's lock is held."""

    @abstractmethod
    def prepare(self, directory: JobDirectory, staging: S3Staging) -> tuple[Sequence[str], Mapping[str, str]]:
        """Put everything the job needs below its directory.

        :param directory: the job's directory.
        :param staging: to download with.
        :return: the command and the variables that it gets on top of the common ones.
        :raises JobFailedError: the request asks for something that cannot be run.
        """

    @abstractmethod
    def collect(self, directory: JobDirectory, staging: S3Staging, *, stopped: bool) -> None:
        """Store what the job made.

        :param directory: the job's directory.
        :param staging: to upload with.
        :param stopped: the job was stopped rather than completed.
        """

    @abstractmethod
    def failure(self, directory: JobDirectory, exit_code: int, output: Sequence[str]) -> str:
        """The FailureReason of a job whose process failed.

        :param directory: the job's directory.
        :param exit_code: of its first process.
        :param output: the last lines of its output.
        """

    def observe(self, line: str) -> None:  # noqa: B027 - not every kind of job has something to look for
        """Look at a line that the job printed, while it runs.

        :param line: the line.
        """

    def phase(self, name: str) -> None:  # noqa: B027 - not every kind of job shows its phases
        """Take note that a phase begins: ``Downloading``, ``Running``, ``Uploading``, or the final status.

        :param name: the phase.
        """

    def _run(self) -> None:
        status, reason = "Failed", ""
        try:
            status = self._execute()
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

    def _execute(self) -> str:
        if not self.host.slots.take(lambda: self._killed or self._status == "Stopping"):
            return "Stopped"
        try:
            return self._execute_now()
        finally:
            self.host.slots.give_back()

    def _execute_now(self) -> str:
        directory = JobDirectory.create(self.host.directory / self.name)
        staging = S3Staging(self.host.clients["s3"])
        try:
            self._phase("Downloading")
            for limit in type(self).limits(self.request):
                raise JobFailedError(f"ClientError: {limit.message}.")
            self.host.interpreter.make_environment(directory.ml / Path(ENVIRONMENT).name)
            command, variables = self.prepare(directory, staging)
            name = f"{self.name}/{HOST_NAME}-{int(time.time())}"
            stream = LogStream(self.host.clients["logs"], str(self.resource.log_group), name)
            try:
                exit_code = self._run_process(directory, command, variables, stream)
            finally:
                stream.close()
            if exit_code is None:
                return "Stopped"
            stopping = self.status == "Stopping"
            if exit_code != 0 and not stopping and not self._timed_out:
                raise JobFailedError(self.failure(directory, exit_code, stream.tail))
            if self._timed_out and self.timed_out_status == "Failed":
                raise JobFailedError("ClientError: Job runtime exceeded MaxRuntimeInSeconds provided")
            self._phase("Uploading")
            self.collect(directory, staging, stopped=stopping or self._timed_out)
            return "Stopped" if self._timed_out else "Completed"
        finally:
            remove_tree(directory.root)

    def _run_process(
        self, directory: JobDirectory, command: Sequence[str], variables: Mapping[str, str], stream: LogStream
    ) -> int | None:
        """Run the command. ``None`` when the job was stopped before it began."""

        def observe(line: str) -> None:
            stream.write(line)
            self.observe(line)

        environment = {**self._environment(directory), **variables, **self.request.get("Environment", {})}
        with self._lock:
            if self._status == "Stopping" or self._killed:
                return None
            self._process = self.host.sandbox.start(directory, command, environment, observe)
            self._start_time = now()
            self._touch()
            self.phase("Running")
        # Without a limit it waits until it is cancelled.
        timer = threading.Timer(self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds"), self._time_out)
        timer.daemon = True
        timer.start()
        try:
            return self._process.wait()
        finally:
            timer.cancel()

    def _environment(self, directory: JobDirectory) -> dict[str, str]:
        """What every job gets: of the server's environment only what the interpreter needs; the endpoint as its AWS."""
        return {
            **{name: os.environ[name] for name in _OF_THE_INTERPRETER if name in os.environ},
            # The job's environment first, so that ``python3`` is its own; programs of the interpreter's packages next.
            "PATH": f"{ENVIRONMENT}/bin:{self.host.interpreter.executable.parent}:{SYSTEM_PATH}",
            "HOME": str(directory.root / "home"),
            "TMPDIR": str(directory.root / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            # For programs of the interpreter's packages, which run with the interpreter itself.
            "PYTHONPATH": self.host.interpreter.job_packages,
            "AWS_REGION": self.host.region,
            **client_variables(self.host.endpoint_url, self.host.region),
        }

    def _time_out(self) -> None:
        with self._lock:
            self._timed_out = True
            process = self._process
        if process is not None:
            process.stop(self.host.stop_grace_seconds)

    def _phase(self, name: str) -> None:
        with self._lock:
            self._touch()
            self.phase(name)

    def _touch(self) -> None:
        self._modified_time = now()
