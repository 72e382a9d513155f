"""Check requests and responses against botocore's model of SageMaker."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.loaders
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from airflow_sm_pipelines.local.errors import ValidationError

_NUMBERS = ("integer", "long", "float", "double")


@functools.cache
def sagemaker() -> ServiceModel:
    """The service model of botocore, loaded once."""
    return ServiceModel(botocore.loaders.Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


@functools.cache
def operation(name: str) -> OperationModel:
    """One operation of the model.

    :param name: Such as ``CreatePipeline``.
    :raises botocore.model.OperationNotFoundError: There is none.
    """
    return sagemaker().operation_model(name)


def check_request(name: str, request: Mapping[str, Any]) -> None:
    """Check a request as the service would, before anything is done.

    :param name: The operation.
    :param request: The request's members.
    :raises ValidationError: All that is wrong with it, in the service's words.
    """
    shape = operation(name).input_shape
    if shape is None:
        return
    problems = list(_constraints(shape, request, ""))
    if problems:
        plural = "error" if len(problems) == 1 else "errors"
        raise ValidationError(f"{len(problems)} validation {plural} detected: {'; '.join(problems)}")
    report = ParamValidator().validate(dict(request), shape)
    if report.has_errors():
        raise ValidationError(report.generate_report())


def shape_problems(name: str, value: Mapping[str, Any]) -> list[str]:
    """What breaks the lengths, ranges, patterns and enums of one shape of the model.

    :param name: Such as ``PipelineExecutionStep``.
    :param value: What is to be shown as that shape.
    """
    return list(_constraints(sagemaker().shape_for(name), value, ""))


def response_problems(name: str, response: Mapping[str, Any]) -> str:
    """What is wrong with a response, as text; empty when it fits the model.

    :param name: The operation.
    :param response: The response's members.
    """
    shape = operation(name).output_shape
    if shape is None:
        return f"{name} has no output, and was given {sorted(response)}" if response else ""
    problems = list(_constraints(shape, response, ""))
    report = ParamValidator().validate(dict(response), shape)
    if report.has_errors():
        problems.append(report.generate_report())
    return "; ".join(problems)


def _constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield what the service says about missing members, lengths, ranges, patterns and enums.

    Values of a wrong type are passed over: :class:`ParamValidator` reports them.
    """
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _size(shape, len(value), _shown(value), path)
        for index, item in enumerate(value, start=1):
            yield from _constraints(shape.member, item, f"{path}.{index}.member")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        yield from _size(shape, len(value), _shown(value), path)
        for key, item in value.items():
            yield from _constraints(shape.key, key, f"{path}.key")
            yield from _constraints(shape.value, item, f"{path}.{key}.member")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _size(shape, len(value), f"'{_shown(value)}'", path)
        yield from _text(shape, value, path)
    elif shape.type_name in _NUMBERS and isinstance(value, (int, float)):
        yield from _range(shape, value, path)


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    required = shape.metadata.get("required", ())
    for name, member in shape.members.items():
        inner = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
        if value.get(name) is not None:
            yield from _constraints(member, value[name], inner)
        elif name in required:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _size(shape: Shape, size: int, shown: str, path: str) -> Iterator[str]:
    for bound, breaks, word in (("min", size.__lt__, "greater"), ("max", size.__gt__, "less")):
        limit = shape.metadata.get(bound)
        if limit is not None and breaks(int(limit)):
            yield (
                f"Value {shown} at '{path}' failed to satisfy constraint: Member must have length"
                f" {word} than or equal to {limit}"
            )


def _range(shape: Shape, value: float, path: str) -> Iterator[str]:
    minimum, maximum = shape.metadata.get("min"), shape.metadata.get("max")
    for broken, word, limit in (
        (minimum is not None and value < minimum, "greater", minimum),
        (maximum is not None and value > maximum, "less", maximum),
    ):
        if broken:
            yield (
                f"Value '{value}' at '{path}' failed to satisfy constraint: Member must have value"
                f" {word} than or equal to {limit}"
            )


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield (
            f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: Member must satisfy enum value set:"
            f" [{', '.join(allowed)}]"
        )
    pattern = shape.metadata.get("pattern")
    compiled = _compile(pattern) if pattern else None
    if compiled is not None and not compiled.fullmatch(value):
        yield (
            f"Value '{_shown(value)}' at '{path}' failed to satisfy constraint: Member must satisfy regular"
            f" expression pattern: {pattern}"
        )


@functools.cache
def _compile(pattern: str) -> re.Pattern[str] | None:
    """The pattern, or ``None`` for the few that use Java's Unicode classes, which Python's ``re`` does not have."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
