from __future__ import annotations

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.running.buckets import buckets_of


def definition(arguments, *parameters):
    return PipelineDefinition.from_document(
        {"Parameters": list(parameters), "Steps": [{"Name": "a", "Type": "Processing", "Arguments": arguments}]}
    )


def join(*values, on="/"):
    return {"Std:Join": {"On": on, "Values": list(values)}}


@pytest.mark.parametrize(
    ("value", "buckets"),
    [
        ("s3://lake-1/raw/", ("lake-1",)),
        ("s3://lake", ("lake",)),
        ('"s3://code.ml/src.tar.gz"', ("code.ml",)),
        ("s3://Not_A_Bucket/x", ()),
        ("https://lake/x", ()),
        (join("s3:/", "lake", {"Get": "Execution.PipelineExecutionId"}), ("lake",)),
        (join("s3://", "lake", "/x", on=""), ("lake",)),
        (join("s3://lake-", {"Get": "Execution.PipelineName"}, on=""), ()),
        (join("s3:/", {"Get": "Parameters.Bucket"}, "x"), ("of-default",)),
        (join("s3:/", {"Get": "Parameters.Given"}, "x"), ("given",)),
        (join("s3:/", {"Get": "Parameters.Unknown"}, "x"), ()),
        (join(join("s3:/", "inner"), "x"), ("inner",)),
        (join({"Get": "Steps.x.Uri"}, "x"), ()),
        ({"a": [{"b": "s3://one/x"}, "s3://two/y"]}, ("one", "two")),
    ],
)
def test_buckets_are_found_wherever_a_uri_begins(value, buckets):
    """In texts, in JSON in a text, and in what texts and parameters are joined to, as far as it is known."""
    read = definition(
        {"x": value},
        {"Name": "Bucket", "Type": "String", "DefaultValue": "of-default"},
        {"Name": "Given", "Type": "String", "DefaultValue": "default"},
        {"Name": "Unknown", "Type": "String"},
        {"Name": "Number", "Type": "Integer", "DefaultValue": 5},
    )
    assert buckets_of(read, {"Given": "given"}) == buckets


def test_buckets_of_parameters_and_of_uploads_count():
    """A value that is given takes the place of a default; further URIs come with it."""
    read = definition(
        {},
        {"Name": "A", "Type": "String", "DefaultValue": "s3://default-a/x"},
        {"Name": "B", "Type": "String", "DefaultValue": "s3://default-b/x"},
    )
    assert buckets_of(read, {"A": "s3://given-a/x"}, ["s3://upl/x"]) == ("default-b", "given-a", "upl")


def test_steps_inside_others_count():
    """Those of branches and of ForEach bodies."""
    inner = {"Name": "b", "Type": "Processing", "Arguments": {"x": "s3://branch/x"}}
    body = {"Name": "c", "Type": "Processing", "Arguments": {"x": "s3://body/x"}}
    read = PipelineDefinition.from_document(
        {
            "Steps": [
                {
                    "Name": "a",
                    "Type": "Condition",
                    "Arguments": {"Conditions": [], "IfSteps": [inner], "ElseSteps": []},
                },
                {"Name": "d", "Type": "ForEach", "Arguments": {"IterableItems": [1], "ForEachBody": [body]}},
            ]
        }
    )
    assert buckets_of(read, {}) == ("body", "branch")
