"""Filters and joins of transform jobs."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.jobs.data_processing import (
    DataProcessing,
    DataProcessingError,
    data_processing_problems,
)
from airflow_sm_pipelines.local.jobs.json_paths import InvalidPathError, JsonPath, NothingSelectedError
from airflow_sm_pipelines.local.jobs.records import Batch, Record

RECORD = {"id": "a", "x.y": 1, "features": [1, 2, 3], "inner": {"p": 1, "q": [{"r": 5}, {"r": 6}]}}
LINES, CSV = "application/jsonlines", "text/csv"


@pytest.mark.parametrize(
    ("path", "value", "selected"),
    [
        ("$", [1], [1]),
        ("$.id", RECORD, "a"),
        ("$['x.y']", RECORD, 1),
        ("$.features[0]", RECORD, 1),
        ("$.inner.q[-1].r", RECORD, 6),
        ("$['id','features']", RECORD, {"id": "a", "features": [1, 2, 3]}),
        ("$.inner.['p','q']", RECORD, {"p": 1, "q": [{"r": 5}, {"r": 6}]}),
        ("$['id','other']", RECORD, {"id": "a"}),
        ("$.inner.q[*].r", RECORD, [5, 6]),
        ("$.inner.*", RECORD, [1, [{"r": 5}, {"r": 6}]]),
        ("$[0]", ["a", "b", "c"], "a"),
        ("$[1:]", ["a", "b", "c"], ["b", "c"]),
        ("$[:-1]", ["a", "b", "c"], ["a", "b"]),
        ("$[0:2]", ["a", "b", "c"], ["a", "b"]),
        ("$[5:]", ["a"], []),
        ("$[2, 0,-1]", ["a", "b", "c"], ["c", "a", "c"]),
    ],
)
def test_what_a_filter_selects(path: str, value: Any, selected: Any):
    """One place is a value, several names are an object, everything else is an array."""
    assert JsonPath.parse(path).select(value) == selected


@pytest.mark.parametrize(
    ("path", "value"),
    [("$[3]", ["a"]), ("$[0,3]", ["a"]), ("$.x", {}), ("$['x','y']", {}), ("$.x", ["a"]), ("$[0]", "text")],
)
def test_what_is_not_there(path: str, value: Any):
    """A place that is named has to be there."""
    with pytest.raises(NothingSelectedError, match=r"selects what is not there$"):
        JsonPath.parse(path).select(value)


TAKEN = "SageMaker takes $, .name, ['name', 'other'], *, [1], [1, 3, -1] and one range such as [1:5]"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        (
            "$[0:2,246:]",
            ": only single range filters of format (eg: [1:5]) are supported. Format [0:2,246:] is not supported",
        ),
        ("$..id", f". {TAKEN}"),
        ("$[?@.a]", f". {TAKEN}"),
        ("$[0:9:2]", f". {TAKEN}"),
        ("$['a',0]", f". {TAKEN}"),
        ("$['a','b'].c", f". {TAKEN}"),
        ("$[*]['a','b']", f". {TAKEN}"),
        ("$.a | $.b", ": unexpected token '|'. " + TAKEN),
    ],
)
def test_filters_that_are_not_taken(path: str, why: str):
    """The service's words where they are known, and what it takes."""
    with pytest.raises(InvalidPathError) as error:
        JsonPath.parse(path)
    assert str(error.value).startswith(f"Invalid JsonPath: {path}")
    assert str(error.value).endswith(why.rpartition(": unexpected")[2] if "unexpected" in why else why)


def request(
    processing: Any = None,
    *,
    content_type: Any = LINES,
    accept: Any = LINES,
    split: Any = "Line",
    assemble: Any = "Line",
) -> dict[str, Any]:
    source = {"ContentType": content_type, "SplitType": split}
    output = {"Accept": accept, "AssembleWith": assemble}
    return {
        "DataProcessing": processing or {},
        "TransformInput": {key: value for key, value in source.items() if value is not None},
        "TransformOutput": {key: value for key, value in output.items() if value is not None},
    }


@pytest.mark.parametrize(
    ("request_", "record", "sent"),
    [
        (request(), b'{"x":  1}', b'{"x":  1}'),
        (request({"InputFilter": "$.x"}), b'{"x":  [1, "\xc3\xa9"]}', b'[1,"\xc3\xa9"]'),
        (request({"InputFilter": "$[1:]"}, content_type=CSV), b'a,"b, c",1.0\r', b'"b, c",1.0'),
        (request({"InputFilter": "$[0]"}, content_type="text/csv; charset=utf-8"), b"a,b", b"a"),
    ],
)
def test_what_the_model_gets(request_: dict[str, Any], record: bytes, sent: bytes):
    """All of a record as it stands, or what the filter selects, in the record's format."""
    assert DataProcessing.of(request_).sent(record) == sent


def batch(*records: bytes) -> Batch:
    return Batch(tuple(Record(record, b"sent") for record in records))


@pytest.mark.parametrize(
    ("request_", "records", "answer", "stored"),
    [
        (request(), batch(b"1", b"2"), b"anything\n", b"anything\n"),
        (
            request({"JoinSource": "Input"}),
            batch(b'{"key": 1}', b"[2]"),
            b'{"label": 1}\n0.5\n',
            b'{"key":1,"SageMakerOutput":{"label":1}}\n{"SageMakerInput":[2],"SageMakerOutput":0.5}',
        ),
        (
            request({"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}),
            batch(b'{"id": 1, "x": 2}'),
            b"3",
            b'{"id":1,"SageMakerOutput":3}',
        ),
        (
            request({"JoinSource": "Input", "OutputFilter": "$[0,-1]"}, content_type=CSV, accept=CSV),
            batch(b"a,1", b'"b, c",2'),
            b"x,0.1\ny,0.2\n",
            b'a,0.1\n"b, c",0.2',
        ),
        (
            request({"JoinSource": "Input"}, content_type="application/json", accept="application/json", split=None),
            batch(b'{\n"a": 1}'),
            b'{\n"b": 2}',
            b'{"a":1,"SageMakerOutput":{"b":2}}',
        ),
        (
            request({"OutputFilter": "$['class']"}, content_type=CSV),
            batch(b"1,2", b"3,4"),
            b'{"class": "x", "score": 1}\n{"class": "y", "score": 1}',
            b'"x"\n"y"',
        ),
    ],
    ids=["as it is", "join", "join and filter", "rows", "one object", "filter of predictions"],
)
def test_what_is_stored(request_: dict[str, Any], records: Batch, answer: bytes, stored: bytes):
    """The answer, or what the filter selects of it; joined, of the record and it."""
    assert DataProcessing.of(request_).stored(records, answer) == stored


@pytest.mark.parametrize(
    ("request_", "answer", "why"),
    [
        (request({"JoinSource": "Input"}), b"1\n2", "Fail to join data: the model answers 1 records with 2 lines"),
        (request({"JoinSource": "Input"}), b"no", "Failed to parse output from the algorithm as JSON: Expecting value"),
        (request({"OutputFilter": "$.x"}), b"{}", "$.x selects what is not there"),
        (
            request({"OutputFilter": "$[0]"}, accept=CSV),
            b'"a"b',
            "Failed to parse output from the algorithm as CSV: ',' expected after '\"'",
        ),
    ],
)
def test_what_cannot_be_stored(request_: dict[str, Any], answer: bytes, why: str):
    """The first record that does not fit is an error."""
    with pytest.raises(DataProcessingError) as error:
        DataProcessing.of(request_).stored(batch(b"{}"), answer)
    assert str(error.value).startswith(why)


EXPRESSION = {"Get": "Parameters.P"}
FORMATS = "filters and joins read text/csv, application/json, application/jsonlines"


@pytest.mark.parametrize(
    ("request_", "problems"),
    [
        ({}, []),
        (request(content_type="image/png", accept=None), []),
        (request({"InputFilter": "$.x", "JoinSource": "Input", "OutputFilter": "$.x"}), []),
        (request({"InputFilter": EXPRESSION, "JoinSource": EXPRESSION, "OutputFilter": EXPRESSION}), []),
        (request({"JoinSource": "Input"}, content_type=EXPRESSION, accept=EXPRESSION), []),
        (
            request({"InputFilter": "$.x", "OutputFilter": "$[0:1,2]"}, content_type=CSV),
            [
                (
                    "InputFilter: a row of CSV is an array, so $.x has to be an index or a range",
                    ".DataProcessing.InputFilter",
                ),
                (
                    (
                        "OutputFilter: Invalid JsonPath: $[0:1,2]: only single range filters of format (eg: [1:5]) are "
                        "supported. Format [0:1,2] is not supported"
                    ),
                    ".DataProcessing.OutputFilter",
                ),
            ],
        ),
        (
            request({"JoinSource": "Input"}, content_type="image/png", accept=None),
            [
                (f"{FORMATS}; ContentType is 'image/png'", ".TransformInput.ContentType"),
                (f"{FORMATS}; Accept is not given", ".TransformOutput.Accept"),
            ],
        ),
        (
            request({"JoinSource": "Input"}, content_type=CSV, split=None),
            [
                (
                    "JoinSource joins CSV with CSV, and JSON with JSON, not text/csv with application/jsonlines",
                    ".DataProcessing",
                ),
                ("filters and joins of CSV need SplitType Line", ".TransformInput.SplitType"),
            ],
        ),
        (
            request({"OutputFilter": "$[0]"}, accept=CSV, assemble="None"),
            [("filters and joins of CSV need AssembleWith Line", ".TransformOutput.AssembleWith")],
        ),
    ],
)
def test_problems_of_a_request(request_: dict[str, Any], problems: list[tuple[str, str]]):
    """Each with its place. What a parameter decides passes."""
    assert list(data_processing_problems(request_)) == problems
