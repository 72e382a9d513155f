from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from tests.scripted_service import ScriptedService, connection_json, serve, stand_for_aws


@pytest.fixture
def service(monkeypatch) -> Iterator[ScriptedService]:
    """A scripted SageMaker that the default connection leads to."""
    stand_for_aws(monkeypatch)
    with serve() as scripted:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(scripted.url))
        yield scripted


class StateStore(dict[str, Any]):
    """The task's state store, as far as it is used."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value


class TaskInstance(SimpleNamespace):
    """A running task instance: keeps what is pushed, and answers for the states of tasks and of the Dag run."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            **{
                "dag_id": "d",
                "task_id": "run",
                "run_id": "manual__1",
                "map_index": None,
                "try_number": 1,
                "max_tries": 0,
                "pushed": {},
                "pulled": {},
                "state": "running",
                "dag_run_state": "running",
                **more,
            }
        )

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: str, *, key: str, map_indexes: int) -> Any:
        assert map_indexes == -1
        return self.pulled.get((task_ids, key))

    def get_task_states(self, **asked: Any) -> dict[str, dict[str, str]]:
        assert asked == {"dag_id": "d", "map_index": -1, "task_ids": ["run"], "run_ids": ["manual__1"]}
        return {"manual__1": {"run": self.state}}

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str:
        assert (dag_id, run_id) == ("d", "manual__1")
        return self.dag_run_state


@pytest.fixture
def context():
    """Make the context of one try of a task; the state store is the same for all tries."""
    store = StateStore()

    def make(**task_instance: Any) -> dict[str, Any]:
        return {
            "ti": TaskInstance(**task_instance),
            "dag_run": SimpleNamespace(start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)),
            "task_state_store": store,
        }

    return make


@pytest.fixture
def task_log():
    """Have a task write its log into a list, as (level, line)."""

    def keep(task: Any) -> list[tuple[str, str]]:
        lines: list[tuple[str, str]] = []

        class TaskLog(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if "outside of the Task Runner" not in record.getMessage():
                    lines.append((record.levelname, record.getMessage()))

        task._cached_logger = logging.Logger("task")
        task._cached_logger.addHandler(TaskLog())
        return lines

    return keep
