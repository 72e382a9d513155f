"""A stack for tests and benchmarks: with more components of a kind, and components that can be frozen."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from airflow_sm_pipelines.serving.processes import Component, ComponentError
from airflow_sm_pipelines.serving.stack import Stack as ServedStack
from airflow_sm_pipelines.serving.stack import free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAUSES = 20
SECONDS_OF_A_TRANSACTION = 5.0


class Stack(ServedStack):
    """The local endpoint and an Airflow that has it as its AWS, all below one directory.

    :param directory: for everything that is written: database, logs, jobs. Must exist and be empty.
    :param dags_folder: the Dags to run.
    :param settings: further Airflow settings, such as ``{"AIRFLOW__CORE__PARALLELISM": "2"}``.
    :param aws_url: what Airflow's connection has as ``endpoint_url``; by default the local endpoint itself.
    :param schedulers: how many schedulers; more than one needs another database than SQLite.
    :param triggerers: how many triggerers.
    :param celery_workers: how many Celery workers run the tasks; with none, the scheduler's LocalExecutor runs them.
        Celery's broker, its result backend and a database for several processes are among the settings.
    """

    def __init__(
        self,
        directory: Path,
        dags_folder: Path,
        settings: Mapping[str, str] | None = None,
        aws_url: str | None = None,
        *,
        schedulers: int = 1,
        triggerers: int = 1,
        celery_workers: int = 0,
    ) -> None:
        executor = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor"} if celery_workers else {}
        super().__init__(directory, dags_folder, {**executor, **(settings or {})}, aws_url)
        self.schedulers = [self.scheduler, *(self._another_scheduler() for _ in range(schedulers - 1))]
        self.triggerers = [self.triggerer, *(self.another_triggerer() for _ in range(triggerers - 1))]
        self.workers = [self._another_celery_worker() for _ in range(celery_workers)]

    def pause(self, component: Component) -> None:
        """Freeze a component at a moment at which it holds no lock of SQLite's file: that would freeze all others too.

        :param component: one of Airflow's, of a stack whose database is SQLite.
        :raises ComponentError: each time it held one.
        """
        for _ in range(PAUSES):
            component.pause()
            if self._database_is_free():
                return
            component.resume()
        raise ComponentError(f"{component.name} held a lock of the database each of {PAUSES} times it was stopped.")

    def _database_is_free(self) -> bool:
        database = sqlite3.connect(self.sqlite, timeout=SECONDS_OF_A_TRANSACTION)
        try:
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            return False
        finally:
            database.close()
        return True

    def another_triggerer(self) -> Component:
        """Add a triggerer beside those there are. It is not started; it is stopped with the other components."""
        return self._another(self._next_name("triggerer"), ["triggerer"])

    def _another_scheduler(self) -> Component:
        return self._another(self._next_name("scheduler"), ["scheduler"])

    def _another_celery_worker(self) -> Component:
        name = self._next_name("worker")
        pid_file = str(self.directory / f"{name}.pid")
        return self._another(name, ["celery", "worker", "--celery-hostname", name, "--pid", pid_file])

    def _next_name(self, kind: str) -> str:
        count = sum(component.name.partition("-")[0] == kind for component in self._airflow_components)
        return kind if count == 0 else f"{kind}-{count + 1}"

    def _another(self, name: str, arguments: list[str]) -> Component:
        environment = self.airflow_environment
        if "-" in name:
            # The api-server, which asks for logs, knows the ports of the first of each kind; it reads files first.
            worker_log_port, trigger_log_port = free_ports(2)
            environment = {
                **environment,
                "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
                "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(worker_log_port),
            }
        component = self._airflow(name, *arguments, environment=environment)
        self._airflow_components.append(component)
        return component
