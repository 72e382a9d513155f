"""Give a process its own ``/opt/ml``: a private mount namespace, and a lifeline to the server.

SageMaker mounts a job's files at ``/opt/ml`` of a container. Here a job is an ordinary process of this machine
that sees its own directory there, and only there: nothing is created in the machine's ``/opt``, so several
jobs run side by side and an ordinary user can run them.

What it does not do: it is no security boundary. A job runs with the rights of whoever started the endpoint and
sees the rest of the file system. Everything that it started ends with it, in other sessions too, as long as it
stays in the job's mount namespace: only a process that goes into yet another one (``unshare``) outlives its job.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import select
import selectors
import shutil
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# The first line of output names the mount namespace, which every process of the job inherits and no other has, for
# as long as it exists: the kernel gives the number of a namespace that is gone to the next one. So the server opens
# the namespace before anything runs in it, and answers with a line.
#
# The next lines tie the job to the server: standard input is a pipe that only the server holds open. When the
# server ends, however it ends, ``read`` sees the end of the pipe and everything in the namespace is killed, itself
# last. A parent death signal would reach the first process only, not the script that the training toolkit starts.
#
# ``/opt/ml`` usually does not exist and cannot be created by an ordinary user, so a tmpfs goes over ``/opt`` and
# everything that was there is bound back. All of it is seen by this job alone and vanishes with it.
_ENTER = r"""
set -eu
root=$1
shift
job_path=$PATH
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
if [ "/proc/$PPID/ns/mnt" -ef /proc/self/ns/mnt ]; then
  echo "the job would be in the mount namespace of the endpoint" >&2
  exit 1
fi
readlink /proc/self/ns/mnt
exec 3<&0 </dev/null
read -r _ <&3
(
  trap '' TERM
  read -r _ <&3 || true
  read -r own _ </proc/self/stat
  for process in /proc/[0-9]*; do
    if [ "$process" != "/proc/$own" ] && [ "$process/ns/mnt" -ef /proc/self/ns/mnt ]; then
      kill -KILL "${process#/proc/}" || true
    fi
  done
  kill -KILL 0
) >/dev/null 2>&1 &
exec 3<&-
if [ ! -d /opt/ml ]; then
  mount --rbind /opt "$root/opt"
  mount -t tmpfs -o mode=0755 tmpfs /opt
  for entry in "$root"/opt/* "$root"/opt/.[!.]*; do
    name=${entry##*/}
    if [ -L "$entry" ]; then
      cp -P "$entry" "/opt/$name"
    elif [ -d "$entry" ]; then
      mkdir "/opt/$name"
      mount --rbind "$entry" "/opt/$name"
    elif [ -e "$entry" ]; then
      : > "/opt/$name"
      mount --bind "$entry" "/opt/$name"
    fi
  done
  mkdir /opt/ml
fi
mount --bind "$root/ml" /opt/ml
mount --bind "$root/hosts" /etc/hosts
cd "$root/home"
PATH=$job_path
exec "$@"
"""

_NAMESPACE = re.compile(r"mnt:\[\d+\]")
_DIRECTORIES = ("ml", "home", "tmp", "opt")

HOST_NAME = "algo-1"
"""What SageMaker calls the first instance of a job; it resolves inside the job, as training scripts expect."""


class SandboxUnavailableError(Exception):
    """This machine does not let the endpoint give a process its own ``/opt/ml``."""


@dataclass(frozen=True)
class JobDirectory:
    """Where one job's files are on this machine.

    :param root: The directory; ``ml`` below it is what the job sees as ``/opt/ml``.
    """

    root: Path

    @classmethod
    def create(cls, root: Path) -> JobDirectory:
        """Make the directory tree of a new job.

        :param root: A directory that does not exist yet.
        """
        for name in _DIRECTORIES:
            (root / name).mkdir(parents=True)
        known = Path("/etc/hosts").read_text(encoding="utf-8", errors="replace").rstrip("\n")
        (root / "hosts").write_text(f"{known}\n127.0.0.1 {HOST_NAME}\n", encoding="utf-8")
        return cls(root)

    @property
    def ml(self) -> Path:
        """What the job sees as ``/opt/ml``."""
        return self.root / "ml"

    def inside(self, path: str) -> Path:
        """Where a path that the job sees is on this machine.

        :param path: An absolute path at or below ``/opt/ml``.
        :raises ValueError: The path is elsewhere, or is by a link that the job has made.
        """
        normal = os.path.normpath(path)
        if normal != "/opt/ml" and not normal.startswith("/opt/ml/"):
            raise ValueError(f"{path!r} is not below /opt/ml")
        found = self.ml / os.path.relpath(normal, "/opt/ml")
        if not found.resolve().is_relative_to(self.ml.resolve()):
            raise ValueError(f"{path!r} is a link that leaves /opt/ml")
        return found


class JobProcess:
    """A running job: its first process, everything in that process's group and in the job's mount namespace.

    The job is over when its first process is, as a container is, whoever holds its output open.

    :param arguments: The complete command, namespace and all; its first line of output names the namespace.
    :param environment: The job's whole environment; nothing is inherited.
    :param on_line: Called with each further line of standard output and standard error, from one thread.
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

    @property
    def pid(self) -> int:
        """The id of the first process, which is also the id of its process group."""
        return self._process.pid

    def wait(self) -> int:
        """Wait for the first process, end what it left behind, and return its exit code.

        :return: The exit code as a container reports it: 128 + n for a process ended by signal n.
        """
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
        """Ask the job to end, and end it after the grace period. Somebody else must be in :meth:`wait`.

        :param grace_seconds: Time between SIGTERM and SIGKILL; SageMaker gives 120 seconds.
        """
        self._signal(signal.SIGTERM)
        if not self._exited.wait(grace_seconds):
            self.kill()

    def kill(self) -> None:
        """End the job's whole process group now."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._group_lock:
            if not self._group_gone:
                os.killpg(self._process.pid, number)

    def _hold_namespace(self, name: str) -> None:
        """Keep the namespace's number from being given to another job's, and let the job go on."""
        # The process is gone only if somebody killed it; then there was nothing in the namespace yet.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            self._namespace_handle = os.open(f"/proc/{self._process.pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            self._namespace = name
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
            if first is not None and _NAMESPACE.fullmatch(first):
                self._hold_namespace(first)
            elif first is not None:  # there is no namespace, and this is why
                on_line(first)
            for line in lines:
                on_line(line)


def _lines(output: int, process: int) -> Iterator[str]:
    """The lines in a pipe until it is closed, or until a process has ended and what it had written is read.

    A process in another session may hold the pipe open for longer than that, and go on writing.
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
                yield _text(line)
    if rest:
        yield _text(rest)


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
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # The handle comes first: should the id be given to another process now, the handle is not of that one.
            handle = os.pidfd_open(int(process.name))
        except ProcessLookupError:
            continue
        try:
            inside = str((process / "ns" / "mnt").readlink()) == namespace
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # ended, or somebody else's
            inside = False
        if inside:
            found.append(handle)
        else:
            os.close(handle)
    return found


class NamespaceSandbox:
    """Starts jobs in private mount namespaces. Get one with :meth:`probe`.

    :param unshare: The ``unshare`` command that works here, with its options.
    """

    def __init__(self, unshare: Sequence[str]) -> None:
        self._unshare = tuple(unshare)

    @classmethod
    def probe(cls, scratch: Path) -> NamespaceSandbox:
        """Find out how this machine gives a process its own ``/opt/ml``, by doing it once.

        Root needs a mount namespace only; an ordinary user, or root without CAP_SYS_ADMIN as in a container,
        needs a user namespace around it.

        :param scratch: An existing directory for the trial job.
        :raises SandboxUnavailableError: Neither way works; the message says what to do.
        """
        unshare_path = shutil.which("unshare")
        if unshare_path is None:
            raise SandboxUnavailableError(
                "The endpoint needs the command 'unshare' to run jobs: install the package util-linux."
            )
        mount = (unshare_path, "--mount")
        user = (unshare_path, "--user", "--map-root-user", "--mount")
        complaints: list[str] = []
        for number, unshare in enumerate((mount, user) if os.geteuid() == 0 else (user,)):
            sandbox = cls(unshare)
            directory = JobDirectory.create(scratch / f"probe-{number}")
            (directory.ml / "probe").write_text("own /opt/ml", encoding="utf-8")
            lines: list[str] = []
            process = sandbox.start(directory, ["cat", "/opt/ml/probe"], {"PATH": _PATH}, lines.append)
            if process.wait() == 0 and lines == ["own /opt/ml"]:
                return sandbox
            complaints.append(f"{' '.join(unshare)}: {'; '.join(lines) or 'no output'}")
        raise SandboxUnavailableError(
            "Jobs need their own /opt/ml in a private mount namespace, and this machine does not allow it"
            f" ({' | '.join(complaints)}). Fix: on a host, allow unprivileged user namespaces"
            " (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces above 0, and on Ubuntu"
            " kernel.apparmor_restrict_unprivileged_userns=0) or start the endpoint as root; in a container, add"
            " --cap-add SYS_ADMIN --security-opt apparmor=unconfined. The directory /opt must exist."
        )

    def start(
        self,
        directory: JobDirectory,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> JobProcess:
        """Start a command that sees ``directory.ml`` at ``/opt/ml``.

        :param directory: The job's directory.
        :param command: Program and arguments; the program is looked up in the environment's PATH.
        :param environment: The job's whole environment.
        :param on_line: Called with each output line.
        """
        arguments = [*self._unshare, "/bin/sh", "-c", _ENTER, "sagemaker-job", str(directory.root), *command]
        return JobProcess(arguments, environment, on_line)


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def job_path(interpreter: Path) -> str:
    """The PATH of a job: the interpreter's own directory first, so that ``python3`` is that interpreter.

    :param interpreter: The Python interpreter that stands for the image.
    """
    return f"{interpreter.parent}:{_PATH}"
