"""What this machine's pip and apt have been told, as the build gets it: mounted while it runs, part of no image."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PIP_HOME = "/root"
"""Where the build's user has a home directory. A mount over a directory that exists leaves no trace in the image."""

APT_CONFIGURATION = "/etc/apt/apt.conf.d"

_OF_THE_ENVIRONMENT = ":env:"
_FILE = "file://"
_WHERE_IT_STANDS = "config-file"


@dataclass(frozen=True)
class PipConfiguration:
    """A ``pip.conf`` for a container.

    :param text: its content.
    :param directories: those of this machine in which something is that it names, and where it names them.
    """

    text: str
    directories: dict[Path, str] = field(default_factory=dict)


def pip_configuration(listing: str) -> PipConfiguration:
    """Make a configuration out of what ``pip config list`` says.

    Files and directories that exist get another place in the container, together with the directory they are in: an
    index on disk leads to files beside it. pip lets environment variables override files, so they do here.

    :param listing: lines such as ``global.timeout='60'`` and ``:env:.find-links='/srv/wheels'``.
    """
    sections: dict[str, dict[str, str]] = {}
    directories: dict[Path, str] = {}
    lines = [line.partition("=") for line in listing.splitlines()]
    for name, _, literal in sorted(lines, key=lambda line: line[0].startswith(_OF_THE_ENVIRONMENT)):
        section, _, key = name.partition(".")
        if key == _WHERE_IT_STANDS:
            continue
        values = [_in_container(word, directories) for word in ast.literal_eval(literal).split()]
        section = "global" if section == _OF_THE_ENVIRONMENT else section
        sections.setdefault(section, {})[key] = " ".join(values)
    text = "".join(
        f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
        for section, keys in sections.items()
    )
    return PipConfiguration(text, directories)


def _in_container(word: str, directories: dict[Path, str]) -> str:
    path = Path(word.removeprefix(_FILE))
    if not path.is_absolute() or not path.exists():
        return word
    place = directories.setdefault(path.parent, f"{PIP_HOME}/machine/{len(directories)}")
    return f"{_FILE if word.startswith(_FILE) else ''}{place}/{path.name}"


def apt_configuration() -> str:
    """Return how this machine's apt fetches packages: proxies, certificates, retries."""
    return subprocess.run(["apt-config", "dump", "Acquire"], check=True, stdout=subprocess.PIPE, text=True).stdout


def build_volumes(directory: Path) -> list[str]:
    """Write both configurations into a directory and return the volumes by which a build reads them.

    :param directory: is made when it is not there.
    """
    listing = [sys.executable, "-m", "pip", "config", "list"]
    pip = pip_configuration(subprocess.run(listing, check=True, stdout=subprocess.PIPE, text=True).stdout)
    home, apt = directory / "home", directory / "apt"
    (home / ".config" / "pip").mkdir(parents=True, exist_ok=True)
    (home / ".config" / "pip" / "pip.conf").write_text(pip.text, encoding="utf-8")
    apt.mkdir(exist_ok=True)
    (apt / "machine").write_text(apt_configuration(), encoding="utf-8")
    volumes = [f"{home}:{PIP_HOME}:ro", f"{apt}:{APT_CONFIGURATION}:ro"]
    for path, place in pip.directories.items():
        # A mount needs something to be mounted on, and the home directory is read-only by then.
        (home / Path(place).relative_to(PIP_HOME)).mkdir(parents=True, exist_ok=True)
        volumes.append(f"{path}:{place}:ro")
    return volumes
