"""How the endpoint is run. Imports the standard library only: the command line reads the defaults from here."""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.aws import AccessKey
    from airflow_sm_pipelines.local.functions.function import Function

JOBS_PER_CORE = 4
"""So many jobs run at once by default, for each core: most wait for something, and all of them at once are too many."""


SECRET_VARIABLE = "SM_PIPELINES_LOCAL_SECRET_ACCESS_KEY"  # noqa: S105 - a name
"""The variable that has the secret of ``--access-key``. On the command line every user of the machine would see it."""


@dataclass(frozen=True)
class EndpointSettings:
    """How to run the endpoint.

    :param host: the address to listen on; by default, this machine only reaches it.
    :param port: the port; 0 for any free one.
    :param state_directory: where jobs have their files; ``None`` for a temporary directory. What the endpoint
        makes in it is removed at the end, or, where it is killed, when the next one starts there.
    :param data_directory: where the endpoint keeps, for the next one that is given it, S3's buckets and objects,
        pipelines, executions, jobs, tags, models, the model registry and endpoints; made when missing. ``None`` to keep
        nothing.
    :param job_python: the interpreter that stands for the images that ``images`` names none for.
    :param images: a file that names interpreters for images (``local/images_file.py``).
    :param stop_grace_seconds: time between SIGTERM and SIGKILL when a job is stopped. SageMaker gives 120 seconds;
        nobody at a laptop wants to wait that long.
    :param buckets: S3 buckets that are there from the start.
    :param allowed_hosts: names by which clients call it, besides the names and addresses of this machine.
    :param max_jobs: how many instances of jobs run at once; the others wait.
    :param job_disk_bytes: how much an instance of a job may have on disk, its input included; ``None`` for no limit.
    :param access_key: what requests have to be signed with. ``None`` for any key, where only this machine reaches the
        endpoint; otherwise one is made.
    :param stand_ins: types of steps that do nothing, and succeed with stand-in properties.
    :param lambdas: Lambda functions that are there from the start; see
        :func:`airflow_sm_pipelines.local.functions.function.registered_functions`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    state_directory: Path | None = None
    data_directory: Path | None = None
    job_python: Path = field(default_factory=lambda: Path(sys.executable))
    images: Path | None = None
    stop_grace_seconds: float = 10.0
    buckets: tuple[str, ...] = ()
    stand_ins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    access_key: AccessKey | None = None
    lambdas: tuple[Function, ...] = ()
    job_disk_bytes: int | None = None
    max_jobs: int = JOBS_PER_CORE * (os.cpu_count() or 1)

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine reaches the endpoint."""
        return address_of(self.host).is_loopback


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address of a host.

    :param host: its name or its address.
    """
    return ipaddress.ip_address(socket.gethostbyname(host) if ":" not in host else host)
