"""Pipeline parameters as a Dag's author types them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class TypedParameter:
    """A pipeline parameter whose type cannot be seen from its value, such as Jinja that renders to a number.

    Goes into a group's ``parameters``, and anywhere into a step's arguments.

    :param value: what an execution is started with: a literal, Jinja text or an XComArg.
    :param default_value: what an execution started without Airflow takes; by default the value, if it is literal.
    """

    type: ClassVar[str]
    value: Any
    default_value: Any = None


@dataclass(frozen=True)
class ParameterString(TypedParameter):
    """A String pipeline parameter.

    :param enum_values: the only values allowed.
    """

    type: ClassVar[str] = "String"
    enum_values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class ParameterInteger(TypedParameter):
    """An Integer pipeline parameter."""

    type: ClassVar[str] = "Integer"


@dataclass(frozen=True)
class ParameterFloat(TypedParameter):
    """A Float pipeline parameter: ``ParameterFloat("{{ params.min_accuracy }}", default_value=0.9)``."""

    type: ClassVar[str] = "Float"


@dataclass(frozen=True)
class ParameterBoolean(TypedParameter):
    """A Boolean pipeline parameter."""

    type: ClassVar[str] = "Boolean"
