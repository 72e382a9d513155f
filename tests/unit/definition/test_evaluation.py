from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.evaluation import evaluate, evaluate_conditions
from airflow_sm_pipelines.exceptions import EvaluationError


class Values:
    """A lookup over plain dicts."""

    references = {"Parameters.P": "p", "Parameters.Flag": True, "Parameters.N": 3, "Steps.s.A[0].B['c']": 1.5}
    files = {("s", "m"): {"accuracy": {"value": 0.9}, "classes": [{"f1": 0.5}]}}

    def reference(self, reference):
        return self.references[reference.path]

    def property_file(self, step_name, property_file_name):
        return self.files[step_name, property_file_name]

    def s3_json(self, uri):
        return {"read": uri}


def get(path):
    return {"Get": path}


def json_get(path, step="s", name="m"):
    return {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step}.PropertyFiles.{name}"}, "Path": path}}


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ({"a": [get("Parameters.P"), 1, None]}, {"a": ["p", 1, None]}),
        (get("Steps.s.A[0].B['c']"), 1.5),
        ({"Std:Join": {"On": "/", "Values": ["x", get("Parameters.Flag"), get("Parameters.N"), 0.5]}}, "x/true/3/0.5"),
        ({"Std:Join": {"On": "-", "Values": [{"Std:Join": {"On": "", "Values": ["a", "b"]}}, "c"]}}, "ab-c"),
        (json_get("accuracy.value"), 0.9),
        (json_get("classes[0].f1"), 0.5),
        (json_get("classes[0]['f1']"), 0.5),
        ({"Std:JsonGet": {"S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", "b"]}}, "Path": "read"}}, "s3://b"),
        ({"Get": 1, "More": 2}, {"Get": 1, "More": 2}),
    ],
)
def test_expressions_get_values(value, result):
    """Every expression in a JSON value is replaced by its value; all else stays."""
    assert evaluate(value, Values()) == result


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            json_get("accuracy.valeu"),
            (
                "Property file 'm' of step 's' has nothing at 'accuracy.valeu': at 'accuracy' there is an object with "
                "the keys 'value'."
            ),
        ),
        (
            json_get("precision"),
            (
                "Property file 'm' of step 's' has nothing at 'precision': at the top there is an object with the keys "
                "'accuracy', 'classes'."
            ),
        ),
        (
            json_get("classes[1]"),
            "Property file 'm' of step 's' has nothing at 'classes[1]': at 'classes' there is a list of 1.",
        ),
        (
            json_get("accuracy.value.x"),
            "Property file 'm' of step 's' has nothing at 'accuracy.value.x': at 'accuracy.value' there is 0.9.",
        ),
        (
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.s.X"}, "Path": "a"}},
            "'Steps.s.X' is not a property file; write Steps.<step>.PropertyFiles.<name>.",
        ),
        ({"Std:JsonGet": {"Path": "a"}}, "A Std:JsonGet names neither a 'PropertyFile' nor an 'S3Uri'."),
        ({"Std:JsonGet": {}}, "A Std:JsonGet needs a literal 'Path', and 'PropertyFile' or 'S3Uri'."),
        ({"Std:Join": {"On": "/"}}, "A Std:Join needs 'On' and a list of 'Values'."),
        (
            {"Std:Join": {"On": "/", "Values": [["a"]]}},
            "Only text, numbers and booleans can be joined, not a list of 1.",
        ),
        ({"Get": 3}, "A Get must hold a reference as text, not 3."),
    ],
)
def test_what_has_no_value_is_an_error(value, message):
    """An expression without a value is an error that shows what is there instead."""
    with pytest.raises(EvaluationError) as caught:
        evaluate(value, Values())
    assert str(caught.value) == message


def compare(type_, left, right):
    return {"Type": type_, "LeftValue": left, "RightValue": right}


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ([], True),
        ([compare("GreaterThanOrEqualTo", json_get("accuracy.value"), 0.9)], True),
        ([compare("GreaterThan", json_get("accuracy.value"), 0.9)], False),
        ([compare("LessThan", 2, get("Parameters.N")), compare("LessThanOrEqualTo", 3, 3)], True),
        ([compare("LessThan", 2, get("Parameters.N")), compare("LessThanOrEqualTo", 4, 3)], False),
        ([compare("LessThan", "10", "9")], True),
        ([compare("Equals", get("Parameters.P"), "p")], True),
        ([compare("Equals", 1, True)], False),
        ([compare("Equals", 1, 1.0)], True),
        ([{"Type": "In", "QueryValue": get("Parameters.P"), "Values": ["x", get("Parameters.P")]}], True),
        ([{"Type": "In", "QueryValue": 1, "Values": []}], False),
        ([{"Type": "Not", "Condition": compare("Equals", 1, 1)}], False),
        ([{"Type": "Or", "Conditions": [compare("Equals", 1, 2), compare("Equals", 1, 1)]}], True),
        ([{"Type": "Or", "Conditions": [compare("Equals", 1, 2)]}], False),
    ],
)
def test_conditions_are_decided(conditions, holds):
    """A list of conditions holds when all of them do; text compares lexicographically."""
    assert evaluate_conditions(conditions, Values()) is holds


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (compare("GreaterThan", "a", 1), "GreaterThan needs two numbers or two texts, but got 'a' and 1."),
        (compare("LessThan", True, 1), "LessThan needs two numbers or two texts, but got True and 1."),
        ({"Type": "Equals", "LeftValue": 1}, "A condition of type 'Equals' lacks its member 'RightValue'."),
        ({"Type": "Near"}, "There is no condition of type 'Near'."),
    ],
)
def test_what_cannot_be_decided_is_no_else(condition, message):
    """A condition that cannot be decided is an error, never simply false."""
    with pytest.raises(EvaluationError) as caught:
        evaluate_conditions([condition], Values())
    assert str(caught.value) == message


def test_what_a_document_may_nest_is_evaluated():
    """Values, Joins, Nots and Ors as deep as a document may nest them are evaluated."""
    value, condition = get("Parameters.P"), {"Type": "Equals", "LeftValue": get("Parameters.N"), "RightValue": 3}
    for _ in range(95):
        value = {"Std:Join": {"On": "", "Values": [value]}}
        condition = {"Type": "Not", "Condition": {"Type": "Or", "Conditions": [condition]}}
    assert evaluate([{"a": value}], Values()) == [{"a": "p"}]
    assert evaluate_conditions([condition], Values()) is False


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (5, "There is no condition of type None."),
        ({"Type": ["Or"]}, "There is no condition of type ['Or']."),
        ({"Type": "Or", "Conditions": "ab"}, "'Conditions' of a condition of type 'Or' must be a list."),
        ({"Type": "In", "QueryValue": 1, "Values": 1}, "'Values' of a condition of type 'In' must be a list."),
        ({"Type": "Not"}, "A condition of type 'Not' lacks its member 'Condition'."),
    ],
)
def test_what_is_no_condition_has_no_value(condition, message):
    """A condition of a wrong form is an error that says so, never true or false."""
    with pytest.raises(EvaluationError) as caught:
        evaluate_conditions([condition], Values())
    assert str(caught.value) == message
