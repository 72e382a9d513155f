from __future__ import annotations

import io
import sys
from datetime import timedelta

import pytest
from rich.console import Console

from airflow_sm_pipelines.running.rows import Row
from airflow_sm_pipelines.running.view import LiveView, PlainView, duration, table_of, view_on
from tests.unit.running.executions import DEFINITION, OTHER, START, snapshot, step


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_plain_lines_are_changes():
    """A line whenever a step's status or attempt changes; none for one that is about to start."""
    stream = io.StringIO()
    view = PlainView(stream)
    view.say("pipeline churn")
    for steps in (
        [step("prepare", "Starting")],
        [step("prepare", "Executing")],
        [step("prepare", "Executing")],
        [step("prepare", "Executing", attempt_count=2)],
        [step("prepare", "Failed", 0, 65.04, attempt_count=2, failure_reason="no"), step("other", "Stopping")],
    ):
        view.show(snapshot("Executing", *steps))
    assert stream.getvalue().splitlines() == [
        "pipeline churn",
        "step prepare: Executing",
        "step prepare: Executing (attempt 2)",
        "step prepare: Failed after 65.0 s (attempt 2): no",
        "step other: Stopping",
    ]


def drawn(rows):
    console = Console(file=io.StringIO(), width=70)
    console.print(table_of(rows))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_table():
    """Steps indented below those that they lie in; attempts are shown where there was more than one."""
    rows = [
        Row(0, "prepare", "Processing", "Succeeded", "", 3.25, 1, "from the cache of execution x"),
        Row(1, "register", "RegisterModel", "Executing", "if", 65, 1),
        Row(1, "reject", "Fail", "Not taken", "else"),
    ]
    assert drawn(rows) == [
        "Step            Type           Status      Time",
        "prepare         Processing     Succeeded  3.2 s  from the cache of ex\u2026",
        "  if: register  RegisterModel  Executing   1:05",
        "  else: reject  Fail           Not taken",
    ]
    assert drawn([Row(0, "a[b]", "Fail", "Failed", "", 0, 2, "[red]no[/red]"), Row(0, "b", "Fail", "Waiting")]) == [
        "Step  Type  Status    Time  Attempt",
        "a[b]  Fail  Failed   0.0 s        2  [red]no[/red]",
        "b     Fail  Waiting",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "0:59"), (60, "1:00"), (3723.9, "1:02:03")]
)
def test_durations(seconds, text):
    """Tenths of seconds for what is short, then as clocks show it."""
    assert duration(seconds) == text


def test_a_terminal_shows_a_table(monkeypatch):
    """Lines stand above it; control characters of a job's output do not reach the terminal."""
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with view_on(stream, DEFINITION, lambda: START + timedelta(seconds=2)) as view:
        view.say("[train] a\x1b[2Jb")
        view.show(snapshot("Executing", step("prepare", "Executing")))
    assert isinstance(view, LiveView)
    assert "\x1b[2J" not in stream.getvalue()
    assert "2.0 s" in stream.getvalue()


@pytest.mark.parametrize("case", ["no terminal", "dumb terminal", "no rich"])
def test_anything_else_gets_lines(monkeypatch, case):
    """Also a terminal that cannot draw, and where rich is not installed."""
    monkeypatch.setenv("TERM", "dumb" if case == "dumb terminal" else "xterm")
    if case == "no rich":
        monkeypatch.setitem(sys.modules, "rich.console", None)
    stream = io.StringIO() if case == "no terminal" else Terminal()
    with view_on(stream, DEFINITION, lambda: START) as view:
        view.show(snapshot("Executing", step("prepare", "Succeeded", 0, 1, selective_source=OTHER)))
    assert stream.getvalue() == "step prepare: Succeeded after 1.0 s, not selected, from execution earlier12345\n"
