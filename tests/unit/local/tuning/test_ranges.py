"""The ranges of hyperparameters, read from requests."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.tuning.ranges import Choice, NumberRange, ranges_of
from tests.tuning_requests import choices, numbers


def test_whole_numbers_numbers_and_choices():
    """In this order; limits are numbers, choices stay the texts that they are, each once."""
    given = {
        **choices(optimizer=['"adam"', '"sgd"', '"adam"']),
        **numbers(rate=("0.5", "1")),
        **numbers("Integer", depth=("1", "9")),
    }
    assert ranges_of(given) == (
        NumberRange("depth", 1, 9, "Linear", is_integer=True),
        NumberRange("rate", 0.5, 1.0, "Linear"),
        Choice("optimizer", ('"adam"', '"sgd"')),
    )


@pytest.mark.parametrize(
    ("kind", "limits", "scaling", "expected"),
    [
        ("Continuous", ("0.1", "9"), "Auto", "Linear"),
        ("Continuous", ("0.001", "0.1"), "Auto", "Logarithmic"),
        ("Continuous", ("0", "1000"), "Auto", "Linear"),
        ("Continuous", ("-5", "1000"), None, "Linear"),
        ("Integer", ("1", "100"), None, "Logarithmic"),
        ("Integer", ("1", "100"), "Linear", "Linear"),
        ("Integer", ("1", "2"), "Logarithmic", "Logarithmic"),
        ("Continuous", ("0", "0.99"), "ReverseLogarithmic", "ReverseLogarithmic"),
        ("Continuous", ("3", "3"), "Auto", "Linear"),
    ],
)
def test_scales(kind: str, limits: tuple[str, str], scaling: str | None, expected: str):
    """Auto is logarithmic for positive ranges whose ends are far apart."""
    (found,) = ranges_of(numbers(kind, scaling=scaling, x=limits))
    assert isinstance(found, NumberRange)
    assert found.scaling == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (numbers(x=("a", "1")), "MinValue of the hyperparameter 'x' is not a number: 'a'."),
        (numbers(x=("1", "inf")), "MaxValue of the hyperparameter 'x' is not a number: 'inf'."),
        (numbers("Integer", x=("1.5", "2")), "MinValue of the hyperparameter 'x' is not an integer: '1.5'."),
        (
            numbers(x=("2", "1")),
            "The range of the hyperparameter 'x' has MinValue 2, which is greater than MaxValue 1.",
        ),
        (
            numbers(x=("-1e308", "1e308")),
            "The range of the hyperparameter 'x' is larger than the local endpoint can search: from -1e308 to 1e308.",
        ),
        (
            numbers(scaling="Logarithmic", x=("0", "1")),
            "The hyperparameter 'x' has Logarithmic scaling, which is for values greater than 0 only. MinValue is 0.",
        ),
        (
            numbers(scaling="ReverseLogarithmic", x=("0", "1")),
            "The hyperparameter 'x' has ReverseLogarithmic scaling, which is for continuous ranges within 0 <= value < 1 only.",
        ),
        (
            numbers("Integer", scaling="ReverseLogarithmic", x=("0", "0")),
            "The hyperparameter 'x' has ReverseLogarithmic scaling, which is for continuous ranges within 0 <= value < 1 only.",
        ),
        ({**numbers(x=("0", "1")), **choices(x=["a"])}, "The hyperparameter 'x' has more than one range."),
    ],
)
def test_ranges_that_are_none(given: dict[str, Any], message: str):
    """The hyperparameter is named, and what is wrong with it."""
    with pytest.raises(ValidationError) as refusal:
        ranges_of(given)
    assert refusal.value.message == message
