"""Debian's buildah with chroot isolation: it needs no daemon, no registry and nothing of the kernel but chroot."""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
WORK = CLONE / ".docker-check"
"""Everything that is written: images, containers, volumes, logs. ``make clean`` removes it."""

_STORAGE = f"""\
[storage]
driver = "vfs"
graphroot = "{WORK / "storage"}"
runroot = "{WORK / "run"}"
"""


@functools.cache
def environment() -> Mapping[str, str]:
    """Return the environment of every buildah process: nothing of it is kept outside the clone."""
    configuration = WORK / "storage.conf"
    configuration.write_text(_STORAGE, encoding="utf-8")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(WORK),
        "TMPDIR": str(WORK),
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(configuration),
    }


def buildah(*arguments: str | Path) -> str:
    """Run buildah to its end and return what it printed; what it complains of goes to standard error.

    :raises subprocess.CalledProcessError: it failed.
    """
    command = ["buildah", *map(str, arguments)]
    return subprocess.run(command, env=environment(), check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


@functools.cache
def container_of(image: str) -> str:
    """Return the container of an image: one for all that this process runs of it, since each is a copy of the image."""
    return buildah("from", "--quiet", "--pull-never", image)


def run_command(
    container: str,
    command: Sequence[str],
    *,
    user: str | None = None,
    capabilities: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
    volumes: Sequence[str] = (),
) -> list[str]:
    """Return the command line that runs a command in a container.

    :param container: a working container.
    :param command: program and arguments.
    :param user: instead of the image's.
    :param capabilities: beside the usual ones, such as ``SYS_ADMIN``.
    :param variables: beside the image's.
    :param volumes: as ``source:target:mode``.
    """
    return [
        "buildah",
        "run",
        "--no-hosts",  # buildah's own file would lie over that of a volume, now and then
        *(["--user", user] if user else []),
        *(f"--cap-add=CAP_{capability}" for capability in capabilities),
        *(f"--env={name}={value}" for name, value in (variables or {}).items()),
        *(f"--volume={volume}" for volume in volumes),
        container,
        "--",
        *command,
    ]
