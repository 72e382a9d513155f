"""The servers that an Airflow of many processes stands on: PostgreSQL and Redis, each for as long as a block lasts.

Both listen on the loopback interface only, on a port that is free, ask for a password, and keep nothing.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_sm_pipelines.serving.processes import Component, ComponentError, stop_components
from airflow_sm_pipelines.serving.stack import LOOPBACK, clean_environment, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SECONDS_TO_START = 60.0
SECONDS_BETWEEN_LOOKS = 0.1
DEBIANS_POSTGRES = Path("/usr/lib/postgresql")
"""Below it Debian keeps the programs of PostgreSQL's servers, by version; they are not on the PATH."""


@contextlib.contextmanager
def running_postgres(log_directory: Path) -> Iterator[str]:
    """Run PostgreSQL on an empty database, and give its address: ``postgresql://user:password@host:port/database``.

    Its data lies in a temporary directory. PostgreSQL refuses root: root runs it as ``postgres``, or as ``nobody``.

    :param log_directory: for its log.
    :raises ComponentError: it is not installed, or did not start; with the end of its log.
    """
    owner = _unprivileged_user()
    programs = {name: _postgres_program(name) for name in ("initdb", "postgres", "pg_isready")}
    [port] = free_ports(1)
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="sm-pipelines-postgres-") as directory:
        data, password_file = Path(directory, "data"), Path(directory, "password")
        password_file.touch(mode=0o600)
        password_file.write_text(password, encoding="utf-8")
        if owner is not None:
            for path in (directory, password_file):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        environment = clean_environment(Path(directory))
        initdb = Component(
            "initdb",
            [
                programs["initdb"],
                f"--pgdata={data}",
                "--username=airflow",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--no-locale",
                "--encoding=UTF8",
                "--no-sync",
            ],
            environment,
            log_directory / "initdb.log",
            owner,
        )
        server = Component(
            "postgres",
            [
                *(programs["postgres"], "-D", str(data), "-p", str(port)),
                *_options(listen_addresses=LOOPBACK, unix_socket_directories="", max_connections="300", fsync="off"),
            ],
            environment,
            log_directory / "postgres.log",
            owner,
        )
        try:
            initdb.start()
            initdb.wait(SECONDS_TO_START)
        finally:
            stop_components([initdb])
        with _running(server, [programs["pg_isready"], f"--host={LOOPBACK}", f"--port={port}"], environment):
            yield f"postgresql://airflow:{password}@{LOOPBACK}:{port}/postgres"


@contextlib.contextmanager
def running_redis(directory: Path) -> Iterator[str]:
    """Run Redis, and give the address of its first database: ``redis://:password@host:port/0``.

    :param directory: for its configuration and its log.
    :raises ComponentError: it is not installed, or did not start; with the end of its log.
    """
    programs = {name: _program(name, "redis-server") for name in ("redis-server", "redis-cli")}
    [port] = free_ports(1)
    password = secrets.token_hex(16)
    configuration = directory / "redis.conf"
    configuration.touch(mode=0o600)
    settings = {"bind": LOOPBACK, "port": port, "requirepass": password, "save": '""', "appendonly": "no"}
    configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
    environment = {**clean_environment(directory), "REDISCLI_AUTH": password}
    server = Component("redis", [programs["redis-server"], str(configuration)], environment, directory / "redis.log")
    with _running(server, [programs["redis-cli"], "-h", LOOPBACK, "-p", str(port), "ping"], environment):
        yield f"redis://:{password}@{LOOPBACK}:{port}/0"


@contextlib.contextmanager
def _running(server: Component, probe: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server until the block ends; the block begins when the probe, a command, succeeds."""
    try:
        server.start()
        deadline = time.monotonic() + SECONDS_TO_START
        while subprocess.run(probe, env=environment, capture_output=True, check=False).returncode != 0:
            server.require_running()
            if time.monotonic() > deadline:
                raise ComponentError(f"{server.name} was not ready after {SECONDS_TO_START:.0f} s:\n{server.tail()}")
            time.sleep(SECONDS_BETWEEN_LOOKS)
        yield
    finally:
        stop_components([server])


def _options(**values: str) -> list[str]:
    return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]


def _unprivileged_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _postgres_program(name: str) -> str:
    versions = sorted(DEBIANS_POSTGRES.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return _program(name, "postgresql", versions)


def _program(name: str, package: str, directories: Sequence[Path] = ()) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, directories)])
    found = shutil.which(name, path=path)
    if found is None:
        raise ComponentError(f"There is no program {name} on this machine. On Debian: apt-get install {package}")
    return found
