"""Logs of triggers, written by a thread.

A line goes through a pipe to the triggerer's supervisor, which reads none while it sends the triggers to start, each
with its whole Dag. When the pipe is full then, and the event loop waits for room in it instead of taking what is sent,
both wait for ever: seen with Airflow 3.3.2 and 300 steps. A thread may wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from logging import Logger
from typing import Any


class ThreadedLog:
    """Writes to a log in a thread, the same for all, so that lines keep their order.

    Thousands of triggers have one each, so it holds next to nothing.

    All lines belong to the context that this is made in: by that Airflow knows which task's they are.

    :param log: the log.
    """

    __slots__ = ("_context", "_log", "_told")

    def __init__(self, log: Logger | Any) -> None:
        self._log = log
        self._context = contextvars.copy_context()
        self._told = False

    def info(self, message: str, *args: object) -> None:
        """Tell what happens.

        :param message: with places for the arguments, as the standard library has them.
        :param args: the arguments.
        """
        self._write(self._log.info, message, *args)

    def warning(self, message: str, *args: object) -> None:
        """Tell what somebody may want to change.

        :param message: with places for the arguments.
        :param args: the arguments.
        """
        self._write(self._log.warning, message, *args)

    def error(self, message: str, *args: object) -> None:
        """Tell of a failure.

        :param message: with places for the arguments.
        :param args: the arguments.
        """
        self._write(self._log.error, message, *args)

    def exception(self, message: str, *args: object) -> None:
        """Tell of the exception that is being handled, with its traceback.

        :param message: with places for the arguments.
        :param args: the arguments.
        """
        self._write(functools.partial(self._log.error, exc_info=sys.exc_info()[1]), message, *args)

    async def written(self) -> None:
        """Wait until everything is written: Airflow closes the log of a trigger when that ends."""
        if self._told:
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            # What was told before is written before.
            self._write(loop.call_soon_threadsafe, _complete, done)
            await done

    def _write(self, tell: Callable[..., object], *arguments: object) -> None:
        self._told = True
        _lines().put((self._context, tell, arguments))


_Line = tuple[contextvars.Context, Callable[..., object], tuple[object, ...]]


@functools.cache
def _lines() -> queue.SimpleQueue[_Line]:
    lines: queue.SimpleQueue[_Line] = queue.SimpleQueue()
    threading.Thread(target=_write_all, args=(lines,), name="sagemaker-pipelines-log", daemon=True).start()
    return lines


# A forked process has the queue and not the thread.
os.register_at_fork(after_in_child=_lines.cache_clear)


def _write_all(lines: queue.SimpleQueue[_Line]) -> None:
    while True:
        context, tell, arguments = lines.get()
        try:
            context.run(tell, *arguments)
        except Exception:  # noqa: BLE001 - no log would take it
            traceback.print_exc()


def _complete(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
