"""Reading JSON files that steps have written, so that what is read can be an Airflow XCom.

Airflow encodes an XCom several times on its way: as msgpack to the supervisor, as JSON to the API server and into the
database. What one of them does not take would fail the task without a word about the file, so it is refused here.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any, Final

from airflow_sm_pipelines.exceptions import PipelineExecutionError

MAXIMUM_LEVELS: Final = 64
"""How deep lists and objects may nest. MySQL stores 100 levels of JSON, and a file lies one level deep in its XCom."""

_TOO_DEEP: Final = f"it nests deeper than {MAXIMUM_LEVELS} levels; make it flatter"

_INTEGERS: Final = range(-(2**63), 2**64)
"""The integers of msgpack, of at most 20 characters. Python itself does not read those of some thousand digits."""

_KEYS_OF_AIRFLOW: Final = frozenset({"__classname__", "__id__", "__type", "__var"})
"""Airflow reads an object with such keys as one of Python's (``airflow.sdk.serde``)."""

_LONGEST_SHOWN: Final = 200
"""Characters of a place or a key that a message shows: a key may be as long as the file."""


class _Repeated(dict[str, Any]):
    """An object that has a key more than once. Other readers of JSON take the first, Python the last."""


def read_json_file(content: bytes, called: str) -> Any:
    """Return the value of a JSON file.

    :param content: the file.
    :param called: how messages call it, with its URI.
    :raises PipelineExecutionError: when it is not JSON, or holds what Airflow cannot keep; names file and place.
    """
    try:
        value = json.loads(content, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise PipelineExecutionError(f"{called} cannot be read: {_TOO_DEEP}") from None
    except ValueError as error:  # no JSON, or no Unicode
        raise PipelineExecutionError(f"{called} is not JSON: {error}") from None
    if (found := problem_for_airflow(value)) is not None:
        problem, place = found
        place = f"${place}"
        place = place if len(place) <= _LONGEST_SHOWN else f"{place[:_LONGEST_SHOWN]}..."
        raise PipelineExecutionError(f"{called} cannot be read: {problem} @ {place}")
    return value


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) == len(members):
        return made
    return _Repeated({key: made[key] for key, times in Counter(key for key, _ in members).items() if times > 1})


def _integer(digits: str) -> int:
    return int(digits) if len(digits) <= 20 else _INTEGERS.stop


def problem_for_airflow(value: Any, levels: int = MAXIMUM_LEVELS) -> tuple[str, str] | None:
    """Return the first thing that Airflow cannot keep, and its place in the value; ``None`` where there is none.

    The place is put together on the way back: a key may be long, and stand above a million values.

    :param value: JSON.
    :param levels: how deep lists and objects may nest.
    """
    if not isinstance(value, (dict, list)):
        problem = _scalar_problem(value)
    elif levels == 0:
        problem = _TOO_DEEP
    else:
        problem = _keys_problem(value) if isinstance(value, dict) else None
    if problem is not None:
        return problem, ""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            if (found := problem_for_airflow(item, levels - 1)) is not None:
                here = f".{key}" if str(key).isidentifier() else f"[{json.dumps(key)}]"
                return found[0], here + found[1]
    return None


def _keys_problem(value: dict[str, Any]) -> str | None:
    for key in value:
        if (problem := _text_problem(key)) is not None:
            return f"a key has {problem}"
        if key in _KEYS_OF_AIRFLOW:
            return f"Airflow uses the key '{key}' itself; rename it"
    if isinstance(value, _Repeated):
        return f"it has the key {next(iter(value))[:_LONGEST_SHOWN]!r} more than once; leave one of them"
    return None


def _scalar_problem(value: Any) -> str | None:
    if isinstance(value, str):
        problem = _text_problem(value)
        return None if problem is None else f"the text has {problem}"
    if isinstance(value, float) and not math.isfinite(value):
        return "the number is NaN, infinite or too large for a float; write it as text, or null"
    if isinstance(value, int) and value not in _INTEGERS:
        return "the whole number has more than 64 bits; write it as text"
    return None


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return "a NUL character, which databases do not take; leave it out"
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "half a surrogate pair, which is not Unicode; leave it out"
    return None
