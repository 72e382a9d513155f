"""The command line of ``sm-pipelines local``."""

from __future__ import annotations

import argparse
import math
import re
import sys
import threading
from pathlib import Path

from airflow_sm_pipelines.local.endpoint import EndpointSettings
from airflow_sm_pipelines.local.jobs.disk import GIGABYTE
from airflow_sm_pipelines.local.runners.registry import stand_ins_of

SECRET_VARIABLE = "SM_PIPELINES_LOCAL_SECRET_ACCESS_KEY"  # noqa: S105 - a name
"""The variable that has the secret of ``--access-key``. On the command line every user of the machine would see it."""


def parser(program: str) -> argparse.ArgumentParser:
    """Return the parser. What it reads are the members of the endpoint's settings, and ``verbose``.

    :param program: how the help text calls the command.
    """
    made = argparse.ArgumentParser(
        prog=program,
        description="Serve SageMaker pipelines and jobs, and S3, Logs and the rest of AWS with moto, on one port.",
    )
    made.add_argument("--host", default=EndpointSettings.host, help="address to listen on (default: %(default)s)")
    made.add_argument("--port", type=_port, default=0, help="port to listen on; 0, the default, takes a free one")
    made.add_argument(
        "--allow-host",
        dest="allowed_hosts",
        action="append",
        default=[],
        metavar="NAME",
        help="name by which clients call the endpoint, besides those of this machine; give it again for another one",
    )
    made.add_argument(
        "--access-key",
        type=_key_id,
        metavar="ID",
        help="id of the access key that requests have to be signed with; its secret is taken from the variable "
        f"{SECRET_VARIABLE}, else made and printed (default: any key on this machine, a new one beyond it)",
    )
    made.add_argument(
        "--state-dir",
        dest="state_directory",
        metavar="STATE_DIR",
        type=Path,
        help="directory for the files of running jobs (default: a temporary one, removed at the end)",
    )
    made.add_argument(
        "--data-dir",
        dest="data_directory",
        metavar="DIR",
        type=Path,
        help="directory in which S3, pipelines, executions, jobs, models and endpoints are kept for the next endpoint "
        "that is given it (default: nothing is kept)",
    )
    made.add_argument(
        "--job-python",
        type=Path,
        default=Path(sys.executable),
        help="Python interpreter that jobs run with, unless --images names another for their image (default: this one)",
    )
    made.add_argument(
        "--images",
        type=Path,
        metavar="FILE",
        help="TOML file that names Python interpreters for images, by patterns of their URIs",
    )
    made.add_argument(
        "--stop-grace",
        dest="stop_grace_seconds",
        type=_seconds,
        default=EndpointSettings.stop_grace_seconds,
        metavar="SECONDS",
        help="time a stopped job gets to end by itself (default: %(default)s)",
    )
    made.add_argument(
        "--max-jobs",
        type=_count,
        default=EndpointSettings.max_jobs,
        metavar="NUMBER",
        help="how many jobs, or instances of them, run at once; the others wait (default: %(default)s)",
    )
    made.add_argument(
        "--job-disk",
        dest="job_disk_bytes",
        type=_gigabytes,
        metavar="GB",
        help="how much an instance of a job may have on disk, as VolumeSizeInGB counts; a job with more fails "
        "(default: no limit)",
    )
    made.add_argument(
        "--bucket",
        dest="buckets",
        action="append",
        default=[],
        metavar="NAME",
        help="S3 bucket that is there from the start; give it again for another one",
    )
    made.add_argument(
        "--stub",
        dest="stand_ins",
        action="append",
        type=_stand_ins,
        default=[],
        metavar="TYPE",
        help="type of steps that are not run and succeed with stand-in properties, such as ClarifyCheck; give it again "
        "for another one; 'all' is every type that the endpoint does not run",
    )
    made.add_argument(
        "--lambda",
        dest="lambdas",
        action="append",
        default=[],
        metavar="NAME=MODULE:HANDLER",
        help="Lambda function that is there from the start: a function of a module in the present directory, run in "
        "the interpreter of jobs; give it again for another one",
    )
    made.add_argument("--verbose", action="store_true", help="log requests to standard error")
    return made


def _stand_ins(text: str) -> tuple[str, ...]:
    try:
        return stand_ins_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _key_id(text: str) -> str:
    if not re.fullmatch(r"[\w-]{3,128}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of an access key: give letters, digits, '_' and '-'")
    return text


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to 65535")
    return port


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of jobs: give 1 or more")
    return int(text)


def _gigabytes(text: str) -> int:
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not 0 < gigabytes < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: give gigabytes, more than 0")
    return int(gigabytes * GIGABYTE)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= threading.TIMEOUT_MAX:  # nan is not between them either
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds, 0 or more")
    return seconds
