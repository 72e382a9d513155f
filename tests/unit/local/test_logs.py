"""What of a script's output is kept, and which line says why it failed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs import logs
from airflow_sm_pipelines.local.jobs.logs import LogStream, last_error_line
from airflow_sm_pipelines.local.sandboxes.process import LONGEST_LINE, _cut, _lines


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: bad"], "ValueError: bad"),
        (
            ["botocore.exceptions.NoCredentialsError: none", "closing", ""],
            "botocore.exceptions.NoCredentialsError: none",
        ),
        (["KeyboardInterrupt"], "KeyboardInterrupt"),
        (["a.py:1: FutureWarning: soon", "no rows left  ", ""], "no rows left"),
        (["ValueError: first", "During handling ...", "TypeError: second"], "TypeError: second"),
        (["", "  "], ""),
        ([], ""),
    ],
)
def test_the_last_exception_line_else_the_last_line(output: list[str], line: str) -> None:
    """An exception's own line wins over what is printed after it; without one the last line that says anything."""
    assert last_error_line(output) == line


class Logs:
    """A CloudWatch Logs client that keeps what it is sent, or does not."""

    class exceptions:  # noqa: D106, N801 - boto3's name
        ResourceAlreadyExistsException = KeyError
        ResourceNotFoundException = IndexError

    def __init__(self, failures: int = 0, *, has_group: bool = True) -> None:
        self.messages: list[str] = []
        self.made: list[str] = []
        self._has_group = has_group
        self._failures = failures

    def create_log_group(self, **_: Any) -> None:
        self.made.append("group")
        self._has_group = True

    def create_log_stream(self, **_: Any) -> None:
        self.made.append("stream")
        if not self._has_group:
            raise IndexError("no group")

    def put_log_events(self, logEvents: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803 - boto3's name
        if self._failures:
            self._failures -= 1
            raise ConnectionError("no room")
        self.messages += [event["message"] for event in logEvents]


@pytest.mark.parametrize(("has_group", "made"), [(True, ["stream"]), (False, ["stream", "group", "stream"])])
def test_the_group_is_made_when_it_is_missing(has_group, made):
    """Which is found out without a request of its own, once there is a line."""
    client = Logs(has_group=has_group)
    stream = LogStream(client, "g", "s")
    assert client.made == []
    stream.write("a line")
    stream.close()
    assert (client.made, client.messages) == (made, ["a line"])


def test_a_job_that_prints_nothing_has_no_log():
    """As on AWS."""
    client = Logs()
    LogStream(client, "g", "s").close()
    assert client.made == []


def test_of_a_long_log_the_beginning_and_the_end_are_kept(monkeypatch):
    """What a job prints beyond a limit takes no memory, and what is left out is counted."""
    monkeypatch.setattr(logs, "MOST_CHARACTERS", 6)
    client = Logs()
    stream = LogStream(client, "g", "s")
    for number in range(100):
        stream.write(f"{number:02}")
    stream.close()
    left_out = "[57 lines are left out: the local endpoint keeps 6 characters of a log]"
    assert client.messages == ["00", "01", "02", left_out, *(f"{number}" for number in range(60, 100))]


@pytest.mark.parametrize("count", [1, 40])
def test_what_the_end_shows_is_not_left_out(monkeypatch, count):
    """The last lines are there in any case."""
    monkeypatch.setattr(logs, "MOST_CHARACTERS", 1)
    client = Logs()
    stream = LogStream(client, "g", "s")
    lines = [str(number) for number in range(1 + count)]
    for line in lines:
        stream.write(line)
    stream.close()
    assert client.messages == lines


def test_lines_that_cannot_be_stored_hold_no_job_up(monkeypatch, caplog):
    """They are lost, which the endpoint's log says; there is room for the next ones all the same."""
    monkeypatch.setattr(logs, "_WAITING_EVENTS", 1)
    client = Logs(failures=1)
    stream = LogStream(client, "g", "s")
    for number in range(50):
        stream.write(str(number))
    stream.close()
    lost = 50 - len(client.messages)
    assert lost > 0
    assert client.messages == [str(number) for number in range(lost, 50)]
    assert [record.getMessage() for record in caplog.records] == [f"{lost} lines of the log s are lost"]


def test_a_long_line_is_cut():
    """Where no character is cut in two; pieces joined are the line."""
    line = ("x" * (LONGEST_LINE - 1) + "\N{EURO SIGN}" + "y" * LONGEST_LINE).encode()
    pieces = list(_cut(line))
    assert [len(piece) for piece in pieces] == [LONGEST_LINE - 1, LONGEST_LINE, 3]
    assert b"".join(pieces) == line
    assert [list(_cut(short)) for short in (b"", b"a")] == [[b""], [b"a"]]


def test_output_without_an_end_of_line_comes_in_pieces():
    """As it is printed, in time that grows with its length: nobody waits for an end of line that never comes."""
    script = "import sys; sys.stdout.write('x' * 5_000_000 + '\\n\\n' + 'y')"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    handle = os.pidfd_open(process.pid)
    pieces = list(_lines(process.stdout.fileno(), handle))
    process.communicate()
    os.close(handle)
    assert "".join(pieces) == "x" * 5_000_000 + "y"
    assert (max(map(len, pieces)), pieces[-2:]) == (LONGEST_LINE, ["", "y"])
