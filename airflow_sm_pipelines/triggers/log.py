"""Logs of triggers, written by a thread.

A line goes through a pipe to the triggerer's supervisor, which reads none while it sends the triggers to start, each
with its whole Dag. When the pipe is full then, and the event loop waits for room in it instead of taking what is sent,
both wait for ever: seen with Airflow 3.3.2 and 300 steps. A thread may wait.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
            await asyncio.wrap_future(_writer().submit(_nothing))  # what was told before is written before

    def _write(self, tell: Callable[..., None], *arguments: object) -> None:
        self._told = True
        _writer().submit(self._context.run, tell, *arguments)


def _nothing() -> None: ...


@functools.cache
def _writer() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sagemaker-pipelines-log")
