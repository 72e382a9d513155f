"""Following an execution to its end: looks, what they show, and signals that stop it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final, Protocol

from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.running.execution import JobLogs, look, stop
from airflow_sm_pipelines.running.preparation import ALL

SECONDS_BETWEEN_LOOKS: Final = 0.2


class Interruption:
    """SIGINT and SIGTERM. While an execution is followed, the first one is noted; any other is a KeyboardInterrupt."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._signalled = threading.Event()
        self._is_following = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Take the signals for as long as this lasts."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the first signal, for as long as this lasts."""
        self._is_following = True
        try:
            yield
        finally:
            self._is_following = False

    def wait(self, seconds: float) -> bool:
        """Wait for a signal, and say whether there is a new one.

        :param seconds: for how long at most.
        """
        is_new = self._signalled.wait(seconds)
        self._signalled.clear()
        return is_new

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        is_first, self.number = self.number is None, self.number or number
        if self._is_following and is_first:
            self._signalled.set()
            return
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)  # what is left to do is to clean up
        raise KeyboardInterrupt


class View(Protocol):
    """What shows an execution to a person."""

    def show(self, snapshot: ExecutionSnapshot) -> None:
        """Show how far the execution is.

        :param snapshot: what was seen.
        """

    def say(self, line: str) -> None:
        """Show a line.

        :param line: such as one of a job's log.
        """


class LogLines:
    """The lines of jobs' logs, each with its step.

    :param logs: where the logs are.
    :param steps: whose logs; :data:`ALL` among them is every step.
    """

    def __init__(self, logs: JobLogs, steps: Sequence[str]) -> None:
        self._logs = logs
        self._steps = frozenset(steps)
        self._ended: set[str] = set()

    def new(self, snapshot: ExecutionSnapshot) -> list[str]:
        """Return the lines since the last time.

        :param snapshot: of the execution. The log of a step that has ended there is complete.
        """
        lines: list[str] = []
        for name, step in snapshot.steps.items():
            is_meant = name in self._steps or ALL in self._steps
            is_own = step.cache_hit_source is None and step.selective_source is None
            if is_meant and is_own and step.job_arn is not None and step.job_arn not in self._ended:
                lines.extend(f"[{name}] {line}" for line in self._logs.new_lines(step.job_arn))
                if step.status.is_terminal:
                    self._ended.add(step.job_arn)
        return lines


def follow(client: Any, arn: str, view: View, lines: LogLines, interruption: Interruption) -> ExecutionSnapshot:
    """Show an execution until it has ended; have it stopped at a signal.

    :param client: a SageMaker client.
    :param arn: the execution.
    :param view: what shows it.
    :param lines: the logs to show.
    :param interruption: the signals.
    :return: how it ended.
    :raises KeyboardInterrupt: at a second signal.
    """
    is_to_stop = False
    with interruption.noted():
        while True:
            snapshot = look(client, arn)
            for line in lines.new(snapshot):
                view.say(line)
            view.show(snapshot)
            if snapshot.status.is_terminal:
                return snapshot
            if is_to_stop:
                is_to_stop = not stop(client, arn)
            if interruption.wait(SECONDS_BETWEEN_LOOKS):
                view.say("stopping the execution; a second signal ends it at once")
                is_to_stop = True
