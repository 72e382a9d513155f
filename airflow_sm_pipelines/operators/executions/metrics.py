"""Conditions over metrics that are decided in Airflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from airflow_sm_pipelines.definition.comparisons import ShownComparison, operand_name, show_comparison
from airflow_sm_pipelines.definition.conditions import (
    Comparison,
    Condition,
    In,
    Not,
    Or,
    operand_to_document,
)
from airflow_sm_pipelines.definition.evaluation import Lookup, evaluate, evaluate_condition
from airflow_sm_pipelines.definition.expressions import Get, Join, JsonGet, Measured
from airflow_sm_pipelines.exceptions import EvaluationError


@dataclass(frozen=True, order=False)
class Metric(Measured):
    """A value in the JSON file that a :class:`SageMakerMetricBranchOperator` reads: ``Metric("accuracy.value")``.

    Not for a ConditionStep, whose metrics are a step's: ``evaluate.metric("metrics", "accuracy.value")``.

    :param json_path: where in the file, such as ``accuracy.value``, ``classes[0].f1`` or ``scores['f1']``.
    """

    json_path: str

    def to_document(self) -> Any:
        """Raise: a pipeline definition cannot hold such a value."""
        raise TypeError(
            f"Metric({self.json_path!r}) is for SageMakerMetricBranchOperator. In a pipeline compare a step's metric: "
            "evaluate.metric('<property file>', '<path>')."
        )


@dataclass(frozen=True)
class TemplateOperand:
    """Stands in a condition for a value that Airflow renders.

    :param index: its place among the rendered values.
    """

    index: int


@dataclass(frozen=True)
class TemplatePath:
    """Stands in a condition for a metric at a path that Airflow renders.

    :param metric: the metric; its path is not rendered.
    :param index: the path's place among the rendered values.
    """

    metric: Metric | JsonGet
    index: int

    def rendered(self, values: Sequence[Any]) -> Metric | JsonGet:
        """Return the metric with its path.

        :param values: what Airflow rendered.
        :raises EvaluationError: the path is not text.
        """
        path = values[self.index]
        if not isinstance(path, str):
            raise EvaluationError(
                f"the path {self.metric.json_path!r} of a metric was rendered to {path!r}, which is not text."
            )
        return replace(self.metric, json_path=path)


def decide_branch(
    conditions: Sequence[Condition],
    *,
    lookup: Lookup,
    rendered: Sequence[Any],
    metric_to_document: Callable[[Metric], Any],
    tell: Callable[[ShownComparison], None],
) -> bool:
    """Say whether all conditions hold, and tell each comparison with its values.

    Every value is looked up, also where the outcome is settled without it: what is missing is always an error.

    :param conditions: as the Dag has them.
    :param lookup: where values come from.
    :param rendered: what Airflow rendered, by the index of a :class:`TemplateOperand` or :class:`TemplatePath`.
    :param metric_to_document: says which expression of the document a :class:`Metric` is here.
    :param tell: takes one comparison.
    :raises EvaluationError: when a condition cannot be decided. It is never taken as "does not hold".
    """

    def value_of(operand: Any) -> Any:
        if isinstance(operand, TemplateOperand):
            return rendered[operand.index]
        document = metric_to_document(operand) if isinstance(operand, Metric) else operand_to_document(operand)
        value = evaluate(document, lookup)
        if isinstance(value, (Mapping, list)) or value is None:
            keys = f"an object with the keys {', '.join(map(repr, value))}" if isinstance(value, Mapping) else value
            name = _label(operand) or "A value"
            raise EvaluationError(f"{name} is {keys}; only text, numbers and booleans can be compared.")
        return value

    holds = True
    for condition in (_with_paths(condition, rendered) for condition in conditions):
        for leaf in leaves_of(condition):
            tell(_told(leaf, _with_values(leaf, value_of)))
        known = _map_leaves(condition, lambda leaf: _with_values(leaf, value_of))
        holds = evaluate_condition(known.to_document(), lookup) and holds
    return holds


def _with_paths(condition: Condition, rendered: Sequence[Any]) -> Condition:
    return condition.map_operands(
        lambda operand: operand.rendered(rendered) if isinstance(operand, TemplatePath) else operand
    )


def leaves_of(condition: Condition) -> Iterator[Comparison | In]:
    """Yield the comparisons that a condition consists of, in order.

    :param condition: the condition.
    """
    stack = [condition]
    while stack:
        current = stack.pop()
        if isinstance(current, Not):
            stack.append(current.condition)
        elif isinstance(current, Or):
            stack.extend(reversed(current.conditions))
        elif isinstance(current, (Comparison, In)):
            yield current


def _map_leaves(condition: Condition, function: Callable[[Comparison | In], Condition]) -> Condition:
    if isinstance(condition, Not):
        return Not(_map_leaves(condition.condition, function))
    if isinstance(condition, Or):
        return Or(*(_map_leaves(each, function) for each in condition.conditions))
    return function(condition) if isinstance(condition, (Comparison, In)) else condition


def _with_values(leaf: Comparison | In, value_of: Callable[[Any], Any]) -> Condition:
    """The comparison with its values. Rendered text takes the type of what it is compared with."""
    operands = list(leaf.operands())
    values = [value_of(operand) for operand in operands]
    of_templates = [isinstance(operand, TemplateOperand) for operand in operands]
    typed = next((value for value, rendered in zip(values, of_templates, strict=True) if not rendered), None)
    found = iter(
        _like(value, typed) if rendered else value for value, rendered in zip(values, of_templates, strict=True)
    )
    return leaf.map_operands(lambda _: next(found))


def _like(value: Any, typed: Any) -> Any:
    if not isinstance(value, str) or typed is None or isinstance(typed, str):
        return value
    if isinstance(typed, bool):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise EvaluationError(f"Airflow rendered {value!r}, which is compared with the boolean {typed}.")
    for number in (int, float):
        with suppress(ValueError):
            return number(value)
    raise EvaluationError(f"Airflow rendered {value!r}, which is compared with the number {typed}.")


def _told(leaf: Comparison | In, known: Condition) -> ShownComparison:
    type_ = "In" if isinstance(leaf, In) else leaf.type
    return show_comparison(type_, [_label(operand) for operand in leaf.operands()], list(known.operands()))


def _label(operand: Any) -> str | None:
    """What a value is called; ``None`` for one that stands for itself."""
    if isinstance(operand, Metric):
        return operand.json_path
    return operand_name(operand.to_document()) if isinstance(operand, (JsonGet, Get, Join)) else None
