"""Check requests and responses against botocore's model of SageMaker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.validate import ParamValidator

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.requests.service_model import Violation, operation, service, violations


def check_request(name: str, request: Mapping[str, Any]) -> None:
    """Check a request as the service would, before anything is done.

    :param name: the operation.
    :param request: the request's members.
    :raises ValidationError: all that is wrong with it, in the service's words.
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

    :param name: such as ``PipelineExecutionStep``.
    :param value: what is to be shown as that shape.
    """
    return list(_constraints(service("sagemaker").shape_for(name), value, ""))


def response_problems(name: str, response: Mapping[str, Any]) -> str:
    """What is wrong with a response, as text; empty when it fits the model.

    :param name: the operation.
    :param response: the response's members.
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
    for violation in violations(shape, value):
        shown = f"'{_shown(value)}'" if isinstance(value, (str, int, float)) else _shown(value)
        yield f"Value {shown} at '{path}' failed to satisfy constraint: {_constraint(violation)}"
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for index, item in enumerate(value, start=1):
            yield from _constraints(shape.member, item, f"{path}.{index}.member")
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _constraints(shape.key, key, f"{path}.key")
            yield from _constraints(shape.value, item, f"{path}.{key}.member")


def _structure(shape: StructureShape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    required = shape.metadata.get("required", ())
    for name, member in shape.members.items():
        inner = f"{path}.{_lower_first(name)}" if path else _lower_first(name)
        if value.get(name) is not None:
            yield from _constraints(member, value[name], inner)
        elif name in required:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _constraint(violation: Violation) -> str:
    limit = violation.limit
    if violation.rule == "enum":
        return f"Member must satisfy enum value set: [{', '.join(limit)}]"
    if violation.rule == "pattern":
        return f"Member must satisfy regular expression pattern: {limit}"
    word = "greater" if violation.rule.startswith("minimum") else "less"
    what = "length" if violation.rule.endswith("length") else "value"
    return f"Member must have {what} {word} than or equal to {limit}"


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
