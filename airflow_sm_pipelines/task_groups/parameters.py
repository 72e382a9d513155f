"""The pipeline parameters that a task group declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.parameters import (
    MAXIMUM_VALUE_LENGTH,
    PipelineParameter,
    is_valid_name,
    to_start_value,
    type_of,
)
from airflow_sm_pipelines.definition.problems import shown
from airflow_sm_pipelines.exceptions import PipelineParameterError, TranslationError
from airflow_sm_pipelines.translation.nodes import DeclaredParameter, RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter
from airflow_sm_pipelines.translation.xcoms import outside_its_pipeline


def declare(parameters: Mapping[str, Any], subject: str) -> tuple[DeclaredParameter, ...]:
    """Read what the author gave as ``parameters``.

    A literal has its own type and becomes the default in the document. Jinja and XComArgs are String unless
    wrapped in ``ParameterInteger``, ``ParameterFloat`` or ``ParameterBoolean``.

    :param parameters: values by name.
    :param subject: the Dag and group, for errors.
    :raises TranslationError: for a name or value that SageMaker would refuse.
    """
    return tuple(_declare(name, value, subject) for name, value in parameters.items())


def _declare(name: str, given: Any, subject: str) -> DeclaredParameter:
    if not is_valid_name(name):
        raise TranslationError(
            f"{subject}: SageMaker refuses the parameter name {name!r}: 1 to 256 letters, digits, hyphens and "
            "underscores."
        )
    typed = given if isinstance(given, TypedParameter) else None
    value = to_runtime_value(outside_its_pipeline(given if typed is None else typed.value))
    type_ = "String" if isinstance(value, RuntimeValue) else type_of(value)
    if type_ is None:
        raise TranslationError(
            f"{subject}: pipeline parameter '{name}' is given {shown(value)}. A parameter "
            f"holds text, a number or a boolean of at most {MAXIMUM_VALUE_LENGTH} characters; put more into S3 and "
            "pass its URI."
        )
    type_ = type_ if typed is None else typed.type
    if isinstance(value, RuntimeValue):
        value = RuntimeValue(value.value, type_)
    declared = DeclaredParameter(
        name=name,
        type=type_,
        value=value,
        default_value=None if typed is None else typed.default_value,
        enum_values=getattr(typed, "enum_values", None),
    )
    for literal in (declared.value, declared.default_value):
        if literal is not None and not isinstance(literal, RuntimeValue):
            _check_literal(declared, literal, subject)
    return declared


def _check_literal(declared: DeclaredParameter, literal: Any, subject: str) -> None:
    parameter = PipelineParameter(declared.name, declared.type, enum_values=declared.enum_values)
    try:
        parameter.parse(to_start_value(literal))
    except PipelineParameterError as error:
        raise TranslationError(f"{subject}: {error}") from None
