"""Give a process its own ``/opt/ml``: a private mount namespace, and a lifeline to the server.

SageMaker mounts a job's files at ``/opt/ml`` of a container. Here a job is an ordinary process of this machine
that sees its own directory there, and only there: nothing is created in the machine's ``/opt``, so several
jobs run side by side and an ordinary user can run them.

What it does not do: it is not a security boundary. A job runs with the rights of whoever started the endpoint and
sees the rest of the file system. Everything that it started ends with it, in other sessions too, as long as it
stays in the job's mount namespace: only a process that goes into yet another one (``unshare``) outlives its job.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_sm_pipelines.local.jobs.sandbox import SYSTEM_PATH, JobDirectory, SandboxUnavailableError
from airflow_sm_pipelines.local.sandboxes.process import ENTERED, NamespaceProcess

# The first line of output says that the shell is in its mount namespace, which every process of the job inherits and no
# other has, for as long as it exists: the kernel gives the number of a namespace that is gone to the next one. So the
# server opens the namespace before anything runs in it, and answers with a line.
#
# The next lines tie the job to the server: standard input is a pipe that only the server holds open. When the
# server ends, however it ends, ``read`` sees the end of the pipe and everything in the namespace is killed, itself
# last. A parent death signal would reach the first process only, not the script that the training toolkit starts.
#
# Each program that is started here costs every job a millisecond or two: all mounts are one.
_ENTER = f"""
set -eu
root=$1
shift
job_path=$PATH
PATH={SYSTEM_PATH}
if [ "/proc/$PPID/ns/mnt" -ef /proc/self/ns/mnt ]; then
  echo "the job would be in the mount namespace of the endpoint" >&2
  exit 1
fi
echo {ENTERED}
exec 3<&0 </dev/null
read -r _ <&3
(
  trap '' TERM
  read -r _ <&3 || true
  read -r own _ </proc/self/stat
  for process in /proc/[0-9]*; do
    if [ "$process" != "/proc/$own" ] && [ "$process/ns/mnt" -ef /proc/self/ns/mnt ]; then
      kill -KILL "${{process#/proc/}}" || true
    fi
  done
  kill -KILL 0
) >/dev/null 2>&1 &
exec 3<&-
mount -a -T "$root/mounts"
cd "$root/home"
PATH=$job_path
exec "$@"
"""

_OPT = Path("/opt")


def _prepare_mounts(root: Path) -> None:
    """Write what ``mount`` is to do in a job's namespace, as a table of file systems.

    ``/opt/ml`` usually does not exist and cannot be created by an ordinary user. So a directory that has it, and a
    place for all else that is in ``/opt``, is mounted on ``/opt``, and what was there is bound back. All of it is seen
    by this job alone, and ends with it.

    :param root: of the job's directory.
    """
    mounts: list[tuple[Path, Path, str]] = []
    if _covered() == _OPT:
        before, over = root / "opt", root / "over-opt"
        before.mkdir()
        (over / "ml").mkdir(parents=True)
        mounts += [(_OPT, before, "rbind"), (over, _OPT, "bind")]
        for entry in _entries():
            place = over / entry.name
            if entry.is_symlink():
                place.symlink_to(Path(entry.path).readlink())
                continue
            if entry.is_dir():
                place.mkdir()
            else:
                place.touch()
            mounts.append((before / entry.name, _OPT / entry.name, "rbind"))
    mounts += [(root / "ml", _OPT / "ml", "bind"), (root / "hosts", Path("/etc/hosts"), "bind")]
    table = [f"{_field(source)} {_field(target)} none {kind} 0 0\n" for source, target, kind in mounts]
    (root / "mounts").write_bytes(b"".join(map(os.fsencode, table)))


def _covered() -> Path:
    """What jobs see something else in the place of: ``/opt/ml`` where that is a directory, else ``/opt``."""
    return _OPT / "ml" if os.path.isdir(_OPT / "ml") else _OPT  # noqa: PTH112 - one that may not be looked at is none


def _entries() -> list[os.DirEntry[str]]:
    """What is in ``/opt``, as far as it may be looked at, but for a file or a link that is called ``ml``."""
    try:
        with os.scandir(_OPT) as found:
            return [entry for entry in found if entry.name != "ml"]
    except PermissionError:
        return []


def _field(path: Path) -> str:
    """A path in a table of file systems: blanks end a field there."""
    return _BLANKS.sub(lambda found: f"\\{ord(found[0]):03o}", str(path))


# Other blanks, of which Unicode has many, are not blanks to mount.
_BLANKS = re.compile(r"[\s\\]", re.ASCII)


class NamespaceSandbox:
    """Starts jobs in private mount namespaces. Get one with :meth:`probe`.

    :param unshare: the ``unshare`` command that works here, with its options.
    """

    def __init__(self, unshare: Sequence[str]) -> None:
        self._unshare = tuple(unshare)

    @classmethod
    def probe(cls, scratch: Path) -> NamespaceSandbox:
        """Find out how this machine gives a process its own ``/opt/ml``, by doing it once.

        Root needs a mount namespace only; an ordinary user, or root without CAP_SYS_ADMIN as in a container,
        needs a user namespace around it.

        :param scratch: an existing directory for the trial job.
        :raises SandboxUnavailableError: neither way works, or jobs see something else where the directory is;
            the message says what to do.
        """
        unshare_path = shutil.which("unshare")
        if unshare_path is None:
            raise SandboxUnavailableError(
                "The endpoint needs the command 'unshare' to run jobs: install the package util-linux."
            )
        if scratch.resolve().is_relative_to(_covered().resolve()):
            raise SandboxUnavailableError(
                f"The directory {scratch} of the endpoint is below {_covered()}, where jobs see other files. Give "
                "another directory with --state-dir or TMPDIR."
            )
        mount = (unshare_path, "--mount")
        user = (unshare_path, "--user", "--map-root-user", "--mount")
        complaints: list[str] = []
        for number, unshare in enumerate((mount, user) if os.geteuid() == 0 else (user,)):
            sandbox = cls(unshare)
            directory = JobDirectory.create(scratch / f"probe-{number}")
            (directory.ml / "probe").write_text("own /opt/ml", encoding="utf-8")
            lines: list[str] = []
            process = sandbox.start(directory, ["cat", "/opt/ml/probe"], {"PATH": SYSTEM_PATH}, lines.append)
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
    ) -> NamespaceProcess:
        """Start a command in a mount namespace: see :meth:`airflow_sm_pipelines.local.jobs.sandbox.Sandbox.start`."""
        _prepare_mounts(directory.root)
        arguments = [*self._unshare, "/bin/sh", "-c", _ENTER, "sagemaker-job", str(directory.root), *command]
        return NamespaceProcess(arguments, environment, on_line)
