"""The ranges that hyperparameters are searched in: what a request has, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from airflow_sm_pipelines.local.errors import ValidationError

LINEAR: Final = "Linear"
LOGARITHMIC: Final = "Logarithmic"
REVERSE_LOGARITHMIC: Final = "ReverseLogarithmic"

_WIDE: Final = 100
"""Where Auto stands for Logarithmic: the highest value is at least so many times the lowest, which is above 0.

SageMaker chooses the scale itself and does not say how; this is our choice.
"""


@dataclass(frozen=True)
class NumberRange:
    """Numbers between two limits, both included.

    :param name: the hyperparameter.
    :param low: the lowest.
    :param high: the highest.
    :param scaling: how the range is searched: :data:`LINEAR`, :data:`LOGARITHMIC` or :data:`REVERSE_LOGARITHMIC`.
    :param is_integer: whether only whole numbers count. They are given as ``int``.
    """

    name: str
    low: float
    high: float
    scaling: str
    is_integer: bool = False


@dataclass(frozen=True)
class Choice:
    """Some texts.

    :param name: the hyperparameter.
    :param values: the texts, as training jobs are given them: those of the SDK for scripts are JSON, quotes and all.
    """

    name: str
    values: tuple[str, ...]


Range = NumberRange | Choice


def ranges_of(given: Mapping[str, Any]) -> tuple[Range, ...]:
    """Return the ranges of a request: whole numbers, numbers and choices, in this order.

    :param given: ParameterRanges, or the HyperParameterRanges of one definition.
    :raises ValidationError: a limit is not a number, the limits are in the wrong order, the scaling does not fit them,
        or a hyperparameter has two ranges.
    """
    ranges = tuple(_ranges(given))
    names = [each.name for each in ranges]
    for name in names:
        if names.count(name) > 1:
            raise ValidationError(f"The hyperparameter '{name}' has more than one range.")
    return ranges


def _ranges(given: Mapping[str, Any]) -> Iterator[Range]:
    for each in given.get("IntegerParameterRanges", ()):
        yield _numbers(each, is_integer=True)
    for each in given.get("ContinuousParameterRanges", ()):
        yield _numbers(each, is_integer=False)
    for each in given.get("CategoricalParameterRanges", ()):
        yield Choice(each["Name"], tuple(dict.fromkeys(each["Values"])))


def _numbers(given: Mapping[str, Any], *, is_integer: bool) -> NumberRange:
    name = given["Name"]
    low, high = (_number(given, limit, is_integer=is_integer) for limit in ("MinValue", "MaxValue"))
    if low > high:
        raise ValidationError(
            f"The range of the hyperparameter '{name}' has MinValue {given['MinValue']}, which is greater than MaxValue"
            f" {given['MaxValue']}."
        )
    if not math.isfinite(float(high) - float(low)):  # which Optuna calculates
        raise ValidationError(
            f"The range of the hyperparameter '{name}' is larger than the local endpoint can search: from"
            f" {given['MinValue']} to {given['MaxValue']}."
        )
    scaling = given.get("ScalingType", "Auto")
    if scaling == "Auto":
        scaling = LOGARITHMIC if low > 0 and high / low >= _WIDE else LINEAR
    if scaling == LOGARITHMIC and low <= 0:
        raise ValidationError(
            f"The hyperparameter '{name}' has Logarithmic scaling, which is for values greater than 0 only. MinValue is"
            f" {given['MinValue']}."
        )
    if scaling == REVERSE_LOGARITHMIC and (is_integer or low < 0 or high >= 1):
        raise ValidationError(
            f"The hyperparameter '{name}' has ReverseLogarithmic scaling, which is for continuous ranges within"
            " 0 <= value < 1 only."
        )
    return NumberRange(name, low, high, scaling, is_integer)


def _number(given: Mapping[str, Any], limit: str, *, is_integer: bool) -> float:
    try:
        number = int(given[limit]) if is_integer else float(given[limit])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        kind = "an integer" if is_integer else "a number"
        raise ValidationError(f"{limit} of the hyperparameter '{given['Name']}' is not {kind}: '{given[limit]}'.")
    return number
