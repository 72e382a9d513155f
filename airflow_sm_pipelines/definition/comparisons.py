"""Comparisons as a person reads them: each value with its name, and whether the comparison holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.definition.conditions import CONDITION_MEMBERS, Comparison, operand_to_document
from airflow_sm_pipelines.definition.evaluation import evaluate_condition
from airflow_sm_pipelines.definition.expressions import Measured, ParameterReference, parse_reference
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineDefinitionError

LONGEST_TEXT: Final = 300
"""Characters of a comparison as text; longer ones are cut off in the middle, as lists of many values may be."""

_SIGNS: Final[Mapping[str, str]] = {
    "Equals": "==",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
}


@dataclass(frozen=True)
class ShownOperand:
    """One side of a comparison.

    :param name: what the value is called; ``None`` for a literal, which stands for itself.
    :param value: the value; :data:`MISSING` where it is not known here.
    """

    name: str | None
    value: Any = MISSING

    def __str__(self) -> str:
        if self.value is MISSING:
            return str(self.name)
        return repr(self.value) if self.name is None else f"{self.name} ({self.value!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON; without a value where none is known."""
        return {"name": self.name} if self.value is MISSING else {"name": self.name, "value": self.value}


@dataclass(frozen=True)
class ShownComparison:
    """One comparison, told.

    :param type: of the condition: one of ``COMPARISON_TYPES``, or ``In``.
    :param operands: the left and the right one; of an ``In`` the query value, then each value.
    :param holds: whether it holds; ``None`` where a value is not known here.
    """

    type: str
    operands: tuple[ShownOperand, ...]
    holds: bool | None

    @property
    def operator(self) -> str:
        """The sign between the operands, such as ``>=``."""
        return "in" if self.type == "In" else _SIGNS.get(self.type, self.type)

    @property
    def text(self) -> str:
        """``evaluate.metrics.accuracy.value (0.93) >= Parameters.Least (0.9)``."""
        text = self._whole_text
        half = LONGEST_TEXT // 2
        return text if len(text) <= LONGEST_TEXT else f"{text[:half]} ... {text[-half:]}"

    @property
    def _whole_text(self) -> str:
        first, *others = map(str, self.operands)
        return f"{first} {self.operator} " + (f"[{', '.join(others)}]" if self.type == "In" else others[0])

    def __str__(self) -> str:
        return f"{self.text}: {_HOLDS[self.holds]}"

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON, for an XCom; without operands where their text is too long to be shown whole."""
        told = {"comparison": self.text, "holds": self.holds, "operator": self.operator}
        if len(self._whole_text) > LONGEST_TEXT:
            return told
        return {**told, "operands": [operand.to_dict() for operand in self.operands]}


def text_beside_a_number(comparison: Comparison) -> str | None:
    """Say which operand of an ordering is text although the other is a number; ``None`` when none is.

    SageMaker compares text by its letters, and never a number with text. What a job measures may be text anyway, so
    next to that only text that reads as a number is a mistake.

    :param comparison: with the operands that the Dag's author wrote; values known only in a Dag run pass.
    """
    operands = (comparison.left_value, comparison.right_value)
    for operand, other in (operands, reversed(operands)):
        if comparison.type == "Equals" or not isinstance(operand, str):
            continue
        if _is_a_number(other) or (isinstance(other, Measured) and _reads_as_a_number(operand)):
            fix = f"Write {operand}, without quotes" if _reads_as_a_number(operand) else "Give a number"
            name = other.json_path if isinstance(other, Measured) else operand_name(operand_to_document(other))
            compared = name or repr(other)
            return f"{compared} is compared with the text {operand!r}, but <, <=, > and >= compare numbers. {fix}."
    return None


def _is_a_number(operand: Any) -> bool:
    if isinstance(operand, ParameterReference):
        return operand.type in ("Integer", "Float")
    return isinstance(operand, (int, float)) and not isinstance(operand, bool)


def _reads_as_a_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_HOLDS: Final = {True: "holds", False: "does not hold", None: "not known here"}


def outcome_xcom(holds: bool, comparisons: Sequence[ShownComparison]) -> dict[str, Any]:
    """Return the XCom ``outcome`` of a task that branches.

    :param holds: whether the conditions hold.
    :param comparisons: what they compare.
    """
    return {"holds": holds, "comparisons": [each.to_dict() for each in comparisons]}


def show_comparison(type_: str, names: Sequence[str | None], values: Sequence[Any]) -> ShownComparison:
    """Tell a comparison whose values are all known.

    :param type_: of the condition: one of ``COMPARISON_TYPES``, or ``In``.
    :param names: what the values are called; ``None`` for one that stands for itself.
    :param values: the left and the right value; of an ``In`` the query value, then each value.
    :raises EvaluationError: when they cannot be compared.
    """
    first, second = CONDITION_MEMBERS[type_]
    others: Any = list(values[1:]) if type_ == "In" else values[1]
    holds = evaluate_condition({"Type": type_, first: values[0], second: others}, _Nothing())
    return ShownComparison(type_, tuple(map(ShownOperand, names, values)), holds)


def show_condition(condition: Any, value_of: Callable[[Any], Any]) -> Iterator[ShownComparison]:
    """Tell each comparison that a condition consists of. One with an unknown value is included, too.

    :param condition: its form in a document that is valid.
    :param value_of: returns an operand's value.
    """
    type_ = condition["Type"]
    if type_ == "Not":
        yield from show_condition(condition["Condition"], value_of)
    elif type_ == "Or":
        for inner in condition["Conditions"]:
            yield from show_condition(inner, value_of)
    else:
        first, second = CONDITION_MEMBERS[type_]
        others = condition[second] if type_ == "In" else [condition[second]]
        operands = [condition[first], *others]
        names = [operand_name(operand) for operand in operands]
        try:
            yield show_comparison(type_, names, [value_of(operand) for operand in operands])
        except EvaluationError:
            yield ShownComparison(type_, tuple(_shown_operand(each, value_of) for each in operands), None)


def operand_name(operand: Any) -> str | None:
    """Return what an operand is called; ``None`` for a literal, which stands for itself.

    :param operand: its form in a document.
    """
    if not isinstance(operand, Mapping) or len(operand) != 1:
        return None
    [(key, inner)] = operand.items()
    if key == "Get":
        return str(inner)
    if key == "Std:Join":
        return "joined text"
    if key != "Std:JsonGet" or not isinstance(inner, Mapping):
        return None
    source = inner.get("PropertyFile")
    path = source.get("Get") if isinstance(source, Mapping) else source
    if path is None:
        return str(inner.get("Path"))
    try:
        keys = parse_reference(str(path)).keys
    except PipelineDefinitionError:
        return str(inner.get("Path"))
    return f"{keys[0]}.{keys[-1]}.{inner.get('Path')}".replace(".[", "[", 1) if keys else str(inner.get("Path"))


def _shown_operand(operand: Any, value_of: Callable[[Any], Any]) -> ShownOperand:
    name = operand_name(operand)
    try:
        return ShownOperand(name, value_of(operand))
    except EvaluationError:
        return ShownOperand(name)


class _Nothing:
    """A lookup for conditions in which nothing is left to look up."""

    def reference(self, reference: Any) -> Any:
        raise EvaluationError(f"'{reference.path}' has no value here.")

    def property_file(self, step_name: str, property_file_name: str) -> Any:
        raise EvaluationError(f"Property file '{property_file_name}' of step '{step_name}' is not read here.")

    def s3_json(self, uri: str) -> Any:
        raise EvaluationError(f"{uri} is not read here.")
