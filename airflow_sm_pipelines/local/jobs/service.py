"""The jobs of one region: made, found, listed, stopped."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

from airflow_sm_pipelines.local.changes import Changes
from airflow_sm_pipelines.local.errors import ResourceInUseError, ServiceError, ValidationError
from airflow_sm_pipelines.local.jobs.ended import EndedJob
from airflow_sm_pipelines.local.jobs.job import Job

J = TypeVar("J", bound=Job)


class Jobs(Generic[J]):
    """All jobs of one type. ``changes`` receives what happens to those that are made from now on.

    :param kind: the job's class.
    :param surroundings: what each of them is given besides its name and request: the host, and what its class adds.
    """

    def __init__(self, kind: type[J], *surroundings: Any) -> None:
        self.kind = kind
        self.resource = kind.resource
        self.changes = Changes()
        self._surroundings = surroundings
        self._lock = threading.Lock()
        self._jobs: dict[str, J | EndedJob] = {}
        self._closed = False

    def create(self, name: str, request: Mapping[str, Any], **more: Any) -> J:
        """Make a job and start it.

        :param name: the job's name.
        :param request: the create request, already checked.
        :param more: what only this one is given.
        :raises ResourceInUseError: there is a job of that name.
        :raises ServiceError: the endpoint is shutting down.
        """
        with self._lock:
            if self._closed:
                raise ServiceError("The local endpoint is shutting down.")
            known = self._jobs.get(name)
            if known is not None:
                raise ResourceInUseError(
                    "Job name must be unique within an AWS account and region, and a job with this name already"
                    f" exists ({known.arn})"
                )
            job = self.kind(name, request, *self._surroundings, **more)
            job.changes = self.changes
            self._jobs[name] = job
            job.start()
        return job

    def add(self, job: EndedJob) -> None:
        """Make a job of an earlier endpoint known.

        :param job: the job.
        """
        with self._lock:
            self._jobs[job.name] = job

    def get(self, name: str) -> J | EndedJob:
        """The job of a name.

        :param name: the name.
        :raises ValidationError: there is none; this is what the service answers, not ResourceNotFound.
        """
        with self._lock:
            job = self._jobs.get(name)
        if job is None:
            raise ValidationError("Requested resource not found.")
        return job

    def all(self) -> list[J | EndedJob]:
        """Every job, in order of creation."""
        with self._lock:
            return list(self._jobs.values())

    def remove(self, name: str) -> None:
        """Forget a job that has ended.

        :param name: the job's name.
        :raises ValidationError: there is none of that name, or it has not ended.
        """
        job = self.get(name)
        if not job.wait(0):
            raise ValidationError(f"The job '{name}' is in status {job.status}. Stop it first.")
        with self._lock:
            self._jobs.pop(name, None)

    def close(self) -> None:
        """End every job's processes now and wait until they and their directories are gone; refuse new jobs."""
        with self._lock:
            self._closed = True
            jobs = list(self._jobs.values())
        for job in jobs:
            job.kill()
        for job in jobs:
            job.wait()
