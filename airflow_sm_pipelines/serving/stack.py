"""The local endpoint and Airflow's components, started apart and talking to each other over free ports."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
from alembic.migration import MigrationContext
from alembic.operations import Operations
from cryptography.fernet import Fernet
from sqlalchemy import create_engine

from airflow_sm_pipelines.serving.processes import Component, ComponentError, stop_components

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
USER = "admin"
SECONDS_TO_START = 180.0
HEARTBEATS = ("scheduler", "triggerer", "dag_processor")
SECRET_KEY = "the-endpoint-takes-any-key"  # noqa: S105 - as it says
"""Airflow writes *** for a connection's password wherever it occurs in a log: it must not be a word that logs need."""

INHERITED = ("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ", "USER", "LOGNAME")
"""What processes may know of their user's environment. No AWS_*, no AIRFLOW_*, no proxy, no PYTHON*."""


def clean_environment(home: Path) -> dict[str, str]:
    """Return an environment without the user's settings, in which AWS clients find no account.

    :param home: takes the place of the home directory: what programs write there must not land in the user's.
    """
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **inherited,
        "PATH": os.pathsep.join([os.path.dirname(sys.executable), inherited.get("PATH", os.defpath)]),  # noqa: PTH120
        "HOME": str(home),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def free_ports(count: int) -> list[int]:
    """Return that many ports nobody listens on at the moment, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


def airflow_home(directory: Path, lock_seconds: int = 60) -> dict[str, str]:
    """Return the settings by which Airflow keeps its files, and its database, in a directory.

    SQLite waits five seconds for another writer by default, and a scheduler that waits in vain ends: a busy machine
    needs longer.

    :param directory: an absolute path; is made when it is not there.
    :param lock_seconds: how long a writer waits for another one.
    """
    return {
        "AIRFLOW_HOME": str(directory),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{directory / 'airflow.db'}?timeout={lock_seconds}",
    }


def give_no_trigger_number_twice(database: Path) -> None:
    """Have SQLite number triggers as other databases do.

    By itself it gives the number of the latest trigger again once that is gone. A triggerer that does not look in
    between takes the next trigger for the one it already runs, and never starts it: a task that was cleared then waits
    for ever.

    :param database: an Airflow database that nobody uses yet.
    """
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("trigger", recreate="always", table_kwargs={"sqlite_autoincrement": True}):
            pass
    engine.dispose()


class Stack:
    """The local endpoint and an Airflow that has it as its AWS, all below one directory.

    :param directory: for everything that is written: database, logs, jobs. Must exist. What an earlier stack has left
        there is taken over.
    :param dags_folder: the Dags to run.
    :param settings: further Airflow settings, such as ``{"AIRFLOW__CORE__PARALLELISM": "2"}``.
    :param aws_url: what Airflow's connection has as ``endpoint_url``; by default the local endpoint itself.
    :param environment: the environment of all processes; by default a clean one.
    :param endpoint_arguments: further arguments of the local endpoint.
    :param airflow_port: the port of Airflow's UI; 0 for a free one.
    :param endpoint_port: the port of the local endpoint; 0 for a free one.
    """

    def __init__(
        self,
        directory: Path,
        dags_folder: Path,
        settings: Mapping[str, str] | None = None,
        aws_url: str | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        endpoint_arguments: Sequence[str] = (),
        airflow_port: int = 0,
        endpoint_port: int = 0,
    ) -> None:
        self.directory = directory
        self.password = secrets.token_urlsafe(9)
        free_endpoint_port, free_airflow_port, worker_log_port, trigger_log_port = free_ports(4)
        endpoint_port, api_port = endpoint_port or free_endpoint_port, airflow_port or free_airflow_port
        self.endpoint_url = f"http://{LOOPBACK}:{endpoint_port}"
        self.airflow_url = f"http://{LOOPBACK}:{api_port}"
        self._passwords_file = directory / "passwords.json"
        home = directory / "home"
        self._environment = clean_environment(home) if environment is None else dict(environment)
        settings = {
            "AIRFLOW_CONN_AWS_DEFAULT": self.connection(endpoint_url=aws_url or self.endpoint_url),
            "AIRFLOW__API__BASE_URL": self.airflow_url,
            "AIRFLOW__API__HOST": LOOPBACK,
            "AIRFLOW__API__PORT": str(api_port),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags_folder),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.airflow_url}/execution/",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__FERNET_KEY": _fernet_key(directory / "fernet.key"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # The default keeps 32 worker processes of some 150 MB each.
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self._passwords_file),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_log_port),
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
            **(settings or {}),
        }
        self.airflow_environment = {**self._environment, **airflow_home(directory / "airflow"), **settings}
        for folder in (home, directory / "logs", directory / "jobs"):
            folder.mkdir(exist_ok=True)
        self.endpoint = Component(
            "local-endpoint",
            [
                sys.executable,
                "-m",
                "airflow_sm_pipelines.local",
                "--port",
                str(endpoint_port),
                "--state-dir",
                str(directory / "jobs"),
                *endpoint_arguments,
            ],
            self._environment,
            directory / "logs" / "local-endpoint.log",
        )
        self._migration = self._airflow("db-migrate", "db", "migrate")
        # Airflow 3.3.2 writes what people do into its log on the event loop. A request of a worker that holds the lock
        # of SQLite needs that loop to end: both wait until one gives up, and the other components wait with them.
        impatient = {**self._environment, **airflow_home(directory / "airflow", lock_seconds=2), **settings}
        self.scheduler = self._airflow("scheduler", "scheduler")
        self.triggerer = self._airflow("triggerer", "triggerer")
        self._airflow_components = [
            self._airflow("api-server", "api-server", environment=impatient),
            self._airflow("dag-processor", "dag-processor"),
            self.scheduler,
            self.triggerer,
        ]

    @property
    def components(self) -> list[Component]:
        """The processes that run until they are stopped."""
        return [self.endpoint, *self._airflow_components]

    @property
    def sqlite(self) -> Path:
        """Where the database is, unless the settings name another one."""
        return self.directory / "airflow" / "airflow.db"

    def connection(self, **changes: Any) -> str:
        """Return an Airflow AWS connection to the endpoint, as JSON.

        :param changes: replaces keys of the connection's ``extra``.
        """
        extra = {"region_name": REGION, "endpoint_url": self.endpoint_url, **changes}
        return json.dumps({"conn_type": "aws", "login": "local", "password": SECRET_KEY, "extra": extra})

    def client(self, service: str) -> Any:
        """Return a boto3 client of the endpoint."""
        import boto3
        from botocore.config import Config

        # Typed for literal names of services only.
        client: Any = boto3.client
        return client(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key=SECRET_KEY,
            config=Config(proxies={}),
        )

    @contextlib.contextmanager
    def running(self, report: Callable[[str], None]) -> Iterator[None]:
        """Start everything, and stop everything in the end.

        :param report: told what happens, a line each.
        :raises ComponentError: something did not start; with the end of its log.
        """
        try:
            self._start(report)
            yield
        finally:
            self._stop()

    def require_running(self) -> None:
        """Say so if a component is gone.

        :raises ComponentError: one has ended; with the end of its log.
        """
        for component in self.components:
            component.require_running()

    def _start(self, report: Callable[[str], None]) -> None:
        self._passwords_file.touch(mode=0o600)
        self._passwords_file.write_text(json.dumps({USER: self.password}) + "\n", encoding="utf-8")
        began = time.monotonic()
        report("starting the local endpoint, creating Airflow's database")
        self.endpoint.start()
        is_new = not self.sqlite.exists()
        self._migration.start()
        self._migration.wait(SECONDS_TO_START)
        if is_new and self.sqlite.exists():
            give_no_trigger_number_twice(self.sqlite)
        report(f"local endpoint at {self.endpoint_url}, database ready ({time.monotonic() - began:.0f} s)")
        report(f"starting Airflow: {', '.join(component.name for component in self._airflow_components)}")
        for component in self._airflow_components:
            component.start()
        self._await("the local endpoint", self.endpoint_url, lambda _response: True)
        self._await("Airflow", f"{self.airflow_url}/api/v2/monitor/health", _is_healthy)
        report(f"Airflow at {self.airflow_url} ({time.monotonic() - began:.0f} s)")

    def _stop(self) -> None:
        # The endpoint last: until they have ended, Airflow's components ask it.
        try:
            stop_components([*self._airflow_components, self._migration])
        finally:
            stop_components([self.endpoint])

    def _await(self, what: str, url: str, is_ready: Callable[[httpx.Response], bool]) -> None:
        """Ask an address until it answers as wanted, or until the component behind it is gone."""
        deadline = time.monotonic() + SECONDS_TO_START
        answer = "no answer"
        with httpx.Client(trust_env=False, timeout=5) as client:
            while time.monotonic() < deadline:
                self.require_running()
                try:
                    response = client.get(url)
                except httpx.TransportError as error:
                    answer = str(error)
                else:
                    if is_ready(response):
                        return
                    answer = f"{response.status_code} {response.text}"
                time.sleep(0.2)
        raise ComponentError(
            f"{what} was not ready after {SECONDS_TO_START:.0f} s. Its last answer: {answer}. "
            f"The logs are in {self.directory / 'logs'}."
        )

    def _airflow(self, name: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Component:
        return Component(
            name,
            [sys.executable, "-m", "airflow", *arguments],
            environment or self.airflow_environment,
            self.directory / "logs" / f"{name}.log",
        )


def _is_healthy(response: httpx.Response) -> bool:
    if not response.is_success:
        return False
    health = response.json()
    return all((health.get(name) or {}).get("status") == "healthy" for name in ("metadatabase", *HEARTBEATS))


def _fernet_key(path: Path) -> str:
    """The key with which Airflow encrypts variables and connections in its database: kept as long as the database."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(Fernet.generate_key().decode(), encoding="ascii")
    return path.read_text(encoding="ascii")
