"""JSON text of documents, read as strictly as those of other languages read it.

Python's own ``json`` takes an object with a key twice, of which it drops all but the last; ``NaN`` and infinities,
which only Python writes; and numbers that become infinities. None of that is read here.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

MAXIMUM_LEVELS: Final = 300
"""How deep objects and lists of a document may nest. Thirty-one Condition steps around one step are 104 levels;
Python's json fails at some hundreds."""

TOO_DEEP: Final = f"the document nests deeper than {MAXIMUM_LEVELS} levels; make it flatter"
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
    :raises ValueError: when it is no JSON; the message names line and column.
    """
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("it begins with a byte order mark; save it as UTF-8 without one")
    objects = _Objects()
    try:
        value = json.loads(text, object_pairs_hook=objects, parse_constant=_no_constant, parse_float=_finite)
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


def too_deep(value: Any, path: str = "$", levels: int = MAXIMUM_LEVELS) -> str | None:
    """Return a place at which a value nests too deep; ``None`` where it does not.

    :param value: a document, or a part of one. One that contains itself nests too deep.
    :param path: where it stands.
    :param levels: how many levels are left.
    """
    if isinstance(value, (dict, Mapping)):
        members: Iterator[tuple[Any, str]] = ((inner, f".{key}") for key, inner in value.items())
    elif isinstance(value, (list, tuple)):
        members = ((inner, f"[{index}]") for index, inner in enumerate(value))
    else:
        return None
    if levels == 0:
        return path
    for inner, step in members:
        if isinstance(inner, (dict, list, tuple, Mapping)) and (found := too_deep(inner, path + step, levels - 1)):
            return found
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


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise ValueError(f"{written} is larger than any number can be here")
    return number
