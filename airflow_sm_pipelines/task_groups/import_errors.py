"""An error of a Dag file as its author needs it: the line of the file and the message, without frames of libraries."""

from __future__ import annotations

import re
import site
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEAD: Final = "Traceback (most recent call last):\n"
_FRAME: Final = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in .*)?\n(?P<code>(?:    .*\n)*)', re.M)
_OWN_ERROR: Final = re.compile(r"airflow_sm_pipelines\.exceptions\.\w+: ")


def import_error(dag_file: Path, trace: str) -> str:
    """Return the message for an import error.

    :param dag_file: the Dag file.
    :param trace: the traceback, as Airflow keeps it.
    """
    last = f"{trace.rpartition(_HEAD)[2].strip()}\n"
    frames = list(_FRAME.finditer(last))
    message = _OWN_ERROR.sub("", (last[frames[-1].end() :] if frames else last).strip(), count=1)
    own = [frame for frame in frames if not _is_library(Path(frame["path"]))]
    if not own:
        return f"{dag_file} cannot be imported: {message}"
    return f"{dag_file} cannot be imported.\n{''.join(_places(dag_file, own))}{message}"


def _places(dag_file: Path, frames: list[re.Match[str]]) -> Iterator[str]:
    for frame in frames:
        name = str(dag_file) if Path(frame["path"]) == dag_file.resolve() else frame["path"]
        code = "".join(line for line in frame["code"].splitlines(keepends=True) if line.strip(" ~^\n"))
        yield f"{name}, line {frame['line']}:\n{code}"


def _is_library(path: Path) -> bool:
    """Whether a file is Python's, a package's, or one of this package."""
    if path.name.startswith("<"):
        return True
    paths = sysconfig.get_paths()
    libraries = [paths["stdlib"], paths["platstdlib"], paths["purelib"], paths["platlib"], *site.getsitepackages()]
    return any(path.is_relative_to(each) for each in [*libraries, str(Path(__file__).parents[1])])
