"""What a job knows of where it runs: its directory, and something that starts its process.

How a process gets its own ``/opt/ml`` is for those in ``local.sandboxes`` to know: jobs import none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of programs of the system."""


class SandboxUnavailableError(Exception):
    """This machine does not let the endpoint give a process its own ``/opt/ml``."""


@dataclass(frozen=True)
class JobDirectory:
    """Where the files of one instance of a job are on this machine.

    :param root: the directory; ``ml`` below it is what the job sees as ``/opt/ml``.
    """

    root: Path

    @classmethod
    def create(cls, root: Path, addresses: Mapping[str, str] | None = None) -> JobDirectory:
        """Make the directory tree of a new instance.

        :param root: a directory that does not exist yet.
        :param addresses: of the job's hosts, by name: they resolve inside the job, as training scripts expect.
        """
        for name in ("ml", "home", "tmp"):
            (root / name).mkdir(parents=True)
        known = Path("/etc/hosts").read_text(encoding="utf-8", errors="replace").rstrip("\n")
        own = "".join(f"{address} {name}\n" for name, address in (addresses or {}).items())
        (root / "hosts").write_text(f"{known}\n{own}", encoding="utf-8")
        return cls(root)

    @property
    def ml(self) -> Path:
        """What the job sees as ``/opt/ml``."""
        return self.root / "ml"


class JobProcess(Protocol):
    """A running job: its first process, and whatever that started."""

    def wait(self) -> int:
        """Wait for the first process, end what it left behind, and return its exit code.

        :return: the exit code as a container reports it: 128 + n for a process ended by signal n.
        """

    def stop(self, grace_seconds: float) -> None:
        """Ask the job to end, and end it after the grace period. Somebody else must be in :meth:`wait`.

        :param grace_seconds: time between SIGTERM and SIGKILL; SageMaker gives 120 seconds.
        """

    def kill(self) -> None:
        """End the job now."""


class Sandbox(Protocol):
    """Starts jobs. Each sees its own directory at ``/opt/ml``, however many run at once."""

    def start(
        self,
        directory: JobDirectory,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> JobProcess:
        """Start a command that sees ``directory.ml`` at ``/opt/ml``, in ``directory.root / "home"``.

        :param directory: the job's directory.
        :param command: program and arguments; the program is looked up in the environment's PATH.
        :param environment: the job's whole environment; nothing is inherited.
        :param on_line: called with each line of standard output and standard error, from one thread.
        """
