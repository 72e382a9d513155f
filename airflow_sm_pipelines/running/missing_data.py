"""Data that a pipeline's jobs read and nobody has put where they read it: told before the start, all at once.

Only a step that runs would say so, one after the other. A warning and not an error: what a job writes there by its
own client is not known before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.problems import Problem, warning
from airflow_sm_pipelines.local.jobs.staging import split_uri
from airflow_sm_pipelines.running.known_texts import beginning_of, known_values
from airflow_sm_pipelines.running.words import COMMAND_LINE, Words

_JOBS: Final = ("Processing", "Training", "Tuning", "Transform")
_READ: Final = "S3Uri"
_WRITTEN: Final = ("S3OutputPath",)
_PLACES_WRITTEN: Final = ("S3Output", "CheckpointConfig")
"""Objects whose S3Uri is written to."""


@dataclass(frozen=True)
class Place:
    """An S3 URI in a step.

    :param step: the step's name.
    :param uri: the URI.
    """

    step: str
    uri: str


def read_from_outside(definition: PipelineDefinition, values: Mapping[str, str]) -> tuple[Place, ...]:
    """Return what jobs read that is known before the start and that no step writes, each URI once.

    :param definition: the document.
    :param values: the values that pipeline parameters are given.
    """
    known = known_values(definition, values)
    read: dict[str, Place] = {}
    written: list[str] = []
    for located in definition.walk():
        step = located.step
        for is_written, value in _places(step.to_document().get("Arguments", {})):
            text, is_whole = beginning_of(value, known)
            if not is_whole:
                continue  # what only the run knows, such as the execution's id
            if is_written:
                written.append(text)
            elif text.startswith("s3://") and step.type in _JOBS:
                read.setdefault(text, Place(step.name, text))
    return tuple(
        place
        for place in read.values()
        if not any(text and (place.uri.startswith(text) or text.startswith(place.uri)) for text in written)
    )


def missing(client: Any, places: tuple[Place, ...], words: Words = COMMAND_LINE) -> Iterator[Problem]:
    """Yield a warning for each URI at which there is nothing.

    :param client: an S3 client.
    :param places: what is read; the buckets are there.
    :param words: how it is given.
    """
    for place in places:
        bucket, key = split_uri(place.uri)
        if not client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("KeyCount"):
            yield warning(
                f"step '{place.step}' reads {place.uri}, and there is nothing. Unless another step writes it, give "
                f"{words.data.format(uri=place.uri)}"
            )


def _places(value: Any, *, is_written: bool = False) -> Iterator[tuple[bool, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from _places(each, is_written=is_written)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == _READ:
                yield is_written, inner
            elif key in _WRITTEN:
                yield True, inner
            else:
                yield from _places(inner, is_written=is_written or key in _PLACES_WRITTEN)
