"""How a broken rule is reported: the problem, the value shown, the name that was probably meant."""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from airflow_sm_pipelines.exceptions import Problem

__all__ = ["Problem", "did_you_mean", "error", "is_misspelt", "shown", "unknown_keys", "warning"]

MOST_COMPARED: Final = 200
"""So many names are compared at most. ``difflib`` takes about 30 microseconds for a pair of like names."""

_MISSPELT: Final = 0.9


def error(message: str, path: str = "") -> Problem:
    """Return a problem that SageMaker would refuse or misrun.

    :param message: the rule, the offender and what to do.
    :param path: the place; empty where whoever reports it knows the place.
    """
    return Problem("error", message, path)


def warning(message: str, path: str = "") -> Problem:
    """Return a problem that may be none: a quota of old pages, or what this version does not know.

    :param message: the rule, the offender and what to do.
    :param path: the place; empty where there is none.
    """
    return Problem("warning", message, path)


def shown(value: object) -> str:
    """Return a value as a message shows it: cut when it is long, by its kind when it is deep.

    :param value: any part of a document.
    """
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."


def unknown_keys(
    keys: Iterable[str], known: Collection[str], start: str, path: str, *, more: str = ""
) -> Iterator[Problem]:
    """Yield a warning for each key that this version does not know.

    :param keys: those that an object has.
    :param known: those that it may have.
    :param start: what the message begins with, such as ``step 'a' has the key``.
    :param path: where the object stands.
    :param more: what the message says further.
    """
    for key in keys:
        if key not in known:
            hint = did_you_mean(key, known)
            yield warning(f"{start} '{key}', which this version does not know{more}{hint}", f"{path}.{key}")


def did_you_mean(name: object, candidates: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the nearest candidate, or an empty string.

    :param name: what was written. Only text has a nearest name.
    :param candidates: what exists. The :data:`MOST_COMPARED` whose length is nearest are compared.
    """
    if not isinstance(name, str):
        return ""
    known = heapq.nsmallest(MOST_COMPARED, candidates, key=lambda each: abs(len(each) - len(name)))
    near = difflib.get_close_matches(name, known, n=1)
    return f". Did you mean '{near[0]}'?" if near else ""


def is_misspelt(name: str, candidates: Iterable[str]) -> bool:
    """Say whether a name is so much like one that exists that it can only be meant for it.

    ``ModelPackageGroupArn`` beside ``ModelPackageGroupName`` may be another thing; ``Enviroment`` cannot.

    :param name: what was written.
    :param candidates: what exists.
    """
    return bool(difflib.get_close_matches(name, list(candidates), n=1, cutoff=_MISSPELT))
