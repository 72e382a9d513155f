from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from airflow.sdk.execution_time import task_runner

from airflow_sm_pipelines.triggers.base import BasePipelineTrigger
from tests.fake_triggerer import Triggerer
from tests.scripted_service import ScriptedService, connection_json, serve, stand_for_aws


@pytest.fixture
def service(monkeypatch) -> Iterator[ScriptedService]:
    """A scripted SageMaker that the default connection leads to."""
    stand_for_aws(monkeypatch)
    with serve() as scripted:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(scripted.url))
        yield scripted


@pytest.fixture
def triggerer(monkeypatch) -> Triggerer:
    triggerer = Triggerer()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", triggerer, raising=False)
    return triggerer


@pytest.fixture
def log(monkeypatch) -> Callable[[], list[tuple[str, str]]]:
    """The lines that triggers write into their tasks' logs, with their levels."""
    lines: list[tuple[str, str]] = []

    class TaskLog(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append((record.levelname, record.getMessage()))

    logger = logging.Logger("task")
    logger.addHandler(TaskLog())
    monkeypatch.setattr(BasePipelineTrigger, "_log", logger)
    return lambda: lines


@pytest.fixture(autouse=True)
def settled(monkeypatch) -> None:
    """The scheduler notices at once that a task deferred."""
    monkeypatch.setattr("airflow_sm_pipelines.compatibility.triggerer.SETTLED_AFTER", 0)
