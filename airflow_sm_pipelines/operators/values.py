"""Arguments whose type the API fixes, and which Airflow may render."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import Join, ParameterReference
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value


def integer(value: Any) -> Any:
    """Return a value for a place where the API wants a whole number.

    Jinja and XComArgs there become Integer pipeline parameters.

    :param value: a number, a reference, Jinja text or an XComArg.
    """
    return _typed(value, "Integer")


def number(value: Any) -> Any:
    """Return a value for a place where the API wants a number; as :func:`integer`, with Float parameters.

    :param value: a number, a reference, Jinja text or an XComArg.
    """
    return _typed(value, "Float")


def boolean(value: Any) -> Any:
    """Return a value for a place where the API wants a boolean; as :func:`integer`, with Boolean parameters.

    :param value: a boolean, a reference, Jinja text or an XComArg.
    """
    return _typed(value, "Boolean")


def _typed(value: Any, type_: str) -> Any:
    lifted = to_runtime_value(value)
    return dataclasses.replace(lifted, type=type_) if isinstance(lifted, RuntimeValue) else value


def hyperparameter(value: Any) -> Any:
    """Return a hyperparameter as script mode wants it: JSON in a string.

    References to parameters that are no strings are joined into one, since the API takes strings only.

    :param value: a JSON value, a reference, Jinja text or an XComArg.
    """
    lifted = to_runtime_value(value)
    if isinstance(lifted, RuntimeValue):
        return lifted
    if isinstance(value, ParameterReference) and value.type != "String":
        return Join("", [value])
    if isinstance(value, Expression):
        return value
    return json.dumps(value)
