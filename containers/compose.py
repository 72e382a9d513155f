"""docker/compose.yaml, run by buildah: services on one loopback interface, those of one image in one file system.

What it takes from the file: command, environment, user, capabilities, volumes, what a service waits for, and how its
health is checked. What it does not do: services are not restarted and not checked by themselves, they have the ports
that they listen on, and options of an engine (``security_opt``) mean nothing to chroot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from typing_extensions import Self

from airflow_sm_pipelines.serving.processes import Component, ComponentError, stop_components
from airflow_sm_pipelines.serving.stack import LOOPBACK, clean_environment
from containers.build import ENTRYPOINT
from containers.buildah import CLONE, buildah, container_of, environment, run_command

SECONDS_TO_START = 300.0
SECONDS_BETWEEN_CHECKS = 1.0


class Service:
    """A service, in the container of its image.

    :param name: the service's.
    :param definition: what the compose file says of it, with all variables filled in.
    :param directory: for its log, and for the named volumes of all services.
    :param hosts: a file that takes the place of ``/etc/hosts``.
    """

    def __init__(self, name: str, definition: Mapping[str, Any], directory: Path, hosts: Path) -> None:
        self.name = name
        self.waits_for: Mapping[str, Mapping[str, str]] = definition.get("depends_on", {})
        self._definition = definition
        self._container = container_of(definition["image"])
        self._volumes = [f"{hosts}:/etc/hosts:ro"]
        for volume in definition.get("volumes", []):
            source, target, mode = volume.split(":")
            if "/" not in source:
                source = self._named_volume(directory / source, target)
            self._volumes.append(f"{source}:{target}:{mode}")
        command = self._run(*definition.get("command", [ENTRYPOINT]))
        self.component = Component(name, command, environment(), directory / f"{name}.log")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the container, as ``docker compose exec`` does, and return how it ended."""
        return subprocess.run(self._run(*command), env=environment(), capture_output=True, text=True, check=False)

    def is_healthy(self) -> bool:
        """Check its health once."""
        kind, *command = self._definition["healthcheck"]["test"]
        if kind != "CMD":
            raise ValueError(f"a health check must be of the form CMD, that of {self.name} is of the form {kind}")
        return self.run(*command).returncode == 0

    def await_health(self, *, healthy: bool = True) -> None:
        """Check its health until it is as wanted.

        :raises ComponentError: it was not so in time, or it has ended.
        """
        deadline = time.monotonic() + SECONDS_TO_START
        while self.is_healthy() is not healthy:
            self.component.require_running()
            if time.monotonic() > deadline:
                state = "healthy" if healthy else "unhealthy"
                raise ComponentError(
                    f"{self.name} was not {state} after {SECONDS_TO_START:.0f} s. "
                    f"The end of {self.component.log_path}:\n{self.component.tail()}"
                )
            time.sleep(SECONDS_BETWEEN_CHECKS)

    def _run(self, *command: str) -> list[str]:
        return run_command(
            self._container,
            command,
            user=self._definition.get("user"),
            capabilities=self._definition.get("cap_add", ()),
            variables=self._definition.get("environment"),
            volumes=self._volumes,
        )

    def _named_volume(self, directory: Path, target: str) -> str:
        """Make a named volume where there is none: it belongs to whom the directory belongs that it hides."""
        if not directory.exists():
            directory.mkdir()
            hidden = Path(buildah("mount", self._container)) / target.lstrip("/")
            if hidden.exists():
                os.chown(directory, hidden.stat().st_uid, hidden.stat().st_gid)
            buildah("umount", self._container)
        return str(directory)


class Compose:
    """The services of the compose file. A context manager: in the end they are stopped.

    :param directory: for logs and volumes; must exist and be empty.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._definitions: Mapping[str, Mapping[str, Any]] = definitions()
        self._services: dict[str, Service] = {}
        self._hosts = directory / "hosts"
        self._hosts.write_text(
            "".join(f"{LOOPBACK} {name}\n" for name in ("localhost", *self._definitions)), encoding="utf-8"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        stop_components([service.component for service in self._services.values()])

    def up(self, *names: str) -> None:
        """Start services and what they wait for, each when that is as it waits for it.

        :raises ComponentError: a service did not start.
        """
        for name in names:
            if name in self._services:
                continue
            service = Service(name, self._definitions[name], self.directory, self._hosts)
            self.up(*service.waits_for)
            for upstream, waited_for in service.waits_for.items():
                self._await(self[upstream], waited_for["condition"])
            self._services[name] = service
            service.component.start()

    def __getitem__(self, name: str) -> Service:
        """Return a service that was started."""
        return self._services[name]

    def require_running(self) -> None:
        """Say so if a service has ended that should not.

        :raises ComponentError: one has; with the end of its log.
        """
        completed = {
            upstream
            for definition in self._definitions.values()
            for upstream, waited_for in definition.get("depends_on", {}).items()
            if waited_for["condition"] == "service_completed_successfully"
        }
        for name, service in self._services.items():
            if name not in completed:
                service.component.require_running()

    def _await(self, service: Service, condition: str) -> None:
        if condition == "service_healthy":
            service.await_health()
        elif condition == "service_completed_successfully":
            service.component.wait(SECONDS_TO_START)
        else:
            raise ValueError(f"the condition '{condition}' for {service.name} is unknown here")


def definitions() -> dict[str, dict[str, Any]]:
    """Return what the compose file says of each service, with its defaults for all variables."""
    program = shutil.which("docker-compose")
    if program is None:
        raise FileNotFoundError("docker-compose is missing: it reads docker/compose.yaml")
    resolved = subprocess.run(
        [program, "--file", str(CLONE / "docker" / "compose.yaml"), "config"],
        env=clean_environment(CLONE),
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    services: dict[str, dict[str, Any]] = yaml.safe_load(resolved)["services"]
    return services
