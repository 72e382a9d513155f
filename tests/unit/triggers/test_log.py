from __future__ import annotations

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading

from airflow_sm_pipelines.triggers.log import ThreadedLog

WHOSE: contextvars.ContextVar[str] = contextvars.ContextVar("WHOSE", default="nobody's")


class FullPipe(logging.Handler):
    """Takes lines only while there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.room = threading.Event()
        self.lines: list[tuple[str, str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert self.room.wait(10)
        kind = type(record.exc_info[1]).__name__ if record.exc_info else ""
        self.lines.append((WHOSE.get(), record.getMessage(), kind))


def logger(pipe: FullPipe) -> logging.Logger:
    made = logging.Logger("task")
    made.addHandler(pipe)
    return made


async def test_the_event_loop_goes_on_while_a_pipe_is_full():
    """Only the event loop can read what makes room in the end. No line is lost, and all keep their order."""
    pipe = FullPipe()
    log = ThreadedLog(logger(pipe))
    for number in range(3):
        log.info("line %s", number)
    log.warning("%s", "care")
    log.error("100 % wrong")
    try:
        int("odd")
    except ValueError:
        log.exception("failed")
    written = asyncio.create_task(log.written())
    await asyncio.sleep(0)
    assert (written.done(), pipe.lines) == (False, [])
    pipe.room.set()
    await written
    told = ["line 0", "line 1", "line 2", "care", "100 % wrong", "failed"]
    assert pipe.lines == [("nobody's", line, "ValueError" if line == told[-1] else "") for line in told]


async def test_lines_belong_to_the_task_that_the_log_is_of():
    """Also those that are told from a thread, which knows nothing of the task."""
    pipe = FullPipe()
    pipe.room.set()
    WHOSE.set("ours")
    log = ThreadedLog(logger(pipe))
    WHOSE.set("another's")
    log.info("from the event loop")
    await asyncio.get_running_loop().run_in_executor(None, log.info, "from a thread")
    await log.written()
    assert pipe.lines == [("ours", "from the event loop", ""), ("ours", "from a thread", "")]


async def test_nothing_to_write():
    """Nothing is waited for where nothing was told."""
    await ThreadedLog(logger(FullPipe())).written()


class Broken(logging.Handler):
    """Fails, as a pipe that is closed does."""

    def emit(self, record: logging.LogRecord) -> None:
        raise BrokenPipeError(record.getMessage())


async def test_a_line_that_cannot_be_written_stops_no_other(capfd):
    """The thread goes on; what went wrong is on standard error."""
    broken = logging.Logger("broken")
    broken.addHandler(Broken())
    pipe = FullPipe()
    pipe.room.set()
    first, second = ThreadedLog(broken), ThreadedLog(logger(pipe))
    first.info("lost")
    second.info("kept")
    await first.written()
    await second.written()
    assert pipe.lines == [("nobody's", "kept", "")]
    assert capfd.readouterr().err.splitlines()[-1] == "BrokenPipeError: lost"


FORKED = """
import logging, os, sys, threading
from types import SimpleNamespace
from airflow_sm_pipelines.triggers.log import ThreadedLog

def tell():
    told = threading.Event()
    ThreadedLog(SimpleNamespace(info=lambda _: told.set())).info("line")
    return told.wait(10)

assert tell()
child = os.fork()
if child == 0:
    os._exit(0 if tell() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_that_was_forked_has_a_thread_of_its_own():
    """Threads are not inherited."""
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
