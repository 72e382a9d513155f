"""Which S3 buckets a definition names: they are made before it runs, so that its outputs have a place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.running.known_texts import beginning_of, known_values

_BUCKET: Final = re.compile(r"s3://([a-z0-9][a-z0-9.\-]{1,61}[a-z0-9])(?=[/\"']|$)")
"""A bucket's name, to its end: where a text is the beginning of one that a run completes, the name may not be whole."""


def buckets_of(definition: PipelineDefinition, values: Mapping[str, str], uris: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the buckets that a document names, sorted: in texts, in texts that it joins, and in parameters' values.

    :param definition: the document.
    :param values: the values that pipeline parameters are given; others have their defaults.
    :param uris: further S3 URIs.
    """
    known = known_values(definition, values)
    found = {bucket for text in (*uris, *known.values()) for bucket in _BUCKET.findall(text)}
    left: list[Any] = [step.to_document() for step in definition.steps]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.update(_BUCKET.findall(value))
        elif isinstance(value, Mapping):
            if "Std:Join" in value:
                text, is_whole = beginning_of(value, known)
                # A mark that no bucket's name has, for what only the run knows.
                found.update(_BUCKET.findall(text if is_whole else f"{text}\0"))
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
    return tuple(sorted(found))
