"""Arguments whose type the API fixes, and which Airflow may render."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
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


def hyperparameter(value: Any, *, script_mode: bool = True) -> Any:
    """Return a hyperparameter as script mode wants it: JSON in a string.

    SageMaker's built-in algorithms want the same, but text as it is, without quotes.

    References to parameters that are no strings are joined into one, since the API takes strings only. References,
    Jinja and XComArgs inside a list or dict become text in the JSON, each on its own; quotes in what they turn out to
    be are not escaped.

    :param value: a JSON value, a reference, Jinja text or an XComArg.
    :param script_mode: whether a script reads it.
    """
    lifted = to_runtime_value(value)
    if isinstance(lifted, RuntimeValue) or (isinstance(value, str) and not script_mode):
        return lifted
    if isinstance(value, ParameterReference) and value.type != "String":
        return Join("", [value])
    if isinstance(value, Expression):
        return value
    late: list[Any] = []
    text = json.dumps(_with_marks(value, late))
    pieces: list[Any] = []
    position = 0
    for mark in _MARK.finditer(text):
        pieces.extend((text[position : mark.start()], late[int(mark["index"] or mark["bare_index"])]))
        position = mark.end()
    return Join("", [piece for piece in (*pieces, text[position:]) if piece != ""]) if late else text


_MARK = re.compile(r'\\u0000(?P<index>\d+)\\u0000|"\\u0000bare(?P<bare_index>\d+)\\u0000"')
"""What stands in JSON for a value that is not known yet; the bare ones take their quotes with them."""


def _with_marks(value: Any, late: list[Any]) -> Any:
    """Return a JSON value in which marks stand for what is not known yet, and append that to ``late``."""
    lifted = to_runtime_value(value)
    if isinstance(lifted, (RuntimeValue, Expression)):
        late.append(lifted)
        bare = isinstance(lifted, ParameterReference) and lifted.type != "String"
        return f"\0{'bare' if bare else ''}{len(late) - 1}\0"
    if isinstance(value, Mapping):
        return {key: _with_marks(inner, late) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_marks(inner, late) for inner in value]
    return value
