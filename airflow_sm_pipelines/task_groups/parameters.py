"""Pipeline parameters as a Dag's author declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_sm_pipelines.definition.parameters import (
    MAXIMUM_VALUE_LENGTH,
    PipelineParameter,
    is_valid_name,
    to_start_value,
    type_of,
)
from airflow_sm_pipelines.exceptions import PipelineParameterError, TranslationError
from airflow_sm_pipelines.translation.nodes import DeclaredParameter, RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value


@dataclass(frozen=True)
class _TypedParameter:
    """A pipeline parameter whose type cannot be told from its value, such as Jinja that renders to a number.

    :param value: what an execution is started with: a literal, Jinja text or an XComArg.
    :param default_value: what an execution started without Airflow takes; by default the value, if it is literal.
    """

    type: ClassVar[str]
    value: Any
    default_value: Any = None


@dataclass(frozen=True)
class ParameterString(_TypedParameter):
    """A String pipeline parameter.

    :param enum_values: the only values allowed.
    """

    type: ClassVar[str] = "String"
    enum_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ParameterInteger(_TypedParameter):
    """An Integer pipeline parameter."""

    type: ClassVar[str] = "Integer"


@dataclass(frozen=True)
class ParameterFloat(_TypedParameter):
    """A Float pipeline parameter: ``ParameterFloat("{{ params.min_accuracy }}", default_value=0.9)``."""

    type: ClassVar[str] = "Float"


@dataclass(frozen=True)
class ParameterBoolean(_TypedParameter):
    """A Boolean pipeline parameter."""

    type: ClassVar[str] = "Boolean"


def declare(parameters: Mapping[str, Any], subject: str) -> tuple[DeclaredParameter, ...]:
    """Read what the author gave as ``parameters``.

    A literal has its own type and becomes the default in the document. Jinja and XComArgs are String unless
    wrapped in :class:`ParameterInteger`, :class:`ParameterFloat` or :class:`ParameterBoolean`.

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
    typed = given if isinstance(given, _TypedParameter) else None
    value = to_runtime_value(given if typed is None else typed.value)
    if typed is not None:
        type_: str | None = typed.type
    else:
        type_ = "String" if isinstance(value, RuntimeValue) else type_of(value)
    if type_ is None:
        raise TranslationError(
            f"{subject}: pipeline parameter '{name}' is given a {type(given).__name__} ({given!r}). A parameter "
            f"holds text, a number or a boolean of at most {MAXIMUM_VALUE_LENGTH} characters; put more into S3 and "
            "pass its URI."
        )
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


__all__: Sequence[str] = [
    "ParameterBoolean",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "declare",
]
