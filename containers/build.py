"""``python -m containers.build``: the images that docker/compose.yaml names, without a registry.

docker/Dockerfile is built as it is. Its base image, and that of the database, are made from Debian's packages: they
stand in for the official ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from containers.buildah import CLONE, WORK, buildah, environment
from containers.machine import apt_configuration, build_volumes

IMAGE = "airflow-sm-pipelines:local"
ENTRYPOINT = "/usr/local/bin/docker-entrypoint.sh"
LINES_OF_A_FAILED_BUILD = 40


@dataclass(frozen=True)
class StandIn:
    """An image of Debian's packages under the name of an official one.

    :param name: the official image's.
    :param packages: what is installed beside Debian's minimum.
    :param entrypoint: a program that is put where official images have theirs.
    """

    name: str
    packages: Sequence[str]
    entrypoint: Path | None = None


PYTHON = StandIn(
    "docker.io/library/python:3.11-slim-bookworm",
    ("ca-certificates", "mount", "python-is-python3", "python3", "python3-dev", "python3-venv"),
)
POSTGRES = StandIn(
    "docker.io/library/postgres:16", ("postgresql-15",), Path(__file__).with_name("postgres-entrypoint.sh")
)


def main() -> int:
    """Make the stand-ins that are not there yet, and build the image, which is always built anew.

    :return: the exit status.
    """
    WORK.mkdir(exist_ok=True)
    buildah("rm", "--all")  # those of the last check
    known = buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines()
    for stand_in in (PYTHON, POSTGRES):
        if stand_in.name not in known:
            _say(f"making a stand-in for {stand_in.name} out of Debian's packages")
            _make(stand_in)
    _say(f"building {IMAGE} from docker/Dockerfile")
    log = WORK / "build.log"
    status = _build(log)
    if status != 0:
        _say(f"the build failed with status {status}. The end of {log}:")
        print(*log.read_text(encoding="utf-8").splitlines()[-LINES_OF_A_FAILED_BUILD:], sep="\n")
    return status


def _make(stand_in: StandIn) -> None:
    tar, apt = WORK / "base.tar", WORK / "apt.conf"
    apt.write_text(apt_configuration(), encoding="utf-8")
    subprocess.run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            f"--include={','.join(stand_in.packages)}",
            f"--aptopt={apt}",
            # mmdebstrap leaves the options it was given in the result; they are this machine's.
            '--customize-hook=rm "$1/etc/apt/apt.conf.d/99mmdebstrap"',
            "bookworm",
            str(tar),
        ],
        check=True,
    )
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, tar, "/")
    if stand_in.entrypoint is not None:
        buildah("copy", "--quiet", container, stand_in.entrypoint, ENTRYPOINT)
    buildah("commit", "--quiet", "--rm", container, stand_in.name)
    tar.unlink()


def _build(log: Path) -> int:
    dockerfile = CLONE / "docker" / "Dockerfile"
    command = [
        *("buildah", "bud", "--pull-never", "--tag", IMAGE),
        *(f"--volume={volume}" for volume in build_volumes(WORK / "machine")),
        *("--ignorefile", str(dockerfile.with_name("Dockerfile.dockerignore"))),
        *("--file", str(dockerfile), str(CLONE)),
    ]
    with log.open("wb") as output:
        return subprocess.run(
            command, env=environment(), stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode


def _say(what: str) -> None:
    print(f"docker-check: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
