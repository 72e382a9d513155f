"""Hyperparameters as training jobs take them: text, which scripts read as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import ItemReference, Join, ParameterReference
from airflow_sm_pipelines.definition.json_text import TOO_DEEP
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import is_template, to_runtime_value
from airflow_sm_pipelines.translation.xcoms import JsonXComArg, outside_its_pipeline


def hyperparameter(value: Any, *, script_mode: bool = True) -> Any:
    """Return a hyperparameter as script mode wants it: JSON in a string.

    SageMaker's built-in algorithms want the same, but text as it is, without quotes.

    References and parameters that are not strings are joined into one, since the API takes strings only. Jinja and
    XComArgs inside a list or dict become JSON when they are rendered: Jinja a text, an XComArg whatever it holds.
    References become text in the JSON; SageMaker puts them there as they are, so a quote in a String pipeline
    parameter breaks it.

    :param value: a JSON value, a reference, Jinja text or an XComArg.
    :param script_mode: whether a script reads it.
    :raises TranslationError: for a value that is not JSON, and for Jinja in a key.
    """
    lifted = to_runtime_value(value)
    if isinstance(lifted, (RuntimeValue, ParameterReference)):
        return lifted if lifted.type in (None, "String") else Join("", [lifted])
    if isinstance(value, Expression) or (isinstance(value, str) and not script_mode):
        return value
    return json_text(value)


def json_text(value: Any) -> Any:
    """Return a value as JSON in a string, also a reference by itself: it becomes a text in quotes, or a bare number.

    :param value: a JSON value, a reference, Jinja text or an XComArg.
    :raises TranslationError: for a value that is not JSON, and for Jinja in a key.
    """
    late: list[Any] = []
    try:
        text = json.dumps(_with_marks(value, late))
    except RecursionError:
        raise TranslationError(f"it is not JSON: {TOO_DEEP}") from None
    except (TypeError, ValueError) as error:
        raise TranslationError(f"it is not JSON: {error}. Give text, numbers, lists and dicts") from None
    pieces: list[Any] = []
    position = 0
    for mark in _MARK.finditer(text):
        pieces.extend((text[position : mark.start()], late[int(mark["index"] or mark["bare_index"])]))
        position = mark.end()
    parts = [piece for piece in (*pieces, text[position:]) if piece != ""]
    if len(parts) == 1 and isinstance(parts[0], RuntimeValue) and parts[0].type in (None, "String"):
        return parts[0]
    return Join("", parts) if late else text


_MARK = re.compile(r'\\u0000(?P<index>\d+)\\u0000|"\\u0000bare(?P<bare_index>\d+)\\u0000"')
"""The placeholder in JSON of a value that is not known yet; the bare ones take their quotes with them."""


def _with_marks(value: Any, late: list[Any]) -> Any:
    """Return a JSON value in which marks stand for what is not known yet, and append that to ``late``."""
    # A step's value is a reference, which is text in quotes, or the XCom, where the step is of another pipeline.
    lifted = to_runtime_value(outside_its_pipeline(value))
    if isinstance(lifted, RuntimeValue):
        late.append(_as_json(lifted))
        return f"\0bare{len(late) - 1}\0"
    if isinstance(lifted, Expression):
        late.append(lifted)
        for each in lifted.values if isinstance(lifted, ItemReference) else ():
            if isinstance(each, str) and json.dumps(each, ensure_ascii=False) != f'"{each}"':
                raise TranslationError(
                    f"the item {each!r} has characters that JSON escapes, and SageMaker puts an item into text as it "
                    "is. Leave them out of the items, or map the step by itself with partial(...).expand(...), which "
                    "writes each item as JSON"
                )
        bare = isinstance(lifted, (ParameterReference, ItemReference)) and lifted.type not in (None, "String")
        return f"\0{'bare' if bare else ''}{len(late) - 1}\0"
    if isinstance(value, (date, time)):
        raise TranslationError(f"{value!r} in it is not JSON. Write it as text: {value!r}.isoformat()")
    _refuse_nul(value)
    if isinstance(value, Mapping):
        if template := next((key for key in value if isinstance(key, str) and is_template(key)), None):
            raise TranslationError(f"the key {template!r} in it holds Jinja; keys must be the same in every run")
        for key in value:
            _refuse_nul(key)
        return {key: _with_marks(inner, late) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_marks(inner, late) for inner in value]
    return value


def _refuse_nul(value: Any) -> None:
    """Raise for text with the character that marks begin and end with."""
    if isinstance(value, str) and "\0" in value:
        raise TranslationError(f"{value!r} in it has the character U+0000, which no job can be given. Leave it out")


def _as_json(runtime: RuntimeValue) -> RuntimeValue:
    """Return what is JSON once rendered. What the author gave a number's or a boolean's type is that already."""
    if runtime.type not in (None, "String"):
        return runtime
    return RuntimeValue(
        JsonXComArg(runtime.value),
        runtime.type,
        None if runtime.default_value is None else json.dumps(runtime.default_value),
        None if runtime.enum_values is None else tuple(map(json.dumps, runtime.enum_values)),
    )
