"""JSON text of any depth.

Python's own ``json`` nests its calls as deep as the document, and gives up at the interpreter's recursion limit
(``RecursionError``). It stays the first choice here, as it is fast; what is deeper goes another way. The same text is
written, and the same documents are read, but for those that would not be read as what they say: with a key twice in an
object, of which ``json`` drops all but the last; with ``NaN`` and infinities, which only Python takes for JSON; and
with numbers that would become infinities.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_sm_pipelines.definition.deep import Work, run

_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+', re.DOTALL)
_SPACES: Final = (" ", "\t", "\n", "\r")
_BYTE_ORDER_MARK: Final = "\ufeff"


class RepeatedKeysError(ValueError):
    """Objects of a JSON text have keys more than once.

    :param places: the path of an object, such as ``$.Steps[0]``, and a key it has more than once; in the text's order.
    """

    def __init__(self, places: Sequence[tuple[str, str]]) -> None:
        super().__init__("keys more than once: " + ", ".join(f"{path}.{key}" for path, key in places))
        self.places = tuple(places)


def read_json(text: str) -> Any:
    """Return the value that JSON text holds.

    :param text: JSON.
    :raises RepeatedKeysError: when an object has a key more than once.
    :raises ValueError: when it is no JSON; the message names line and column.
    """
    if text.startswith(_BYTE_ORDER_MARK):
        raise ValueError("it begins with a byte order mark; save it as UTF-8 without one")
    objects = _Objects()
    try:
        value = json.loads(text, object_pairs_hook=objects, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        objects = _Objects()
        value = _Reader(text, objects).read()
    if objects.repeated:
        raise RepeatedKeysError(list(_places(value, objects.repeated)))
    return value


def write_json(value: Any) -> str:
    """Return a value as JSON text without spaces, keys in the order they have.

    :param value: objects, lists, text, numbers, booleans and ``None``.
    """
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        return "".join(_written(value))


def _written(value: Any) -> Iterator[str]:
    stack: list[Any] = [iter((("", value),))]
    ends = [""]
    while stack:
        following = next(stack[-1], None)
        if following is None:
            stack.pop()
            yield ends.pop()
            continue
        before, current = following
        yield before
        if isinstance(current, Mapping) and current:
            stack.append(iter([*_members(current)]))
            ends.append("}")
        elif isinstance(current, (list, tuple)) and current:
            stack.append(iter([("," if index else "[", item) for index, item in enumerate(current)]))
            ends.append("]")
        else:
            yield json.dumps(current, separators=(",", ":"), ensure_ascii=False)


def _members(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for index, (key, item) in enumerate(value.items()):
        yield f"{',' if index else '{'}{json.dumps(key, ensure_ascii=False)}:", item


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


def _places(value: Any, repeated: Mapping[int, tuple[dict[str, Any], tuple[str, ...]]]) -> Iterator[tuple[str, str]]:
    """Yield where the objects stand that have keys more than once; one in a value that was dropped stands nowhere."""
    stack: list[tuple[Any, Any]] = [(value, ("$", None))]
    while stack:
        current, way = stack.pop()
        if id(current) in repeated:
            path = "".join(reversed(list(_parts(way))))
            yield from ((path, key) for key in repeated[id(current)][1])
        if isinstance(current, dict):
            stack.extend([(item, (f".{key}", way)) for key, item in current.items()][::-1])
        elif isinstance(current, list):
            stack.extend([(item, (f"[{index}]", way)) for index, item in enumerate(current)][::-1])


def _parts(way: Any) -> Iterator[str]:
    while way is not None:
        part, way = way
        yield part


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise ValueError(f"{written} is larger than any number can be here")
    return number


class _Reader:
    """Reads JSON whose containers may nest to any depth; ``json`` itself reads the texts, numbers and words in them."""

    def __init__(self, text: str, objects: _Objects) -> None:
        self._objects = objects
        self._text = text
        self._position = 0

    def read(self) -> Any:
        value = run(self._value())
        if self._next():
            raise json.JSONDecodeError("Extra data", self._text, self._position)
        return value

    def _value(self) -> Work:
        start = self._next()
        if start == "{":
            return (yield self._object())
        if start == "[":
            return (yield self._list())
        return self._scalar()

    def _object(self) -> Work:
        members: list[tuple[str, Any]] = []
        for _ in self._items("}"):
            if self._next() != '"':
                raise json.JSONDecodeError(
                    "Expecting property name enclosed in double quotes", self._text, self._position
                )
            name = self._scalar()
            self._take(":")
            value = yield self._value()
            members.append((name, value))
        return self._objects(members)

    def _list(self) -> Work:
        items: list[Any] = []
        for _ in self._items("]"):
            item = yield self._value()
            items.append(item)
        return items

    def _items(self, closing: str) -> Iterator[None]:
        """Stand before each item of the container that opens here, then behind its end."""
        self._position += 1
        if self._next() != closing:
            yield
            while self._next() != closing:
                self._take(",")
                yield
        self._position += 1

    def _scalar(self) -> Any:
        match = _SCALAR.match(self._text, self._position)
        try:
            value = json.loads(match.group() if match else "", parse_constant=_no_constant, parse_float=_finite)
        except ValueError as error:
            message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            raise json.JSONDecodeError(message, self._text, self._position) from None
        self._position += len(match.group()) if match else 0
        return value

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise json.JSONDecodeError(f"Expecting '{character}' delimiter", self._text, self._position)
        self._position += 1

    def _next(self) -> str:
        """The next character that is no space; empty at the end."""
        while self._text[self._position : self._position + 1] in _SPACES:
            self._position += 1
        return self._text[self._position : self._position + 1]
