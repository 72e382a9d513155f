"""JSON text of any depth.

Python's own ``json`` nests its calls as deep as the document, and gives up at the interpreter's recursion limit
(``RecursionError``). It stays the first choice here, as it is fast; what is deeper goes another way. Nothing else
differs: the same documents are read, and the same text is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.deep import Work, run

_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s\[\]{}:,"]+', re.DOTALL)
_SPACES: Final = (" ", "\t", "\n", "\r")


def read_json(text: str) -> Any:
    """Return the value that JSON text holds.

    :param text: JSON.
    :raises ValueError: when it is none; the message names line and column.
    """
    try:
        return json.loads(text)
    except RecursionError:
        return _Reader(text).read()


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


class _Reader:
    """Reads JSON whose containers may nest to any depth; ``json`` itself reads the texts, numbers and words in them."""

    def __init__(self, text: str) -> None:
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
        members: dict[str, Any] = {}
        for _ in self._items("}"):
            if self._next() != '"':
                raise json.JSONDecodeError(
                    "Expecting property name enclosed in double quotes", self._text, self._position
                )
            name = self._scalar()
            self._take(":")
            members[name] = yield self._value()
        return members

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
            value = json.loads(match.group() if match else "")
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
