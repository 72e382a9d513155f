"""Reading JSON files that steps have written, so that what is read can be an Airflow XCom.

Airflow encodes an XCom several times on its way: as msgpack to the supervisor, as JSON to the API server and into the
database. What one of them does not take would fail the task without a word about the file, so it is refused here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final

from airflow_sm_pipelines.exceptions import PipelineExecutionError

MAXIMUM_LEVELS: Final = 100
"""How deep lists and objects may nest. Python's json, and Airflow's serialisation of XComs, fail at some hundreds."""

_INTEGERS: Final = range(-(2**63), 2**64)
"""The integers of msgpack."""

_KEYS_OF_AIRFLOW: Final = frozenset({"__classname__", "__id__", "__type", "__var"})
"""Airflow reads an object with such keys as one of Python's (``airflow.sdk.serde``)."""


def read_json_file(content: bytes, called: str) -> Any:
    """Return the value of a JSON file.

    :param content: the file.
    :param called: how messages call it, with its URI.
    :raises PipelineExecutionError: when it is not JSON, or holds what Airflow cannot keep; names file and place.
    """
    try:
        value = json.loads(content, parse_constant=refuse_constant)
    except RecursionError:
        raise PipelineExecutionError(f"{called} nests deeper than {MAXIMUM_LEVELS} levels; make it flatter") from None
    except ValueError as error:  # no JSON, no Unicode, or a number with more digits than Python reads
        raise PipelineExecutionError(f"{called} is not JSON: {error}") from None
    for problem, path in _problems(value):
        raise PipelineExecutionError(f"{called} cannot be read: {problem} @ {path}")
    return value


def refuse_constant(name: str) -> None:
    """Python reads and writes NaN and Infinity, which JSON does not have: neither Airflow nor SageMaker takes them."""
    raise ValueError(f"{name} is no JSON value; write null, or leave the key out")


def _problems(value: Any) -> Iterator[tuple[str, str]]:
    """Yield what Airflow cannot keep, with its place."""
    stack: list[tuple[Any, str, int]] = [(value, "$", 0)]
    while stack:
        current, path, level = stack.pop()
        if isinstance(current, (dict, list)) and level == MAXIMUM_LEVELS:
            yield f"it nests deeper than {MAXIMUM_LEVELS} levels; make it flatter", f"{path[:60]}..."
        elif isinstance(current, dict):
            for key, item in current.items():
                if (problem := _text_problem(key)) is not None:
                    yield f"a key has {problem}", path
                elif key in _KEYS_OF_AIRFLOW:
                    yield f"Airflow uses the key '{key}' itself; rename it", path
                stack.append((item, f"{path}.{key}", level + 1))
        elif isinstance(current, list):
            stack.extend((item, f"{path}[{index}]", level + 1) for index, item in enumerate(current))
        elif (problem := _scalar_problem(current)) is not None:
            yield problem, path


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, str):
        problem = _text_problem(value)
        return None if problem is None else f"the text has {problem}"
    if isinstance(value, float) and not math.isfinite(value):
        return "the number is larger than a float can be; write it smaller, or as text"
    if isinstance(value, int) and value not in _INTEGERS:
        return "the whole number has more than 64 bits; write it as text"
    return None


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character, which databases do not take; leave it out"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "half a surrogate pair, which is not Unicode; leave it out"
    return None
