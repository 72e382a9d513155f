"""The order in which a document has its keys, kept so that what is written reads like what was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def other_order(document: Mapping[str, Any], usual: Iterable[str]) -> tuple[str, ...]:
    """Return the order of a document's keys where it is not the usual one, else an empty tuple.

    :param document: an object as it was read.
    :param usual: the keys as they would be written.
    """
    keys = tuple(document)
    return () if keys == tuple(usual) else keys


def in_order(document: dict[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """Return a document with its keys in another order; keys that the order does not name come last.

    :param document: an object, its keys in the usual order.
    :param order: as :func:`other_order` returns it.
    """
    if not order:
        return document
    return {key: document[key] for key in (*(key for key in order if key in document), *document)}
