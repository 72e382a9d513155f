"""Conditions of a Condition step, and the comparisons that make them.

A list of conditions holds when all of them do. The document forms are those of the
"Pipelines definition JSON schema" and of the SageMaker SDK, which also knows ``Not`` and ``Or``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

COMPARISON_TYPES: Final = (
    "Equals",
    "GreaterThan",
    "GreaterThanOrEqualTo",
    "LessThan",
    "LessThanOrEqualTo",
)
CONDITION_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(COMPARISON_TYPES, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}
"""The types of conditions, and the members each must have."""


class Expression:
    """Anything that has a form in the document, such as a property reference."""

    __slots__ = ()

    def to_document(self) -> Any:
        """Return the JSON value that stands for this object in a document."""
        raise NotImplementedError


def operand_to_document(operand: Any) -> Any:
    """Return an operand's form in the document; plain JSON values stand for themselves.

    :param operand: an expression, or a ``str``, ``int``, ``float`` or ``bool``.
    """
    return operand.to_document() if isinstance(operand, Expression) else operand


class Condition(ABC):
    """Base of all conditions. Conditions have no truth value in Python; see :meth:`__bool__`."""

    @abstractmethod
    def to_document(self) -> dict[str, Any]:
        """Return the condition as the definition has it."""

    @abstractmethod
    def operands(self) -> Iterator[Any]:
        """Yield every value the condition looks at, nested conditions included."""

    @abstractmethod
    def map_operands(self, function: Any) -> Condition:
        """Return the same condition with each operand replaced by ``function(operand)``.

        :param function: takes one operand and returns its replacement.
        """

    def __bool__(self) -> bool:
        raise TypeError(
            "A pipeline condition has no value until the pipeline runs. To combine conditions, put them in a "
            "list (all must hold), or use Or(...) and Not(...); 'and', 'or', 'not', 'a <= b <= c' and 'if' "
            "cannot work here."
        )

    def __and__(self, other: object) -> NoReturn:
        raise TypeError(
            "'&', '|' and '~' do not combine pipeline conditions. Put conditions in a list (all must hold), or use "
            "Or(...) and Not(...)."
        )

    def __or__(self, other: object) -> NoReturn:
        self.__and__(other)

    def __invert__(self) -> NoReturn:
        self.__and__(self)


@dataclass(frozen=True)
class Comparison(Condition):
    """``Equals``, ``GreaterThan``, ``GreaterThanOrEqualTo``, ``LessThan`` or ``LessThanOrEqualTo``.

    :param type: one of :data:`COMPARISON_TYPES`.
    :param left_value: what is compared.
    :param right_value: what it is compared with.
    """

    type: str
    left_value: Any
    right_value: Any

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Type", "LeftValue", "RightValue"}``."""
        return {
            "Type": self.type,
            "LeftValue": operand_to_document(self.left_value),
            "RightValue": operand_to_document(self.right_value),
        }

    def operands(self) -> Iterator[Any]:
        """Yield the left and the right value."""
        yield self.left_value
        yield self.right_value

    def map_operands(self, function: Any) -> Condition:
        """Return the comparison of the replaced values."""
        return Comparison(self.type, function(self.left_value), function(self.right_value))


@dataclass(frozen=True)
class In(Condition):
    """Holds when the query value equals one of the values.

    :param query_value: what is looked for.
    :param values: where it is looked for.
    """

    query_value: Any
    values: tuple[Any, ...]

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Type": "In", "QueryValue", "Values"}``."""
        return {
            "Type": "In",
            "QueryValue": operand_to_document(self.query_value),
            "Values": [operand_to_document(value) for value in self.values],
        }

    def operands(self) -> Iterator[Any]:
        """Yield the query value, then each value."""
        yield self.query_value
        yield from self.values

    def map_operands(self, function: Any) -> Condition:
        """Return the same membership over the replaced values."""
        return In(function(self.query_value), tuple(function(value) for value in self.values))


@dataclass(frozen=True)
class Not(Condition):
    """Holds when the inner condition does not.

    :param condition: the inner condition.
    """

    condition: Condition

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Type": "Not", "Condition"}``."""
        return {"Type": "Not", "Condition": self.condition.to_document()}

    def operands(self) -> Iterator[Any]:
        """Yield the inner condition's operands."""
        yield from self.condition.operands()

    def map_operands(self, function: Any) -> Condition:
        """Return the negation of the replaced condition."""
        return Not(self.condition.map_operands(function))


@dataclass(frozen=True, init=False)
class Or(Condition):
    """Holds when at least one of the inner conditions does: ``Or(a >= 1, b.equals("x"))``.

    :param conditions: the inner conditions.
    """

    conditions: tuple[Condition, ...]

    def __init__(self, *conditions: Condition) -> None:
        object.__setattr__(self, "conditions", conditions)

    def to_document(self) -> dict[str, Any]:
        """Return ``{"Type": "Or", "Conditions"}``."""
        return {"Type": "Or", "Conditions": [condition.to_document() for condition in self.conditions]}

    def operands(self) -> Iterator[Any]:
        """Yield the operands of all inner conditions, in order."""
        for condition in self.conditions:
            yield from condition.operands()

    def map_operands(self, function: Any) -> Condition:
        """Return the alternative of the replaced conditions."""
        return Or(*(condition.map_operands(function) for condition in self.conditions))


class Comparable(Expression):
    """Gives an expression the comparisons that build conditions, and keeps it from being taken for text."""

    def __str__(self) -> str:
        raise TypeError(
            f"{self!r} has no value until the pipeline runs, so it cannot be put into text by str(), '+', an f-string "
            "or format(). Join it: Join('/', [reference, 'file.csv']). A task outside the pipeline reads the step's "
            "XComs instead, such as step_report."
        )

    def __format__(self, format_spec: str) -> str:
        return str(self)

    def __add__(self, other: Any) -> str:
        return str(self)

    def __radd__(self, other: Any) -> str:
        return str(self)

    def __ge__(self, other: Any) -> Condition:
        return Comparison("GreaterThanOrEqualTo", self, other)

    def __gt__(self, other: Any) -> Condition:
        return Comparison("GreaterThan", self, other)

    def __le__(self, other: Any) -> Condition:
        return Comparison("LessThanOrEqualTo", self, other)

    def __lt__(self, other: Any) -> Condition:
        return Comparison("LessThan", self, other)

    def equals(self, other: Any) -> Condition:
        """Return the condition that this value equals the other.

        :param other: an expression or a plain value.
        """
        return Comparison("Equals", self, other)

    def in_(self, values: Sequence[Any]) -> Condition:
        """Return the condition that this value is one of those given.

        :param values: expressions or plain values.
        :raises TypeError: for text, which would be taken letter by letter.
        """
        if isinstance(values, str):
            raise TypeError(f"in_({values!r}) needs a list of values. Write in_([{values!r}]).")
        return In(self, tuple(values))
