"""Where and with what jobs run, and the variables that all of them get."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from airflow_sm_pipelines.local.aws import ANY_KEY, AccessKey, Clients, client_variables
from airflow_sm_pipelines.local.jobs.interpreter import ENVIRONMENT, Interpreter
from airflow_sm_pipelines.local.jobs.sandbox import SYSTEM_PATH, JobDirectory, Sandbox
from airflow_sm_pipelines.local.jobs.slots import Slots

_OF_THE_INTERPRETER: Final = ("LD_LIBRARY_PATH",)
"""Without it an interpreter may not find its own shared libraries."""


@dataclass(frozen=True)
class JobHost:
    """Where and with what jobs run.

    :param sandbox: starts their processes.
    :param interpreter: the Python that stands for the images that no other stands for.
    :param directory: jobs get their directories below it.
    :param clients: clients for the region.
    :param region: the AWS region.
    :param endpoint_url: what jobs get as AWS_ENDPOINT_URL.
    :param stop_grace_seconds: time between SIGTERM and SIGKILL when a job is stopped.
    :param slots: how many of their instances run at once, whatever region they are in.
    :param access_key: what jobs sign their requests with.
    :param job_disk_bytes: how much an instance of a job may have on disk; ``None`` for no limit.
    :param interpreters_of_images: patterns of images, and the Python that stands for each. The first match counts.
    """

    sandbox: Sandbox
    interpreter: Interpreter
    directory: Path
    clients: Clients
    region: str
    endpoint_url: str
    stop_grace_seconds: float
    slots: Slots = field(default_factory=Slots)
    access_key: AccessKey = ANY_KEY
    job_disk_bytes: int | None = None
    interpreters_of_images: tuple[tuple[str, Interpreter], ...] = ()

    def interpreter_of(self, image: str) -> Interpreter:
        """Return the Python that stands for an image.

        :param image: the image's URI.
        """
        matching = (each for pattern, each in self.interpreters_of_images if fnmatch.fnmatchcase(image, pattern))
        return next(matching, self.interpreter)

    def environment(self, directory: JobDirectory, interpreter: Interpreter) -> dict[str, str]:
        """What every job gets: of the server's environment only what the interpreter needs; the endpoint as its AWS.

        :param directory: the job's directory, where its environment was made.
        :param interpreter: what runs the job.
        """
        return {
            **{name: os.environ[name] for name in _OF_THE_INTERPRETER if name in os.environ},
            # The job's environment first, so that ``python3`` is its own; programs of the interpreter's packages next.
            "PATH": f"{ENVIRONMENT}/bin:{interpreter.executable.parent}:{SYSTEM_PATH}",
            "HOME": str(directory.root / "home"),
            "TMPDIR": str(directory.root / "tmp"),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            # For programs of the interpreter's packages, which run with the interpreter itself.
            "PYTHONPATH": interpreter.job_packages,
            "AWS_REGION": self.region,
            **client_variables(self.endpoint_url, self.region, self.access_key),
        }
