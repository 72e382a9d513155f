"""Evaluate expressions and conditions. Nothing uses ``eval``."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from airflow_sm_pipelines.definition.conditions import CONDITION_MEMBERS
from airflow_sm_pipelines.definition.expressions import Reference, parse_reference
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineDefinitionError

JsonValue = Any


class Lookup(Protocol):
    """Where values come from while a pipeline runs.

    Each method raises :class:`EvaluationError` when there is no such value.
    """

    def reference(self, reference: Reference) -> JsonValue:
        """Return the value of a parameter, an execution variable or a property of a step.

        :param reference: what a ``Get`` points at.
        """

    def property_file(self, step_name: str, property_file_name: str) -> JsonValue:
        """Return the parsed content of a property file.

        :param step_name: the step that declares it.
        :param property_file_name: its ``PropertyFileName``.
        """

    def s3_json(self, uri: str) -> JsonValue:
        """Return the parsed content of a JSON file in S3.

        :param uri: ``s3://bucket/key``.
        """


_ORDERINGS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def evaluate(value: JsonValue, lookup: Lookup) -> JsonValue:
    """Return a JSON value with every expression in it replaced by its value.

    :param value: any part of a document.
    :param lookup: where values come from.
    :raises EvaluationError: when an expression has no value.
    """
    if isinstance(value, Mapping):
        if len(value) == 1:
            key, inner = next(iter(value.items()))
            if key == "Get":
                return lookup.reference(_reference(inner))
            if key == "Std:Join":
                return _join(inner, lookup)
            if key == "Std:JsonGet":
                return _json_get(inner, lookup)
        return {key: evaluate(inner, lookup) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [evaluate(inner, lookup) for inner in value]
    return value


def evaluate_conditions(conditions: Sequence[Mapping[str, Any]], lookup: Lookup) -> bool:
    """Return whether all conditions hold.

    :param conditions: the ``Conditions`` of a Condition step.
    :param lookup: where values come from.
    :raises EvaluationError: when a condition cannot be decided, such as an order between text and number.
        It is never taken as "does not hold".
    """
    return all(evaluate_condition(condition, lookup) for condition in conditions)


def evaluate_condition(condition: Any, lookup: Lookup) -> bool:
    """Return whether one condition holds.

    :param condition: its form in the document.
    :param lookup: where values come from.
    :raises EvaluationError: when it cannot be decided.
    """
    type_ = condition.get("Type") if isinstance(condition, Mapping) else None
    if not isinstance(type_, str) or type_ not in CONDITION_MEMBERS:
        raise EvaluationError(f"There is no condition of type {type_!r}.")
    for member in CONDITION_MEMBERS[type_]:
        if member not in condition:
            raise EvaluationError(f"A condition of type '{type_}' lacks its member '{member}'.")
        if member in ("Conditions", "Values") and not isinstance(condition[member], list):
            raise EvaluationError(f"'{member}' of a condition of type '{type_}' must be a list.")
    if type_ == "Not":
        return not evaluate_condition(condition["Condition"], lookup)
    if type_ == "Or":
        return any(evaluate_condition(inner, lookup) for inner in condition["Conditions"])
    left = evaluate(condition[CONDITION_MEMBERS[type_][0]], lookup)
    if type_ == "In":
        return any(_equal(left, evaluate(value, lookup)) for value in condition["Values"])
    return _compare(type_, left, evaluate(condition["RightValue"], lookup))


def follow_path(content: JsonValue, path: str, source: str) -> JsonValue:
    """Return what lies at a path inside JSON content.

    :param content: parsed JSON.
    :param path: such as ``accuracy.value``, ``classes[0].f1`` or ``scores['f1']``.
    :param source: what the content is of; used in the error.
    :raises EvaluationError: when nothing lies there; names the keys that exist.
    """
    try:
        reference = parse_reference(path)
    except PipelineDefinitionError as error:
        raise EvaluationError(f"The JSON path {path!r} into {source} cannot be read: {error.problems[0]}") from None
    current = content
    for depth, key in enumerate((reference.root, *reference.keys)):
        if isinstance(current, Mapping) and key in current:
            current = current[str(key)]
        elif isinstance(current, list) and isinstance(key, int) and key < len(current):
            current = current[key]
        else:
            raise EvaluationError(
                f"{source} has nothing at {path!r}: at {_describe_depth(reference, depth)} there is {_shape(current)}."
            )
    return current


def render(value: JsonValue) -> str:
    """Return a value as a Join renders it: booleans as ``true`` and ``false``.

    :param value: a scalar.
    :raises EvaluationError: for an object or a list.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise EvaluationError(f"Only text, numbers and booleans can be joined, not {_shape(value)}.")


def _reference(path: Any) -> Reference:
    if not isinstance(path, str):
        raise EvaluationError(f"A Get must hold a reference as text, not {_shape(path)}.")
    try:
        return parse_reference(path)
    except PipelineDefinitionError as error:
        raise EvaluationError(str(error.problems[0])) from None


def _join(inner: Any, lookup: Lookup) -> str:
    if not isinstance(inner, Mapping) or not isinstance(inner.get("Values"), list):
        raise EvaluationError("A Std:Join needs 'On' and a list of 'Values'.")
    return str(inner.get("On", "")).join(render(evaluate(value, lookup)) for value in inner["Values"])


def _json_get(inner: Any, lookup: Lookup) -> JsonValue:
    if not isinstance(inner, Mapping) or not isinstance(inner.get("Path"), str):
        raise EvaluationError("A Std:JsonGet needs a literal 'Path', and 'PropertyFile' or 'S3Uri'.")
    if "PropertyFile" in inner:
        source = inner["PropertyFile"]
        reference = _reference(source.get("Get") if isinstance(source, Mapping) else source)
        keys = reference.keys
        if reference.root != "Steps" or len(keys) != 3 or keys[1] != "PropertyFiles":
            raise EvaluationError(
                f"'{reference.path}' is not a property file; write Steps.<step>.PropertyFiles.<name>."
            )
        step_name, name = str(keys[0]), str(keys[2])
        content = lookup.property_file(step_name, name)
        return follow_path(content, inner["Path"], f"Property file '{name}' of step '{step_name}'")
    if "S3Uri" in inner:
        uri = evaluate(inner["S3Uri"], lookup)
        return follow_path(lookup.s3_json(uri), inner["Path"], f"The file {uri}")
    raise EvaluationError("A Std:JsonGet names neither a 'PropertyFile' nor an 'S3Uri'.")


def _compare(type_: str, left: JsonValue, right: JsonValue) -> bool:
    if type_ == "Equals":
        return _equal(left, right)
    numbers = all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise EvaluationError(f"{type_} needs two numbers or two texts, but got {_shape(left)} and {_shape(right)}.")
    return _ORDERINGS[type_](left, right)


def _equal(left: JsonValue, right: JsonValue) -> bool:
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _describe_depth(reference: Reference, depth: int) -> str:
    return "the top" if depth == 0 else f"'{'.'.join(map(str, (reference.root, *reference.keys)[:depth]))}'"


def _shape(value: JsonValue) -> str:
    if isinstance(value, Mapping):
        return f"an object with the keys {', '.join(map(repr, value)) or '(none)'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return repr(value)
