"""Processes that are started here, looked after, and gone when they are no longer needed. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import pwd
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

# From linux/prctl.h.
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

SECONDS_TO_END = 10.0
"""How long a process may take to end by itself after SIGTERM."""


class ComponentError(Exception):
    """A component did not start, or ended when it should not have; the message holds the end of its log."""


class Component:
    """A long-running process in its own session, with everything it wrote in one file.

    :param name: how it is called in messages and in the log file's name.
    :param command: program and arguments.
    :param environment: the whole environment; nothing is inherited.
    :param log_path: where its output goes.
    :param owner: the user it runs as, with that user's group alone; ``None`` for the user who starts it. It then works
        in ``/``: that user may have no access to the directory of this process.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log_path: Path,
        owner: pwd.struct_passwd | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.log_path = log_path
        self.owner = owner
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; does not wait for it to be ready."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=None if self.owner is None else "/",
                user=None if self.owner is None else self.owner.pw_uid,
                group=None if self.owner is None else self.owner.pw_gid,
                extra_groups=None if self.owner is None else (),
            )

    def wait(self, seconds: float) -> None:
        """Wait for a command that is meant to end.

        :raises ComponentError: it failed, or did not end in time.
        """
        if self._process is None:
            raise ComponentError(f"{self.name} was not started.")
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ComponentError(self._complaint(f"did not end within {seconds:.0f} s")) from None
        if status != 0:
            raise ComponentError(self._complaint(f"ended with status {status}"))

    def require_running(self) -> None:
        """Say so if it is gone.

        :raises ComponentError: it has ended.
        """
        if self._process is not None and (status := self._process.poll()) is not None:
            raise ComponentError(self._complaint(f"ended with status {status}"))

    def tail(self, lines: int = 30) -> str:
        """Return the last lines it wrote."""
        if not self.log_path.exists():
            return ""
        with self.log_path.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=lines))

    @property
    def pid(self) -> int | None:
        """The number of its first process, which is that of its session too."""
        return None if self._process is None else self._process.pid

    def processes(self) -> list[psutil.Process]:
        """Return what is running of it: the process and everything it started."""
        if self._process is None:
            return []
        # A child that outlived its parent is no descendant any more, but still in the session.
        return [*_session(self._process.pid), *_descendants(self._process.pid)]

    def pause(self) -> None:
        """Freeze it and everything it started, wherever they are; :meth:`resume` lets them continue.

        :raises ComponentError: one of the processes did not stop.
        """
        processes = self.processes()
        for process in processes:
            _signal(process, signal.SIGSTOP)
        deadline = time.monotonic() + SECONDS_TO_END
        # The kernel tells of the stop of a process to its parent only, and these have different ones.
        while not all(_stands_still(process) for process in processes):
            if time.monotonic() > deadline:
                raise ComponentError(f"{self.name} did not stop on SIGSTOP within {SECONDS_TO_END:.0f} s.")
            time.sleep(0.01)

    def resume(self) -> None:
        """Let it continue after :meth:`pause`."""
        for process in self.processes():
            _signal(process, signal.SIGCONT)

    def kill(self) -> None:
        """End it and everything it started at once, as a machine that is gone does. It can be started again."""
        # What is frozen starts nothing new while its processes are listed.
        self.pause()
        everything = self.processes()
        for process in everything:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(everything, timeout=SECONDS_TO_END)
        self.forget()

    def forget(self) -> None:
        """Take note that its processes have been ended."""
        if self._process is not None:
            self._process.wait()
            self._process = None

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}. The end of {self.log_path}:\n{self.tail()}"


def stop_components(components: Iterable[Component]) -> None:
    """End components and everything they started, all at the same time.

    Each component ends its own children first, in its own order; what it leaves behind is ended here.
    """
    stopping = list(components)
    everything = [process for component in stopping for process in component.processes()]
    end_processes([process for process in everything if process.pid in {each.pid for each in stopping}])
    end_processes(everything)
    for component in stopping:
        component.forget()


def end_processes(processes: Sequence[psutil.Process], seconds: float = SECONDS_TO_END) -> None:
    """End the given processes: SIGTERM, then SIGKILL for those still there after some seconds.

    psutil compares start times, so a process that took over the number of an ended one is safe.
    """
    remaining = list({process.pid: process for process in processes}.values())
    for process in remaining:
        _signal(process, signal.SIGTERM)
    _, remaining = psutil.wait_procs(remaining, timeout=seconds)
    for process in remaining:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(remaining, timeout=seconds)


def end_with_parent() -> None:
    """Have the kernel send SIGTERM to this process when the process that started it is gone."""
    parent = os.getppid()
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants that lose theirs, so that it can find and end them."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def own_descendants() -> list[psutil.Process]:
    """Return every process below this one."""
    return psutil.Process().children(recursive=True)


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return  # It ended by itself in the meantime, which is what was wanted.


def _stands_still(process: psutil.Process) -> bool:
    try:
        return bool(process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE))
    except psutil.NoSuchProcess:
        return True


def _session(session_id: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session_id:
                found.append(process)
        except (ProcessLookupError, PermissionError):
            continue  # It ended while the list was made, or is somebody else's.
    return found


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
