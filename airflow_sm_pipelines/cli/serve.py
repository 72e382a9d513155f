"""``sm-pipelines serve``."""

from __future__ import annotations

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from airflow_sm_pipelines.cli.shared import endpoint_options
from airflow_sm_pipelines.command_line import NEEDS_LOCAL, Command, CommandError

_NEEDED: Final = {"airflow": "apache-airflow", "httpx": "httpx", "psutil": "psutil", "sqlalchemy": "sqlalchemy"}


@click.command("serve", cls=Command)
@click.argument("dags_folder", metavar="DAGS_FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=8080,
    help="Port of Airflow's UI; 0 for a free one. [default: 8080]",
)
@click.option(
    "--endpoint-port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    default=0,
    help="Port of the local endpoint. [default: a free one]",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Directory for Airflow's database, the logs and the endpoint's data. The next 'serve' with the same directory "
    "has them. [default: a temporary directory, which is removed at the end]",
)
@click.option(
    "--bucket", "buckets", multiple=True, metavar="NAME", help="S3 bucket to create at the start. Repeatable."
)
@endpoint_options
def command(
    *,
    dags_folder: Path,
    port: int,
    endpoint_port: int,
    directory: Path | None,
    buckets: tuple[str, ...],
    stubs: tuple[str, ...],
    images: Path | None,
    lambdas: tuple[str, ...],
) -> int:
    """Run Airflow with your Dags and a local endpoint until Ctrl-C.

    Airflow's connection aws_default leads to the local endpoint, which executes the pipelines on this machine. Changed
    Dag files are loaded again after a few seconds, and import errors are printed. Airflow uses SQLite and its own
    settings: environment variables that start with AIRFLOW__ or AWS_ have no effect. AIRFLOW_VAR_* and AIRFLOW_CONN_*
    have. Linux only.
    """
    _require_all_is_there(dags_folder)
    from airflow_sm_pipelines.serving.guard import run_guarded

    settings = {
        "dags_folder": str(dags_folder.absolute()),
        "port": port,
        "endpoint_port": endpoint_port,
        "directory": None if directory is None else str(directory.absolute()),
        "endpoint_arguments": [
            *(part for bucket in buckets for part in ("--bucket", bucket)),
            *(part for stub in stubs for part in ("--stub", stub)),
            *(part for each in lambdas for part in ("--lambda", each)),
            *(() if images is None else ("--images", str(images))),
        ],
    }
    # The process that is started here only guards another one: nothing stays behind, however it ends.
    return run_guarded([sys.executable, "-m", "airflow_sm_pipelines.serving", json.dumps(settings)], os.environ)


def _require_all_is_there(dags_folder: Path) -> None:
    if not sys.platform.startswith("linux"):
        raise CommandError(
            f"this command runs on Linux only, and this is {sys.platform}. Use Docker, or a Linux machine"
        )
    if not dags_folder.is_dir():
        what = "is a file. Give its directory" if dags_folder.exists() else "does not exist"
        raise CommandError(f"the Dags folder {dags_folder} {what}")
    if find_spec("moto") is None:
        raise CommandError(NEEDS_LOCAL.format("moto"))
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise CommandError(f"not installed: {', '.join(missing)}. Run: pip install {' '.join(missing)}")
