"""What the live tests stand on, where a mistake in it would show as a rare failure of theirs."""

from __future__ import annotations

import sqlite3

import pytest

from airflow_sm_pipelines.serving.processes import ComponentError
from airflow_sm_pipelines.serving.stack import give_no_trigger_number_twice
from harness import components
from harness.components import Stack


class Writer:
    """A component that is within a transaction at its first pauses."""

    name = "triggerer"

    def __init__(self, path, within):
        self.database = sqlite3.connect(path, isolation_level=None)
        self.within = within
        self.calls = []

    def pause(self):
        self.calls.append("pause")
        if self.calls.count("pause") <= self.within:
            self.database.execute("BEGIN IMMEDIATE")

    def resume(self):
        self.calls.append("resume")
        self.database.execute("ROLLBACK")


@pytest.fixture
def stack(tmp_path, monkeypatch):
    monkeypatch.setattr(components, "SECONDS_OF_A_TRANSACTION", 0.01)
    monkeypatch.setattr(components, "PAUSES", 3)
    (tmp_path / "airflow").mkdir()
    return Stack(tmp_path, tmp_path)


@pytest.mark.parametrize("within", [0, 2])
def test_a_component_is_paused_between_its_transactions(stack, within):
    """One that holds a lock of the database would freeze everybody else, so it goes on and is paused later."""
    writer = Writer(stack.directory / "airflow" / "airflow.db", within)
    stack.pause(writer)
    assert writer.calls == ["pause", "resume"] * within + ["pause"]


def test_a_component_that_always_writes_cannot_be_paused(stack):
    """That is said, and the component goes on."""
    writer = Writer(stack.directory / "airflow" / "airflow.db", 3)
    with pytest.raises(ComponentError, match="triggerer held a lock of the database each of 3 times it was stopped"):
        stack.pause(writer)
    assert writer.calls == ["pause", "resume"] * 3


def test_a_number_of_a_trigger_is_not_given_again(tmp_path):
    """A triggerer knows triggers by their numbers: with a number of one that is gone, the next one would not start."""
    with sqlite3.connect(tmp_path / "airflow.db") as database:
        database.execute(
            'CREATE TABLE "trigger" (id INTEGER NOT NULL, classpath VARCHAR, CONSTRAINT pk PRIMARY KEY (id))'
        )
        database.execute('CREATE TABLE task_instance (trigger_id INTEGER REFERENCES "trigger" (id))')
    give_no_trigger_number_twice(tmp_path / "airflow.db")

    numbers = []
    database.execute("PRAGMA foreign_keys = ON")
    for _ in range(3):
        [number] = database.execute(
            """INSERT INTO "trigger" (classpath) VALUES ('a.trigger') RETURNING id"""
        ).fetchone()
        database.execute("INSERT INTO task_instance VALUES (?)", [number])
        database.execute("DELETE FROM task_instance")
        database.execute('DELETE FROM "trigger"')
        numbers.append(number)
    assert numbers == [1, 2, 3]


def test_components_of_a_kind_have_names_and_log_ports_of_their_own(tmp_path):
    """Two of each listen beside each other; Celery's workers are named and run what the scheduler gives them."""
    stack = Stack(tmp_path, tmp_path, schedulers=2, triggerers=2, celery_workers=2)
    ports = {
        component.name: component.environment[f"AIRFLOW__LOGGING__{kind}_LOG_SERVER_PORT"]
        for kind, components in (("WORKER", stack.workers), ("TRIGGER", stack.triggerers))
        for component in components
    }

    assert [component.name for component in stack.components] == [
        "local-endpoint",
        "api-server",
        "dag-processor",
        "scheduler",
        "triggerer",
        "scheduler-2",
        "triggerer-2",
        "worker",
        "worker-2",
    ]
    assert list(ports) == ["worker", "worker-2", "triggerer", "triggerer-2"]
    assert len(set(ports.values())) == 4
    assert [component.command[3:7] for component in stack.workers] == [
        ["celery", "worker", "--celery-hostname", "worker"],
        ["celery", "worker", "--celery-hostname", "worker-2"],
    ]
    assert {component.environment["AIRFLOW__CORE__EXECUTOR"] for component in stack.components[1:]} == {
        "CeleryExecutor"
    }


def test_settings_choose_the_database_of_every_component(tmp_path):
    """Also that of the api-server, which otherwise has SQLite's in a shape of its own."""
    url = "postgresql://somewhere"
    stack = Stack(tmp_path, tmp_path, {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url})
    assert {each.environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] for each in stack.components[1:]} == {url}
