"""Named pipes that a job reads its input from, one for each time that it reads it through."""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock, Thread
from typing import Final

_PIECE: Final = 1 << 16


class Pipe:
    """A channel in Pipe mode: ``<channel>_0``, ``<channel>_1`` and so on, each there before the one before it is read.

    What a reader leaves in a pipe is lost, and the next pipe starts empty.

    :param place: the channel's path, without the number.
    :param content: the pieces of each epoch's content, by its number.
    """

    def __init__(self, place: Path, content: Callable[[int], Iterable[bytes]]) -> None:
        self._place = place
        self._content = content
        self._lock = Lock()
        self._closed = False
        self._waiting: int | None = None  # the pipe that is opened or written to
        self._failed: Callable[[Exception], None] = lambda _: None
        self._thread: Thread | None = None

    def open(self, failed: Callable[[Exception], None]) -> None:
        """Make the first pipe, and write to it when somebody reads.

        :param failed: called when the content cannot be had. The pipe then ends.
        """
        self._failed = failed
        first = self._make(0)
        self._thread = Thread(target=self._feed, args=(first,), name=f"pipe-{self._place.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write no more. Called when no job reads any more, or is to read."""
        with self._lock:
            self._closed = True
            # Whoever waits for a reader gets one. It is opened while the lock is held: the writer cannot be gone.
            reader = None if self._waiting is None else _open(self._waiting, os.O_RDONLY | os.O_NONBLOCK)
        if reader is not None:
            poll = select.poll()
            poll.register(reader, select.POLLIN)
            ended = False
            while not ended:
                poll.poll()
                with contextlib.suppress(BlockingIOError):
                    ended = not os.read(reader, _PIECE)
            os.close(reader)
        if self._thread is not None:
            self._thread.join()

    def _make(self, epoch: int) -> int:
        """Make a pipe and return a handle of it, which stays its own whatever the job puts in its place."""
        self._place.parent.mkdir(parents=True, exist_ok=True)
        path = self._place.with_name(f"{self._place.name}_{epoch}")
        os.mkfifo(path)
        return os.open(path, os.O_PATH | os.O_NOFOLLOW)

    def _feed(self, pipe: int) -> None:
        epoch, following = 0, None
        try:
            while self._is_next(pipe):
                writer = _open(pipe, os.O_WRONLY)  # waits for a reader
                try:
                    if self._closed:  # the reader is the one that closes
                        return
                    following = self._make(epoch + 1)
                    self._write(writer, epoch)
                finally:
                    with self._lock:
                        self._waiting = None
                        os.close(writer)
                os.close(pipe)
                pipe, following, epoch = following, None, epoch + 1
        except Exception as error:  # noqa: BLE001 - told to the job, which fails
            self._failed(error)
        finally:
            os.close(pipe)
            if following is not None:
                os.close(following)

    def _is_next(self, pipe: int) -> bool:
        with self._lock:
            self._waiting = None if self._closed else pipe
            return not self._closed

    def _write(self, writer: int, epoch: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # the reader has seen enough
            for content in self._content(epoch):
                rest = memoryview(content)
                while rest and not self._closed:
                    rest = rest[os.write(writer, rest[:_PIECE]) :]
                if self._closed:
                    return


def _open(handle: int, flags: int) -> int:
    return os.open(f"/proc/self/fd/{handle}", flags | os.O_CLOEXEC)
