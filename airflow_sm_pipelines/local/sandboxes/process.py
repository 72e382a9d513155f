"""A process in its own mount namespace: what it prints, when it is over, and the end of all that it started."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import selectors
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

LONGEST_LINE = 60_000
"""Longer lines are cut, in bytes. CloudWatch Logs and moto take events of up to 256 KiB, in batches of up to 1 MiB."""

ENTERED = "entered"
"""The first line of output of a process that is in its mount namespace, and waits for a line of input."""


class NamespaceProcess:
    """A running job: its first process, everything in that process's group and in the job's mount namespace.

    The job is over when its first process is, as a container is, whoever holds its output open.

    :param arguments: the complete command, namespace and all; its first line of output is :data:`ENTERED`.
    :param environment: the job's whole environment; nothing is inherited.
    :param on_line: called with each further line of standard output and standard error, from one thread.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - running what the user's pipeline says is the purpose
            list(arguments),
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._handle = os.pidfd_open(self._process.pid)
        self._namespace: str | None = None
        self._namespace_handle: int | None = None
        self._group_lock = threading.Lock()
        self._group_gone = False
        self._exited = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(on_line,), name="job-output", daemon=True)
        self._reader.start()

    def wait(self) -> int:
        """Wait for the first process, end its group and its namespace, and return its exit code."""
        # WNOWAIT leaves the zombie in place, so that the group's id cannot be reused before it is killed.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        with self._group_lock:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._group_gone = True
            code = self._process.wait()
        self._exited.set()
        self._reader.join()
        os.close(self._handle)
        if self._namespace is not None and self._namespace_handle is not None:
            _end_namespace(self._namespace)
            os.close(self._namespace_handle)
        if self._process.stdin is not None:
            self._process.stdin.close()
        return 128 - code if code < 0 else code

    def stop(self, grace_seconds: float) -> None:
        """Send SIGTERM, and SIGKILL after the grace period. Somebody else must be in :meth:`wait`."""
        self._signal(signal.SIGTERM)
        if not self._exited.wait(grace_seconds):
            self.kill()

    def kill(self) -> None:
        """End the job's process group now; :meth:`wait` ends the rest."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._group_lock:
            if not self._group_gone:
                os.killpg(self._process.pid, number)

    def _hold_namespace(self) -> None:
        """Keep the namespace's number from being given to another job's, and let the job continue."""
        # The process is gone only if somebody killed it; then there was nothing in the namespace yet.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            namespace = f"/proc/{self._process.pid}/ns/mnt"
            self._namespace_handle = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            self._namespace = os.readlink(namespace)  # noqa: PTH115 - as below
        if self._process.stdin is None:
            raise RuntimeError("the job was started without an input pipe")
        with contextlib.suppress(BrokenPipeError):
            # Not through the buffer, which would try to send the line again when it is closed.
            os.write(self._process.stdin.fileno(), b"\n")

    def _read(self, on_line: Callable[[str], None]) -> None:
        stream = self._process.stdout
        if stream is None:
            raise RuntimeError("the job was started without an output pipe")
        with stream:
            lines = _lines(stream.fileno(), self._handle)
            first = next(lines, None)
            if first == ENTERED:
                self._hold_namespace()
            elif first is not None:  # there is no namespace, and this is why
                on_line(first)
            for line in lines:
                on_line(line)


def _lines(output: int, process: int) -> Iterator[str]:
    """The lines in a pipe until it is closed, or until a process has ended and what it had written is read.

    A process in another session may hold the pipe open for longer than that, and keep writing.
    """
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(process, selectors.EVENT_READ)
        chunk, ended = b"", False
        while not ended:
            ended = any(key.fd == process for key, _ in selector.select())
            # One read takes all that is in the pipe at this moment. Without anything in it a read would block.
            waiting: int = struct.unpack("i", fcntl.ioctl(output, termios.FIONREAD, bytes(4)))[0]
            chunk = os.read(output, waiting if ended else max(waiting, 1))
            ended = ended or not chunk
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield from map(_text, _cut(line))
            *pieces, rest = _cut(rest)
            yield from map(_text, pieces)
    if rest:
        yield _text(rest)


def _cut(line: bytes) -> Iterator[bytes]:
    """A line in pieces that are not too long, the last one perhaps empty. No character is cut in two."""
    start = 0
    while len(line) - start > LONGEST_LINE:
        end = start + LONGEST_LINE
        while end > start + LONGEST_LINE - 4 and line[end] & 0xC0 == 0x80:  # in the midst of a UTF-8 character
            end -= 1
        yield line[start:end]
        start = end
    yield line[start:]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")


def _end_namespace(namespace: str) -> None:
    """Kill every process in a mount namespace, and what they start meanwhile, and wait until they have ended."""
    while handles := _processes_in(namespace):
        for handle in handles:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        for handle in handles:
            end = select.poll()
            end.register(handle, select.POLLIN)
            end.poll()
            os.close(handle)


def _processes_in(namespace: str) -> list[int]:
    """Handles of the processes in a mount namespace, as far as they may be looked at."""
    found: list[int] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - at the end of each job, and paths take three times as long
        if not name.isdecimal() or not _is_in(name, namespace):
            continue
        try:
            handle = os.pidfd_open(int(name))
        except ProcessLookupError:
            continue
        # The id may have been given to another process since: then the handle is of that one.
        if _is_in(name, namespace):
            found.append(handle)
        else:
            os.close(handle)
    return found


def _is_in(process: str, namespace: str) -> bool:
    try:
        return os.readlink(f"/proc/{process}/ns/mnt") == namespace  # noqa: PTH115 - as above
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # ended, or somebody else's
        return False
