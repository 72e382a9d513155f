from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.comparisons import LONGEST_TEXT, outcome_xcom, show_comparison, show_condition
from airflow_sm_pipelines.exceptions import EvaluationError

ACCURACY = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "accuracy.value"}}
RETURNED = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.returned"}, "Path": "['error']"}}
LEAST = {"Get": "Parameters.Least"}
UNKNOWN = {"Get": "Steps.train.TrainingJobStatus"}


def value_of(operand):
    """Values of a small world."""
    if operand == ACCURACY:
        return 0.93
    if operand in (LEAST, RETURNED):
        return 0.9
    if operand == UNKNOWN:
        raise EvaluationError("only the pipeline knows")
    return "a/b" if operand == {"Std:Join": {"On": "/", "Values": ["a", "b"]}} else operand


def compare(type_, left, right):
    return {"Type": type_, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (
            compare("GreaterThanOrEqualTo", ACCURACY, LEAST),
            ["evaluate.metrics.accuracy.value (0.93) >= Parameters.Least (0.9): holds"],
        ),
        (compare("LessThan", ACCURACY, 0.5), ["evaluate.metrics.accuracy.value (0.93) < 0.5: does not hold"]),
        (compare("LessThan", RETURNED, 1), ["evaluate.returned['error'] (0.9) < 1: holds"]),
        (
            compare("Equals", {"Std:Join": {"On": "/", "Values": ["a", "b"]}}, "a/b"),
            ["joined text ('a/b') == 'a/b': holds"],
        ),
        ({"Type": "In", "QueryValue": LEAST, "Values": [1, 0.9]}, ["Parameters.Least (0.9) in [1, 0.9]: holds"]),
        (
            {
                "Type": "Not",
                "Condition": {"Type": "Or", "Conditions": [compare("Equals", 1, 1), compare("Equals", 1, 2)]},
            },
            ["1 == 1: holds", "1 == 2: does not hold"],
        ),
        (
            compare("Equals", UNKNOWN, LEAST),
            ["Steps.train.TrainingJobStatus == Parameters.Least (0.9): not known here"],
        ),
        (compare("LessThan", LEAST, "x"), ["Parameters.Least (0.9) < 'x': not known here"]),
    ],
    ids=["metric", "literal", "in brackets", "joined", "in", "nested", "unknown", "of two kinds"],
)
def test_a_condition_is_told_with_names_and_values(condition, told):
    """Each comparison has its values by their names, and whether it holds; an unknown value does not hide the known."""
    assert [str(each) for each in show_condition(condition, value_of)] == told


def test_long_comparisons_are_cut_in_the_middle():
    """A comparison with many values stays a line that can be read."""
    told = show_comparison("In", [None] * 200, [7, *range(199)])
    assert (len(told.text), told.text[:16], told.text[-5:], told.holds) == (
        LONGEST_TEXT + len(" ... "),
        "7 in [0, 1, 2, 3",
        " 198]",
        True,
    )


def test_the_outcome_as_an_xcom():
    """The XCom of a branching task says whether the conditions hold, and what was compared."""
    comparisons = list(show_condition(compare("Equals", LEAST, 0.9), value_of))
    assert outcome_xcom(True, comparisons) == {
        "holds": True,
        "comparisons": [
            {
                "comparison": "Parameters.Least (0.9) == 0.9",
                "holds": True,
                "operator": "==",
                "operands": [{"name": "Parameters.Least", "value": 0.9}, {"name": None, "value": 0.9}],
            }
        ],
    }
