"""Which S3 buckets a definition names: they are made before it runs, so that its outputs have a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING

_BUCKET: Final = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?=[/\"']|$)")
"""A bucket's name, to its end: where a text is the beginning of one that a run completes, the name may not be whole."""


def buckets_of(definition: PipelineDefinition, values: Mapping[str, str], uris: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the buckets that a document names, sorted: in texts, in texts that it joins, and in parameters' values.

    :param definition: the document.
    :param values: the values that pipeline parameters are given; others have their defaults.
    :param uris: further S3 URIs.
    """
    defaults = {each.name: each.default_value for each in definition.parameters if each.default_value is not MISSING}
    known = {name: str(value) for name, value in {**defaults, **values}.items()}
    found = {bucket for text in (*uris, *known.values()) for bucket in _BUCKET.findall(text)}
    left: list[Any] = [step.to_document() for step in definition.steps]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.update(_BUCKET.findall(value))
        elif isinstance(value, Mapping):
            if "Std:Join" in value:
                text, is_whole = _beginning(value, known)
                # A mark that no bucket's name has, for what only the run knows.
                found.update(_BUCKET.findall(text if is_whole else f"{text}\0"))
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return tuple(sorted(found))


def _beginning(value: Any, known: Mapping[str, str]) -> tuple[str, bool]:
    """The text that a value begins with, as far as it is known, and whether that is all of it."""
    if not isinstance(value, Mapping):
        return (str(value), True)
    reference = value.get("Get")
    if isinstance(reference, str) and (name := reference.removeprefix("Parameters.")) in known:
        return (known[name], reference != name)
    join = value.get("Std:Join")
    if not isinstance(join, Mapping) or not isinstance(join.get("Values"), list):
        return ("", False)
    on, text = str(join.get("On", "")), ""
    for index, part in enumerate(join["Values"]):
        more, is_whole = _beginning(part, known)
        text += f"{on if index else ''}{more}"
        if not is_whole:
            return (text, False)
    return (text, True)
