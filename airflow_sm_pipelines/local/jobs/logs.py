"""Send a job's output to CloudWatch Logs line by line, and remember its end for the failure reason."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

_BATCH_EVENTS = 1000
_BATCH_BYTES = 500_000
_TAIL_LINES = 40
_WAITING_EVENTS = 10_000
MOST_CHARACTERS = 50_000_000
"""So much of one job's log is kept: moto has all logs in memory. Of what comes after it only the last lines are."""

logger = logging.getLogger(__name__)

_ERROR_LINE = re.compile(r"^([A-Za-z_]\w*\.)*[A-Za-z_]\w*(Error|Exception|Interrupt)\b")


class LogStream:
    """One job's log stream. Lines are sent in batches by its own thread, in order.

    It is made with its first line, as on AWS: a job that prints nothing has none.

    :param client: a CloudWatch Logs client.
    :param group: the log group; made when missing.
    :param stream: the log stream.
    """

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client = client
        self._group = group
        self._stream = stream
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        # Bounded: a job that prints faster than that can be stored is made to wait.
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue(_WAITING_EVENTS)
        self._size = 0
        self._left_out = 0
        self._is_made = False
        self._sender = threading.Thread(target=self._send, name=f"log-{stream}", daemon=True)
        self._sender.start()

    def write(self, line: str) -> None:
        """Add one line.

        :param line: without its line end. CloudWatch refuses empty messages, so an empty line becomes a blank.
        """
        self._tail.append(line)
        self._size += len(line)
        if self._size <= MOST_CHARACTERS:
            self._put(line)
        else:
            self._left_out += 1

    def close(self) -> None:
        """Send what is left and end. Afterwards the log can be read from CloudWatch Logs."""
        shown = self.tail[-min(self._left_out, _TAIL_LINES) :] if self._left_out else []
        left_out = self._left_out - len(shown)
        if left_out:
            self._put(
                f"[{left_out} lines are left out: the local endpoint keeps {MOST_CHARACTERS} characters of a log]"
            )
        for line in shown:
            self._put(line)
        self._events.put(None)
        self._sender.join()

    @property
    def tail(self) -> list[str]:
        """The last lines."""
        return list(self._tail)

    def _put(self, line: str) -> None:
        self._events.put({"timestamp": int(time.time() * 1000), "message": line or " "})

    def _make(self) -> None:
        """Make the stream. Only the first job of a kind finds no group: so the others need no request about it."""
        names = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            self._client.create_log_stream(**names)
        except self._client.exceptions.ResourceNotFoundException:
            with contextlib.suppress(self._client.exceptions.ResourceAlreadyExistsException):  # another job made it
                self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(**names)

    def _send(self) -> None:
        open_ = True
        while open_:
            batch: list[dict[str, Any]] = []
            size = 0
            event = self._events.get()
            while event is not None:
                batch.append(event)
                size += len(event["message"])
                if len(batch) >= _BATCH_EVENTS or size >= _BATCH_BYTES:
                    break
                try:
                    event = self._events.get_nowait()
                except queue.Empty:
                    break
            else:
                open_ = False
            if batch:
                self._store(batch)

    def _store(self, batch: list[dict[str, Any]]) -> None:
        try:
            if not self._is_made:
                self._make()
                self._is_made = True
            self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
        except Exception:
            # The job continues, and whoever writes must not wait for room that nobody makes.
            logger.exception("%s lines of the log %s are lost", len(batch), self._stream)


def last_error_line(output: Sequence[str]) -> str:
    """The line that says best why a script failed: the last exception line, else the last line that says anything.

    :param output: the last lines that the script printed.
    :return: an empty string when it printed nothing.
    """
    said = [line.strip() for line in output if line.strip()]
    for line in reversed(said):
        if _ERROR_LINE.search(line):
            return line
    return said[-1] if said else ""
