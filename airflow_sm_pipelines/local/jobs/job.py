"""What all jobs have in common: a thread, a status, an end."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from airflow_sm_pipelines.definition.step_types import Resource
from airflow_sm_pipelines.local.changes import Changes
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.limits import Limits, no_limits
from airflow_sm_pipelines.local.jobs.staging import StagingError
from airflow_sm_pipelines.local.names import new_job_name, resource_arn

FAILURE_REASON_CHARACTERS = 1024
"""The longest FailureReason of a job and of a step (botocore's service model)."""

logger = logging.getLogger(__name__)


class JobFailedError(Exception):
    """The job failed; the message is its FailureReason."""


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
        self.changes = Changes()
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
        """Run the job in its own thread."""
        self._changed()
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

    def ended(self) -> None:  # noqa: B027 - not everybody waits for it
        """Take note that the job has ended, as everybody can see now. The lock is not held."""

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
        """Take note that the job changes. The lock is held until it has."""
        self._modified_time = now()
        self._changed()

    def _changed(self) -> None:
        self.changes.of_job(self.host.region, self.resource.api, self.name)
