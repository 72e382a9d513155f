"""The command ``sm-pipelines local``: its options.

Imports nothing of the extra ``local``: the help works without it.
"""

from __future__ import annotations

import math
import re
import threading
from pathlib import Path
from typing import Any

import click

from airflow_sm_pipelines.command_line import NEEDS_LOCAL, Command, CommandError, Parsed, StepType
from airflow_sm_pipelines.local.jobs.disk import GIGABYTE
from airflow_sm_pipelines.local.settings import JOBS_PER_CORE, SECRET_VARIABLE, EndpointSettings


def _key_id(text: str) -> str:
    if not re.fullmatch(r"[\w-]{3,128}", text, re.ASCII):
        raise ValueError(f"{text!r} is not the id of an access key. Give letters, digits, '_' and '-'.")
    return text


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is not a port. Give 0 to 65535.")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{text!r} is not a number of jobs. Give 1 or more.")
    return int(text)


def _gigabytes(text: str) -> int:
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 < gigabytes < math.inf:
        raise ValueError(f"{text!r} is not a size. Give gigabytes, more than 0.")
    return int(gigabytes * GIGABYTE)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= threading.TIMEOUT_MAX:  # nan is not between them either
        raise ValueError(f"{text!r} is not a time. Give seconds, 0 or more.")
    return seconds


@click.command("local", cls=Command)
@click.option("--host", default=EndpointSettings.host, help=f"Address to listen on. [default: {EndpointSettings.host}]")
@click.option("--port", type=Parsed(_port), default=0, metavar="PORT", help="Port to listen on. [default: a free one]")
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Further host name by which clients call the endpoint, besides the names of this machine. Repeatable.",
)
@click.option(
    "--access-key",
    type=Parsed(_key_id),
    metavar="ID",
    help="Id of the access key that signs requests. The secret comes from the environment variable "
    f"{SECRET_VARIABLE}; without it, a secret is created and printed. [default: any key if only this machine can reach "
    "the endpoint, otherwise a new one]",
)
@click.option(
    "--state-dir",
    "state_directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Directory for the files of running jobs. [default: a temporary directory]",
)
@click.option(
    "--data-dir",
    "data_directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Directory that keeps S3, pipelines, executions, jobs, models and endpoints. The next endpoint with the same "
    "directory has them. [default: nothing is kept]",
)
@click.option(
    "--job-python",
    type=click.Path(path_type=Path),
    metavar="PYTHON",
    help="Python interpreter that runs jobs, unless --images names another one for the image. [default: the "
    "interpreter of this command]",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML file that maps image URIs to Python interpreters.",
)
@click.option(
    "--stop-grace",
    "stop_grace_seconds",
    type=Parsed(_seconds),
    default=EndpointSettings.stop_grace_seconds,
    metavar="SECONDS",
    help=f"Time that a stopped job has to end by itself. [default: {EndpointSettings.stop_grace_seconds:g}]",
)
@click.option(
    "--max-jobs",
    type=Parsed(_count),
    default=EndpointSettings.max_jobs,
    metavar="NUMBER",
    help="How many jobs, or instances of jobs, run at the same time. Others wait. "
    f"[default: {JOBS_PER_CORE} for each core]",
)
@click.option(
    "--job-disk",
    "job_disk_bytes",
    type=Parsed(_gigabytes),
    metavar="GB",
    help="Disk space of a job's instance, as VolumeSizeInGB counts it. A job that uses more fails. [default: no limit]",
)
@click.option(
    "--bucket", "buckets", multiple=True, metavar="NAME", help="S3 bucket to create at the start. Repeatable."
)
@click.option(
    "--stub",
    "stand_ins",
    multiple=True,
    type=StepType(),
    metavar="TYPE",
    help="Step type that is not run, such as ClarifyCheck: its steps succeed with stand-in properties. 'all' means "
    "every type that the endpoint cannot run. Repeatable.",
)
@click.option(
    "--lambda",
    "lambdas",
    multiple=True,
    metavar="NAME=MODULE:HANDLER",
    help="Lambda function to create at the start: a function of a module in the current directory. It runs in the "
    "interpreter of jobs. Repeatable.",
)
@click.option("--verbose", is_flag=True, help="Log requests to standard error.")
def command(**given: Any) -> int:
    """Serve a local endpoint that really executes pipelines.

    It serves SageMaker pipelines and jobs, and with moto S3, CloudWatch Logs and other services of AWS, on one port. It
    prints its URL and runs until Ctrl-C.
    """
    try:
        from airflow_sm_pipelines.local.serving import serve
    except ModuleNotFoundError as error:
        raise CommandError(NEEDS_LOCAL.format(error.name)) from None
    return serve({name: value for name, value in given.items() if name != "job_python" or value is not None})
