"""Values known only in a Dag run leave the document: a pipeline parameter replaces each."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, time
from types import NoneType
from typing import Any, Final

from airflow_sm_pipelines.definition.conditions import Expression
from airflow_sm_pipelines.definition.expressions import ParameterReference
from airflow_sm_pipelines.definition.parameters import (
    MAXIMUM_NAME_LENGTH,
    MISSING,
    PipelineParameter,
    to_start_value,
)
from airflow_sm_pipelines.definition.validation.names import hyphenated
from airflow_sm_pipelines.exceptions import PipelineParameterError, TranslationError
from airflow_sm_pipelines.translation.argument_types import Keys, PropertyType, Types, as_type, place_of, types_in
from airflow_sm_pipelines.translation.command_lines import flag_before
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepNode

_FITTING: Final[Mapping[type, tuple[str, ...]]] = {
    str: ("String",),
    int: ("Integer", "Float"),
    bool: ("Boolean",),
    NoneType: ("String", "Integer", "Float", "Boolean"),
}
"""Literals that stay as they are, and the types of places that they fit. Not all floats are JSON."""


class Lifting:
    """The parts of one document, and the pipeline parameters made for them.

    A parameter is named after the place where its value stands first, so that the document is the same in every run: by
    the step and the last key (in a command line the flag before the value), or by the whole place where that name is
    taken. A value that is in several places is one parameter. Its type is the author's, or the one that the API has
    at that place.

    :param taken: names of parameters that there are already.
    :param property_type: knows the types of steps' properties.
    """

    def __init__(self, taken: Iterable[str], property_type: PropertyType) -> None:
        self.parameters: list[PipelineParameter] = []
        self.values: dict[str, Any] = {}
        self._taken = set(taken)
        self._lifted: list[tuple[RuntimeValue, ParameterReference]] = []
        self._property_type = property_type

    def document(self, value: Any, node: StepNode, keys: Keys = (), types: Types = None) -> Any:
        """Return a value as JSON, with references to parameters for what is known only per run.

        :param value: any part of a step.
        :param node: the step.
        :param keys: where in the step: keys and indexes.
        :param types: what the API wants there.
        :raises TranslationError: for a value that is not JSON, or not of the API's type; naming task and place.
        """
        if types is not None:
            value = as_type(value, types, node, keys, self._property_type)
        if isinstance(value, RuntimeValue):
            return self._lift(value, node, keys, types if isinstance(types, str) else "String").to_document()
        if isinstance(value, (dict, Mapping)):
            members = {}
            for key, inner in value.items():
                wanted = types_in(types, key)
                members[key] = inner if _fits(inner, wanted) else self.document(inner, node, (*keys, key), wanted)
            return members
        if isinstance(value, (list, tuple)):
            items = []
            for index, inner in enumerate(value):
                wanted = types_in(types, index)
                items.append(inner if _fits(inner, wanted) else self.document(inner, node, (*keys, index), wanted))
            return items
        if value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
            return value
        if isinstance(value, Expression):
            return self.document(value.to_document(), node, keys)
        fix = "Give text, a number, a list, a dict, or a reference such as step.outputs['x']."
        if isinstance(value, (date, time)):
            fix = f"Write it as text: {value!r}.isoformat()."
        raise TranslationError(
            f"task '{node.task_id}' holds {value!r}, a {type(value).__name__}, at {place_of(keys)}; a pipeline "
            f"definition is JSON. {fix}"
        )

    def operands(self, node: StepNode, index: int) -> Callable[[Any], Any]:
        """Return the function that does the same for one operand after another of a condition.

        :param node: the Condition step.
        :param index: which of its conditions.
        """
        count = 0

        def document(operand: Any) -> Any:
            nonlocal count
            count += 1
            return self.document(operand, node, ("Conditions", index, count))

        return document

    def _lift(self, value: RuntimeValue, node: StepNode, keys: Keys, type_here: str) -> ParameterReference:
        value = replace(value, type=value.type or type_here)
        is_literal = value.default_value is value.value
        for known, reference in () if is_literal else self._lifted:
            if known == value:
                return reference
        parameter = PipelineParameter(
            name=self._name(node, keys),
            type=str(value.type),
            default_value=MISSING if value.default_value is None else value.default_value,
            enum_values=value.enum_values,
        )
        if value.default_value is not None:
            try:
                parameter.parse(to_start_value(value.default_value))
            except PipelineParameterError as error:
                raise TranslationError(f"task '{node.task_id}', at {place_of(keys)}: {error}") from None
        self.parameters.append(parameter)
        self.values[parameter.name] = value.value
        reference = ParameterReference(f"Parameters.{parameter.name}", parameter.type)
        self._lifted.append((value, reference))
        return reference

    def _name(self, node: StepNode, keys: Keys) -> str:
        last = None if node.type == "Condition" else _flag_of(node.arguments, keys) or _last_of(keys)
        short = hyphenated(f"{node.name}-{last}")
        if last is not None and short not in self._taken and len(short) <= MAXIMUM_NAME_LENGTH:
            self._taken.add(short)
            return short
        place = hyphenated(f"{node.name}-{place_of(keys)}")
        if len(place) > MAXIMUM_NAME_LENGTH:
            place = f"{place[: MAXIMUM_NAME_LENGTH - 20]}-{hashlib.sha256(place.encode()).hexdigest()[:8]}"
        name, count = place, 1
        while name in self._taken:
            count += 1
            name = f"{place}-{count}"
        self._taken.add(name)
        return name


def _flag_of(arguments: Any, keys: Keys) -> str | None:
    """Return the name of the flag that a place in a command line stands behind; ``None`` for any other place.

    :param arguments: of the step, which the keys lead into; not those that lead into a further key of the step.
    """
    *outer, index = _without_join(keys)
    if not isinstance(index, int):
        return None
    found: Any = arguments
    for key in outer:
        if isinstance(key, str):
            found = found.get(key) if isinstance(found, Mapping) else None
        else:
            found = found[key] if isinstance(found, (list, tuple)) else None
    return flag_before(found, index)


def _last_of(keys: Keys) -> str | None:
    """Return the last key of a place, and the index behind it; ``None`` for a key that many places have."""
    *_, index = keys = _without_join(keys)
    *_, name = (key for key in keys if isinstance(key, str))
    if name in _SAYING_NOTHING:
        return None
    words = _WORDS.sub("-", name.removeprefix("S3")).lower() if _OF_THE_API.fullmatch(name) else name
    return f"{words}-{index}" if isinstance(index, int) else words


def _without_join(keys: Keys) -> Keys:
    """A place in joined text is that of the text."""
    return keys[: keys.index("Std:Join")] if "Std:Join" in keys else keys


_SAYING_NOTHING: Final = ("Key", "MaxValue", "MinValue", "Name", "Value", "Values")
_OF_THE_API: Final = re.compile(r"(S3)?([A-Z][a-z]+)+")
_WORDS: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _fits(value: Any, types: Types) -> bool:
    """Say whether a value is a scalar of the type wanted, as most are: nothing is to be done for it."""
    fitting = _FITTING.get(value.__class__)
    return fitting is not None and (types is None or (types.__class__ is str and types in fitting))
