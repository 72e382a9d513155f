"""Values whose type is known while a Dag file is parsed, and the type that the API wants in their place.

``step_types.json`` is taken from botocore's model by ``tests/oracles/step_types.py``, and held to it by a test. The
model itself takes 0.2 seconds to load, which every parse of a Dag file would pay; this table takes a millisecond.
"""

from __future__ import annotations

import functools
import json
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import (
    ItemReference,
    Join,
    JsonGet,
    ParameterReference,
    PropertyReference,
)
from airflow_sm_pipelines.definition.parameters import type_of
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.nodes import RuntimeValue, StepNode

ANY: Final = "*"
"""In the table: any index of a list, any key of a map."""

Types = Mapping[str | int, Any] | str | None
"""What is known of a place: the types in it by key, its own type (as pipeline parameters have them), or nothing."""

Keys = tuple[str | int, ...]

_WANTED: Final = {"Integer": "a whole number", "Float": "a number", "Boolean": "True or False", "String": "text"}


def place_of(keys: Keys) -> str:
    """Return how errors, and names of parameters, say where in a step something stands.

    :param keys: the keys and indexes that lead there.
    """
    return "-".join(map(str, keys))


PropertyType = Callable[[PropertyReference], str | None]
"""Says which type a property of a step has, as pipeline parameters have them; ``None`` where that is not known."""


def as_type(value: Any, types: Types, node: StepNode, keys: Keys, property_type: PropertyType) -> Any:
    """Return a value as the API wants it in its place: a value that is not text, or may not be, is joined into text.

    Those are parameters, numbers that other steps make, and metrics of property files.

    What only the run can tell passes.

    :param value: a literal, an expression, or what becomes a parameter.
    :param types: what the API wants.
    :param node: the step it is in.
    :param keys: where.
    :param property_type: knows the types of properties.
    :raises TranslationError: for what SageMaker would refuse for its type, naming task, place and fix.
    """
    start = f"task '{node.task_id}' gives"
    if isinstance(types, Mapping):
        if isinstance(value, ItemReference):
            raise TranslationError(
                f"{start} the item of a ForEach step at {place_of(keys)}, where the API wants a list or an object, and "
                "an item is one text, number or boolean. Write the list or object out with CURRENT_ITEM inside it, as "
                "in hyperparameters={'max_depth': CURRENT_ITEM}, and expand(item=...)."
            )
        if isinstance(value, (RuntimeValue, ParameterReference)):
            raise TranslationError(
                f"{start} {_named(value)} at {place_of(keys)}, where the API wants a list or an object. A pipeline "
                "parameter holds one text, number or boolean: write the list or object out, and let its members be "
                "parameters."
            )
        if type_of(value) is not None:
            raise TranslationError(
                f"{start} {value!r} at {place_of(keys)}, where the API wants a list or an object. Write it out as "
                "boto3 takes it."
            )
        return value
    if types is not None and _is_container(value):
        raise TranslationError(
            f"{start} {value!r} at {place_of(keys)}, where the API wants {_WANTED[types]}. Give one value, no list or "
            "object."
        )
    if types == "String" and _may_be_no_text(value, property_type):
        return Join("", [value])
    if isinstance(value, ItemReference) and types is not None:
        _refuse_items_of_another_type(value, types, start, place_of(keys))
    given = _type_of(value)
    if types is None or given is None or given == types or (given, types) == ("Integer", "Float"):
        return value
    if types == "String" and isinstance(value, (RuntimeValue, ParameterReference)):
        return Join("", [value])
    fix = f"Write {str(value)!r}." if types == "String" else _FIXES.get(type(value), _FIXES[str]).format(types)
    raise TranslationError(f"{start} {_named(value)} at {place_of(keys)}, where the API wants {_WANTED[types]}. {fix}")


def _refuse_items_of_another_type(reference: ItemReference, wanted: str, start: str, place: str) -> None:
    for each in reference.values:
        found = type_of(each)
        if found not in (None, wanted) and (found, wanted) != ("Integer", "Float"):
            raise TranslationError(
                f"{start} the item {each!r} at {place}, where the API wants {_WANTED[wanted]}. Expand over values of "
                f"that type; what only the run knows is Parameter{wanted}(...)."
            )


_FIXES: Final[dict[type, str]] = {
    ParameterReference: "Declare it {0}: Parameter{0}(...), or a literal of that type.",
    ItemReference: "Expand over values of that type.",
    RuntimeValue: "Write Parameter{0}(...), or the value alone.",
    Join: "Give one {0} parameter.",
    str: "Write a literal of that type, Jinja, or a reference.",
}


def _may_be_no_text(value: Any, property_type: PropertyType) -> bool:
    if isinstance(value, PropertyReference):
        return property_type(value) not in (None, "String")
    return isinstance(value, JsonGet) or (isinstance(value, ItemReference) and value.type != "String")


def _is_container(value: Any) -> bool:
    """Whether a value is a list or an object. An expression as a document has it, ``{"Get": ...}``, is neither."""
    if isinstance(value, Mapping):
        return not (len(value) == 1 and str(next(iter(value))).startswith(("Get", "Std:")))
    return isinstance(value, (list, tuple))


def _type_of(value: Any) -> str | None:
    if isinstance(value, (ParameterReference, RuntimeValue, ItemReference)):
        return value.type
    return "String" if isinstance(value, Join) else type_of(value)


def _named(value: Any) -> str:
    if isinstance(value, ParameterReference):
        return f"pipeline parameter '{value.path.removeprefix('Parameters.')}', which is {value.type},"
    if isinstance(value, ItemReference):
        return "the items"
    if isinstance(value, RuntimeValue):
        return repr(value.value) if value.type is None else f"Parameter{value.type}({value.value!r})"
    return "a Join, which is text," if isinstance(value, Join) else repr(value)


def types_of(step_type: str) -> Types:
    """Return the types in a step: below ``Arguments``, and of its further keys.

    :param step_type: the step's type; of an unknown one nothing is known.
    """
    return _table().get(step_type)


def types_in(types: Types, key: str | int) -> Types:
    """Return what is known of a place in another.

    :param types: what is known of the outer place.
    :param key: the key or index that leads to the inner one.
    """
    return types.get(key, types.get(ANY)) if isinstance(types, (dict, Mapping)) else None


@functools.cache
def _table() -> Mapping[str, Any]:
    table: Mapping[str, Any] = json.loads(pkgutil.get_data(__name__, "step_types.json") or b"")
    return table
