"""The file that names an interpreter for each image.

.. code-block:: toml

    [[image]]
    pattern = "*/sagemaker-xgboost:1.7-*"
    python = "~/environments/xgboost/bin/python"

The first pattern that matches an image's URI counts. What matches none runs with the endpoint's own choice.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter

_KEYS: Final = ("pattern", "python")
_EXAMPLE: Final = '[[image]] with pattern = "*/sagemaker-xgboost:*" and python = "/path/to/bin/python"'


class ImagesFileError(Exception):
    """The file of interpreters for images cannot be used; the message names file, entry and fix."""


def read_images_file(path: Path) -> tuple[tuple[str, Interpreter], ...]:
    """Return patterns of images and the interpreters that stand for them, in the file's order.

    :param path: a TOML file. A relative interpreter is looked for beside it.
    :raises ImagesFileError: the file cannot be read, or says something that is not understood, or an interpreter is not
        there or does not work.
    """
    interpreters: dict[Path, Interpreter] = {}
    found = []
    for number, entry in enumerate(_entries(path), 1):
        where = f"{path}, [[image]] {number}"
        pattern, python = _checked(entry, where)
        executable = path.absolute().parent / Path(python).expanduser()
        if executable not in interpreters:
            interpreters[executable] = _interpreter(executable, f"{where} ({pattern!r})")
        found.append((pattern, interpreters[executable]))
    return tuple(found)


def _entries(path: Path) -> list[Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ImagesFileError(f"{path} cannot be read: {error.strerror}. Give --images a file that is there") from None
    except ValueError as error:  # also of text that is not UTF-8
        raise ImagesFileError(f"{path} is not TOML: {error}") from None
    for key in content:
        if key != "image":
            raise ImagesFileError(f"{path} has the key {key!r}, which is not known. Write {_EXAMPLE}")
    entries = content.get("image", [])
    if not isinstance(entries, list):
        raise ImagesFileError(f"{path}: image is not an array of tables. Write {_EXAMPLE}")
    return entries


def _checked(entry: Any, where: str) -> tuple[str, str]:
    if not isinstance(entry, Mapping):
        raise ImagesFileError(f"{where} is not a table. Write {_EXAMPLE}")
    if "docker" in entry:
        raise ImagesFileError(
            f"{where} names a Docker image. The local endpoint does not run containers: give python, the path of an "
            "interpreter that has the image's packages"
        )
    for key in entry:
        if key not in _KEYS:
            raise ImagesFileError(
                f"{where} has the key {key!r}, which is not known. Write {_EXAMPLE}{did_you_mean(key, _KEYS)}"
            )
    for key in _KEYS:
        if not isinstance(entry.get(key), str) or not entry[key]:
            raise ImagesFileError(f"{where} has no text as its {key}. Write {_EXAMPLE}")
    return entry["pattern"], entry["python"]


def _interpreter(executable: Path, where: str) -> Interpreter:
    try:
        return Interpreter.ask(executable)
    except OSError as error:
        said = f"{executable} is not there or cannot be executed" if error.strerror else str(error)
        raise ImagesFileError(
            f"{where}: {said}. Make an environment with python3 -m venv, and give the path of its bin/python"
        ) from None
