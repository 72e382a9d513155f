from __future__ import annotations

import copy
import operator

import pytest

from airflow_sm_pipelines.definition.conditions import Comparison, In, Not, Or
from airflow_sm_pipelines.definition.expressions import (
    Get,
    Join,
    JsonGet,
    ParameterReference,
    PropertyReference,
    Reference,
    find_references,
    parse_reference,
)
from airflow_sm_pipelines.exceptions import PipelineDefinitionError


@pytest.mark.parametrize(
    ("path", "reference"),
    [
        ("Parameters.In-put_1", Reference("Parameters", ("In-put_1",), "Parameters.In-put_1")),
        (
            "Steps.S.a.b[0].c['k.x']",
            Reference("Steps", ("S", "a", "b", 0, "c", "k.x"), "Steps.S.a.b[0].c['k.x']"),
        ),
        ("Execution.PipelineName", Reference("Execution", ("PipelineName",), "Execution.PipelineName")),
        ("ForEach", Reference("ForEach", (), "ForEach")),
    ],
)
def test_references_come_apart(path, reference):
    """A reference is its root and its keys, list indexes being numbers."""
    assert parse_reference(path) == reference


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "'' is not a reference: it names nothing"),
        ("[0].a", "'[0].a' is not a reference: it names nothing"),
        (
            "Steps.a[",
            (
                "'Steps.a[' is not a reference: cannot read it from character 8, '['. References look like "
                "Parameters.Name or Steps.name.Property[0].Other['key']"
            ),
        ),
    ],
)
def test_what_is_no_reference_is_refused(path, problem):
    """The error shows how far the reference could be read, and what one looks like."""
    with pytest.raises(PipelineDefinitionError) as caught:
        parse_reference(path)
    assert [str(each) for each in caught.value.problems] == [problem]


def test_references_are_found_everywhere():
    """Every Get in lists, objects, joins and JsonGets is found, in order, with its place."""
    value = {
        "a": [{"Get": "Parameters.P"}, 1],
        "b": {"Std:Join": {"On": "/", "Values": ["x", {"Get": "Steps.s.A"}]}},
        "c": {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.t.PropertyFiles.m"}, "Path": "Get"}},
        "d": {"Get": "Steps.u.A", "Other": 1},
    }
    assert [(found.reference.path, found.path) for found in find_references(value, "$.X")] == [
        ("Parameters.P", "$.X.a[0]"),
        ("Steps.s.A", "$.X.b.Std:Join.Values[1]"),
        ("Steps.t.PropertyFiles.m", "$.X.c.Std:JsonGet.PropertyFile"),
    ]


def test_property_references_are_built_by_access():
    """Attributes, keys and indexes spell the path of the property."""
    reference = PropertyReference("Steps.s").Outputs["train"].Uris[0].Value
    assert reference.to_document() == {"Get": "Steps.s.Outputs['train'].Uris[0].Value"}
    assert reference == copy.deepcopy(reference)
    assert {reference: 1}[copy.copy(reference)] == 1
    assert repr(reference) == "PropertyReference(\"Steps.s.Outputs['train'].Uris[0].Value\")"


def test_property_references_cannot_be_iterated():
    """Unpacking a property is refused instead of going on for ever."""
    with pytest.raises(
        TypeError, match=r"^The length of Steps\.s\.A is not known before the pipeline runs; use an index\.$"
    ):
        list(PropertyReference("Steps.s").A)


def test_keys_with_quotes_are_refused():
    """A key that would end its own quotes is refused."""
    with pytest.raises(ValueError, match=r"^A key of a property reference cannot hold a quote: \"it's\"$"):
        PropertyReference("Steps.s")["it's"]


def test_expressions_in_the_document():
    """Each expression has the form that SageMaker reads."""
    assert Join("/", ["s3:/", Get("Execution.PipelineExecutionId"), 5]).to_document() == {
        "Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Execution.PipelineExecutionId"}, 5]}
    }
    assert JsonGet("evaluate", "metrics", "a.b[0]").to_document() == {
        "Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "a.b[0]"}
    }


def test_comparisons_build_conditions():
    """All comparisons of the architecture make the condition they say, whatever side the expression is on."""
    metric, limit = JsonGet("s", "m", "p"), ParameterReference("Parameters.P", "Float")
    assert (metric >= limit) == Comparison("GreaterThanOrEqualTo", metric, limit)
    assert (metric > 1) == Comparison("GreaterThan", metric, 1)
    assert (metric <= 1) == Comparison("LessThanOrEqualTo", metric, 1)
    assert (metric < 1) == Comparison("LessThan", metric, 1)
    assert (metric > 1) == Comparison("GreaterThan", metric, 1)
    assert metric.equals("x") == Comparison("Equals", metric, "x")
    assert metric.in_([1, limit]) == In(metric, (1, limit))


def test_conditions_in_the_document():
    """Nested conditions have the form that the SageMaker SDK writes."""
    metric = Get("Parameters.P")
    condition = Not(Or(metric.equals("a"), metric.in_(["b", "c"]), metric < 3))
    assert condition.to_document() == {
        "Type": "Not",
        "Condition": {
            "Type": "Or",
            "Conditions": [
                {"Type": "Equals", "LeftValue": {"Get": "Parameters.P"}, "RightValue": "a"},
                {"Type": "In", "QueryValue": {"Get": "Parameters.P"}, "Values": ["b", "c"]},
                {"Type": "LessThan", "LeftValue": {"Get": "Parameters.P"}, "RightValue": 3},
            ],
        },
    }
    assert list(condition.operands()) == [metric, "a", metric, "b", "c", metric, 3]


def test_conditions_have_no_truth_value():
    """'and', 'or', 'if' and chained comparisons would silently lose a condition, so they are refused."""
    metric = Get("Parameters.P")
    with pytest.raises(TypeError) as caught:
        bool(metric > 1)
    assert str(caught.value) == (
        "A pipeline condition has no value until the pipeline runs. To combine conditions, put them in a list (all "
        "must hold), or use Or(...) and Not(...); 'and', 'or', 'not', 'a <= b <= c' and 'if' cannot work here."
    )


@pytest.mark.parametrize("combine", [operator.and_, operator.or_, lambda first, _: ~first], ids=["and", "or", "not"])
def test_conditions_are_not_combined_by_bits(combine):
    """'&', '|' and '~', as in pandas, are refused with what combines conditions."""
    metric = Get("Parameters.P")
    with pytest.raises(TypeError) as caught:
        combine(metric > 1, metric < 3)
    assert str(caught.value) == (
        "'&', '|' and '~' do not combine pipeline conditions. Put conditions in a list (all must hold), or use Or(...) and "
        "Not(...)."
    )


@pytest.mark.parametrize(
    "as_text",
    [
        str,
        "{}".format,
        lambda reference: f"{reference}/part-0.csv",
        lambda reference: reference + "/part-0.csv",
        lambda reference: "s3://" + reference,
    ],
)
def test_references_are_no_text(as_text):
    """Putting a reference into text would lose it and its dependency, so it is refused, and the fix is named."""
    with pytest.raises(TypeError) as caught:
        as_text(PropertyReference("Steps.a").Uri)
    assert str(caught.value) == (
        "PropertyReference('Steps.a.Uri') has no value until the pipeline runs, so it cannot be put into text by str(), "
        "'+', an f-string or format(). Join it: Join('/', [reference, 'file.csv']). A task outside the pipeline reads the "
        "step's XComs instead, such as step_report."
    )


def test_membership_in_text_is_refused():
    """Text is no list of values."""
    with pytest.raises(TypeError, match=r"^in_\('abc'\) needs a list of values\. Write in_\(\['abc'\]\)\.$"):
        Get("Parameters.P").in_("abc")
