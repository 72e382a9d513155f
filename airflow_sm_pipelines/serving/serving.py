"""Airflow and a local endpoint on a folder of Dags, until a signal ends them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import click

from airflow_sm_pipelines.serving.dag_files import DagFiles
from airflow_sm_pipelines.serving.processes import ComponentError, end_with_parent
from airflow_sm_pipelines.serving.stack import LOOPBACK, REGION, USER, Stack

SECONDS_BETWEEN_LOOKS: Final = 2.0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SETTINGS: Final = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
}
"""A Dag with a schedule does not start before its user wants it to; changed files are seen after a few seconds."""


@dataclass(frozen=True)
class ServeSettings:
    """What to serve, and where.

    :param dags_folder: the Dags.
    :param port: the port of Airflow's UI; 0 for a free one.
    :param endpoint_port: the port of the local endpoint; 0 for a free one.
    :param directory: where everything is kept; ``None`` for a temporary directory.
    :param endpoint_arguments: further arguments of the local endpoint.
    """

    dags_folder: str
    port: int = 0
    endpoint_port: int = 0
    directory: str | None = None
    endpoint_arguments: Sequence[str] = ()


class Interrupted(BaseException):
    """A signal asked for the end."""


def serve(settings: ServeSettings) -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP.

    :param settings: what to serve, and where.
    :return: the exit status: 0 after a signal, 1 if something did not start or ended by itself.
    """
    end_with_parent()
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    keeps = settings.directory is not None
    directory = Path(settings.directory or tempfile.mkdtemp(prefix="sm-pipelines-serve-"))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for port in (settings.port, settings.endpoint_port):
            _require_free(port)
        _run(_stack(settings, directory))
    except Interrupted:
        if not keeps:
            shutil.rmtree(directory, ignore_errors=True)
        return 0
    except (ComponentError, OSError) as error:
        click.echo(f"sm-pipelines serve: {error}", err=True)
        return 1
    return 1


def environment_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of what is served: without settings of AWS and of Airflow, so that no account is reached.

    :param given: the environment of the command. AIRFLOW_VAR_* and AIRFLOW_CONN_* are kept.
    """
    kept = {
        name: value
        for name, value in given.items()
        if not name.startswith(("AWS_", "AIRFLOW__", "AIRFLOW_HOME", "AIRFLOW_CONFIG"))
    }
    return {
        **kept,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def _stack(settings: ServeSettings, directory: Path) -> Stack:
    data = ("--data-dir", str(directory / "data")) if settings.directory is not None else ()
    return Stack(
        directory,
        Path(settings.dags_folder),
        SETTINGS,
        environment=environment_of(os.environ),
        endpoint_arguments=(*data, *settings.endpoint_arguments),
        airflow_port=settings.port,
        endpoint_port=settings.endpoint_port,
    )


def _run(stack: Stack) -> None:
    """Return never: a signal raises :class:`Interrupted`, the end of a component ComponentError."""
    with _told_end(), stack.running(_tell):
        bold = click.style
        click.echo(f"\nAirflow UI:     {bold(stack.airflow_url, bold=True)}  user {USER}  password {stack.password}")
        click.echo(f"Local endpoint: {bold(stack.endpoint_url, bold=True)}  region {REGION}, any credentials")
        click.echo(f"Logs:           {stack.directory / 'logs'}")
        click.echo("New Dags are paused: unpause them in the UI. Press Ctrl-C to stop.\n")
        with DagFiles(stack.airflow_url, USER, stack.password) as dag_files:
            while True:
                stack.require_running()
                for line in dag_files.news():
                    _tell(line)
                sys.stdout.flush()
                time.sleep(SECONDS_BETWEEN_LOOKS)


@contextlib.contextmanager
def _told_end() -> Iterator[None]:
    try:
        yield
    except Interrupted:
        _tell("stopped")
        raise


def _tell(line: str) -> None:
    click.echo(f"{click.style(time.strftime('%H:%M:%S'), dim=True)}  {line}")
    sys.stdout.flush()


def _require_free(port: int) -> None:
    if port:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError as error:
                raise ComponentError(
                    f"port {port} cannot be used: {error.strerror}. Give another one with --port or --endpoint-port; 0 "
                    "takes a free one"
                ) from None


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # The first signal counts. Others, such as make passing on the same Ctrl-C, must not disturb the clearing up.
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Interrupted
