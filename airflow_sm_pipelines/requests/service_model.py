"""botocore's models of AWS services, and the constraints their shapes set."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

import botocore
import botocore.loaders
from botocore.model import (
    ListShape,
    MapShape,
    NoShapeFoundError,
    OperationModel,
    ServiceModel,
    Shape,
    StringShape,
    StructureShape,
)

from airflow_sm_pipelines.definition.step_types import STEPS, RequestPart
from airflow_sm_pipelines.requests.step_model import STEP_MODEL

MODELS: Final = f"botocore {botocore.__version__}"
"""Whose models these are."""

NUMBER_TYPES: Final = ("integer", "long", "float", "double")


@functools.cache
def service(name: str) -> ServiceModel:
    """The model of a service, loaded once.

    :param name: as botocore names it, such as ``sagemaker``; ``STEPS`` for our own model of steps.
    """
    if name == STEPS:
        return ServiceModel(STEP_MODEL, STEPS)
    return ServiceModel(_loader().load_service_model(name, "service-2"), name)


@functools.cache
def _loader() -> botocore.loaders.Loader:
    return botocore.loaders.Loader()


def shape_named(service_name: str, shape_name: str) -> Shape | None:
    """A shape of a service; ``None`` when the installed botocore is older than it.

    :param service_name: as botocore names it; ``STEPS`` for our own model of steps.
    :param shape_name: the shape.
    """
    try:
        return service(service_name).shape_for(shape_name)
    except NoShapeFoundError:
        return None


def shape_of(part: RequestPart) -> StructureShape | None:
    """The structure of a part of a step; ``None`` when the installed botocore is older than it.

    :param part: the part.
    """
    shape = shape_named(part.service, part.shape_name)
    if shape is None:
        return None
    if not isinstance(shape, StructureShape):
        raise TypeError(f"{part.shape_name} of {part.service} is a {shape.type_name}, not a structure")
    return shape


def operation(name: str) -> OperationModel:
    """One operation of SageMaker.

    :param name: such as ``CreatePipeline``.
    :raises botocore.model.OperationNotFoundError: when there is none.
    """
    return service("sagemaker").operation_model(name)


@dataclass(frozen=True)
class Violation:
    """A constraint that a value breaks.

    :param rule: what the constraint is about.
    :param limit: the bound, the allowed values, or the pattern.
    """

    rule: Literal["minimum length", "maximum length", "minimum", "maximum", "enum", "pattern"]
    limit: Any


def violations(shape: Shape, value: Any) -> Iterator[Violation]:
    """Yield what a value by itself breaks of its shape's constraints; members and items are not looked into.

    A value of another type than the shape's breaks nothing here.

    :param shape: the shape.
    :param value: the value.
    """
    metadata = shape.metadata
    if isinstance(shape, StringShape) and isinstance(value, str):
        yield from _length(metadata, len(value))
        allowed = metadata.get("enum")
        if allowed and value not in allowed:
            yield Violation("enum", tuple(allowed))
        pattern = metadata.get("pattern")
        compiled = _compile(pattern) if pattern else None
        if compiled is not None and not compiled.fullmatch(value):
            yield Violation("pattern", pattern)
    elif (isinstance(shape, ListShape) and isinstance(value, list)) or (
        isinstance(shape, MapShape) and isinstance(value, dict)
    ):
        yield from _length(metadata, len(value))
    elif shape.type_name in NUMBER_TYPES and isinstance(value, (int, float)):
        least, most = metadata.get("min"), metadata.get("max")
        if least is not None and value < least:
            yield Violation("minimum", least)
        if most is not None and value > most:
            yield Violation("maximum", most)


def _length(metadata: Any, length: int) -> Iterator[Violation]:
    least, most = metadata.get("min"), metadata.get("max")
    if least is not None and length < int(least):
        yield Violation("minimum length", least)
    if most is not None and length > int(most):
        yield Violation("maximum length", most)


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or ``None`` for the few that use Java's Unicode classes, which Python's ``re`` does not have."""
    try:
        return re.compile(pattern)
    except re.error:
        return None
