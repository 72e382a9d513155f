"""What the live tests stand on, where a mistake in it would show as a rare failure of theirs."""

from __future__ import annotations

import sqlite3

import pytest

from harness import components
from harness.components import Stack
from harness.processes import ComponentError


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
