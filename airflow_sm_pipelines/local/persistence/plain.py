"""Values of requests and answers as values of JSON, and back. Beyond JSON there are times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

_TIME: Final = "$time"
_OBJECT: Final = "$object"


def to_plain(value: Any) -> Any:
    """Return a value as one of JSON.

    :param value: objects with keys of text, lists, times, and what JSON has.
    :raises TypeError: it holds something else.
    """
    if isinstance(value, dt.datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, Mapping):
        plain = {key: to_plain(item) for key, item in value.items()}
        # An object that looks like one of ours is put into another.
        return {_OBJECT: plain} if plain.keys() in ({_TIME}, {_OBJECT}) else plain
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{value!r} cannot be kept: JSON cannot hold it")


def from_plain(plain: Any) -> Any:
    """Return the value that :func:`to_plain` was given. A tuple comes back as a list.

    :param plain: a value of JSON.
    """
    if isinstance(plain, dict):
        if plain.keys() == {_TIME}:
            return dt.datetime.fromisoformat(plain[_TIME])
        if plain.keys() == {_OBJECT}:
            plain = plain[_OBJECT]
        return {key: from_plain(item) for key, item in plain.items()}
    return [from_plain(item) for item in plain] if isinstance(plain, list) else plain
