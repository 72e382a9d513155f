"""What is known of a definition's texts before it runs: parameters have their values, properties of steps have none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING


def known_values(definition: PipelineDefinition, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of pipeline parameters, defaults included, as text.

    :param definition: the document.
    :param values: the values that pipeline parameters are given; others have their defaults.
    """
    defaults = {each.name: each.default_value for each in definition.parameters if each.default_value is not MISSING}
    return {name: str(value) for name, value in {**defaults, **values}.items()}


def beginning_of(value: Any, known: Mapping[str, str]) -> tuple[str, bool]:
    """Return the text that a value begins with, as far as it is known, and whether that is all of it.

    :param value: a text, a ``Get`` or a ``Std:Join``.
    :param known: the values of pipeline parameters.
    """
    if not isinstance(value, Mapping):
        return (str(value), True)
    reference = value.get("Get")
    if isinstance(reference, str) and (name := reference.removeprefix("Parameters.")) in known:
        return (known[name], reference != name)
    join = value.get("Std:Join")
    if not isinstance(join, Mapping) or not isinstance(join.get("Values"), list):
        return ("", False)
    on, text = str(join.get("On", "")), ""
    for index, part in enumerate(join["Values"]):
        more, is_whole = beginning_of(part, known)
        text += f"{on if index else ''}{more}"
        if not is_whole:
            return (text, False)
    return (text, True)
