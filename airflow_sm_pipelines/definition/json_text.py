"""JSON text of documents, read as strictly as those of other languages read it.

Python's own ``json`` takes an object with a key twice, of which it drops all but the last; ``NaN`` and infinities,
which only Python writes; and numbers that become infinities. None of that is read here.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Final

MAXIMUM_LEVELS: Final = 300
"""How deep objects and lists of a document may nest. Thirty-one Condition steps around one step are 104 levels;
Python's json fails at some hundreds."""

TOO_DEEP: Final = f"the document nests deeper than {MAXIMUM_LEVELS} levels; make it flatter"
_LONGEST_PLACE: Final = 100
_SCALARS: Final = frozenset({str, int, float, bool, NoneType})
_BYTE_ORDER_MARK: Final = "\ufeff"


class RepeatedKeysError(ValueError):
    """Objects of a JSON text have keys more than once.

    :param places: the path of an object, such as ``$.Steps[0]``, and a key it has more than once; in the text's order.
    """

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__("keys more than once: " + ", ".join(f"{path}.{key}" for path, key in places))
        self.places = tuple(places)


class TooDeepError(ValueError):
    """A JSON text nests too deep."""


def read_json(text: str) -> Any:
    """Return the value that JSON text holds.

    :param text: JSON.
    :raises RepeatedKeysError: when an object has a key more than once.
    :raises TooDeepError: when it nests deeper than Python reads; :func:`too_deep` tells of what nests less deep.
    :raises ValueError: when it is not JSON; the message names line and column.
    """
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("it begins with a byte order mark; save it as UTF-8 without one")
    objects = _Objects()
    try:
        value = json.loads(text, object_pairs_hook=objects, parse_constant=refuse_constant, parse_float=_finite)
    except RecursionError:
        raise TooDeepError(TOO_DEEP) from None
    if objects.repeated:
        raise RepeatedKeysError(list(_places(value, objects.repeated)))
    return value


def write_json(value: Any) -> str:
    """Return a value as JSON text without spaces, keys in the order they have.

    :param value: objects, lists, text, numbers, booleans and ``None``, nested at most :data:`MAXIMUM_LEVELS` deep.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def too_deep(value: Any, levels: int = MAXIMUM_LEVELS) -> str | None:
    """Return the beginning of a place at which a value nests too deep; ``None`` where it does not.

    :param value: a document. One that contains itself nests too deep.
    :param levels: how many levels it may have.
    """
    way = _way_down(value, levels)
    return None if way is None else f"{('$' + ''.join(way))[:_LONGEST_PLACE]}..."


def _way_down(value: Any, levels: int) -> list[str] | None:
    """Return the steps that lead below so many levels; ``None`` where none do."""
    if value.__class__ in _SCALARS or not isinstance(value, (dict, list, tuple, Mapping)):
        return None
    if levels == 0:
        return []
    members: Iterable[tuple[Any, Any]] = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, inner in members:
        if inner.__class__ not in _SCALARS and (way := _way_down(inner, levels - 1)) is not None:
            return [f".{key}" if isinstance(value, Mapping) else f"[{key}]", *way]
    return None


class _Objects:
    """Makes the objects of a text, and remembers those that have a key more than once."""

    def __init__(self) -> None:
        self.repeated: dict[int, tuple[dict[str, Any], tuple[str, ...]]] = {}

    def __call__(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(members)
        if len(made) != len(members):
            times = Counter(key for key, _ in members)
            self.repeated[id(made)] = (made, tuple(key for key in made if times[key] > 1))
        return made


def _places(
    value: Any, repeated: Mapping[int, tuple[dict[str, Any], tuple[str, ...]]], path: str = "$"
) -> Iterator[tuple[str, str]]:
    """Yield where the objects stand that have keys more than once; one in a value that was dropped stands nowhere."""
    if id(value) in repeated:
        yield from ((path, key) for key in repeated[id(value)][1])
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, repeated, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, repeated, f"{path}[{index}]")


def refuse_constant(name: str) -> None:
    """Raise for what Python's JSON has and JSON has not.

    :param name: ``NaN``, ``Infinity`` or ``-Infinity``.
    :raises ValueError: always.
    """
    raise ValueError(f"{name} is not a JSON value; write null, or leave the key out")


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise ValueError(f"{written} is too large for a number")
    return number
