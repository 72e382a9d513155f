from __future__ import annotations

import json
import re

import pytest

from airflow_sm_pipelines.definition.json_text import (
    MAXIMUM_LEVELS,
    RepeatedKeysError,
    TooDeepError,
    read_json,
    too_deep,
    write_json,
)

DEEP = 149


def deep(inner):
    return '[{"a":' * DEEP + inner + "}]" * DEEP


def test_deep_text_is_read_and_written():
    """Three hundred containers inside one another come back as the same text."""
    text = deep('[1,-2.5,true,false,null,"",{},[],{"k \\" ü\\\\":[0,"é"]}]')
    assert write_json(read_json(text)) == text


def test_the_place_that_is_too_deep_is_named():
    """Three hundred levels are taken, the next is named, cut; a value that contains itself is too deep."""
    value = {"a": 1}
    for _ in range(MAXIMUM_LEVELS - 1):
        value = [value]
    assert too_deep(value) is None
    assert too_deep({"x": value}) == "$.x" + "[0]" * 32 + "[..."
    assert too_deep({"x": [{"y": ()}]}, levels=3) == "$.x[0].y..."
    endless = []
    endless.append(endless)
    assert too_deep(endless) == "$" + "[0]" * 33 + "..."


def test_text_deeper_than_python_reads_is_refused():
    """Where Python's reader gives up, the error is one of ours."""
    with pytest.raises(TooDeepError) as caught:
        read_json("[" * 100_000 + "]" * 100_000)
    assert str(caught.value) == "the document nests deeper than 300 levels; make it flatter"


def test_spaces_between_tokens_are_no_content():
    """Deep text with spaces and line ends between its tokens holds the same value."""
    spaced = ' [ {\n"a" :\t' * DEEP + ' [ 1 , { "b" : 2 } ]\r\n' + " } ] " * DEEP
    assert write_json(read_json(spaced)) == deep('[1,{"b":2}]')


@pytest.mark.parametrize("inner", ["[1,]", "[1 2]", '{"b" 1}', "{1:2}", "nul", '"x'])
def test_what_is_no_json_is_refused_with_its_place(inner):
    """The error says what Python's own reader says, which is not the same in each version, and names the place."""
    text = deep(inner)
    with pytest.raises(ValueError, match=r"line 1 column \d+ \(char \d+\)") as python:
        json.loads(text)
    with pytest.raises(ValueError, match="line 1") as ours:
        read_json(text)
    assert str(ours.value) == str(python.value)


def test_what_follows_the_value_is_refused():
    """One document is one value."""
    with pytest.raises(ValueError, match="Extra data") as caught:
        read_json(deep("1") + "2")
    end = len(deep("1"))
    assert str(caught.value) == f"Extra data: line 1 column {end + 1} (char {end})"


@pytest.mark.parametrize("depth", [1, 140])
@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("NaN", "NaN is not a JSON value; write null, or leave the key out"),
        ("Infinity", "Infinity is not a JSON value; write null, or leave the key out"),
        ("-Infinity", "-Infinity is not a JSON value; write null, or leave the key out"),
        ("1E400", "1E400 is too large for a number"),
        ("-1.5e999", "-1.5e999 is too large for a number"),
    ],
)
def test_what_is_no_number_elsewhere_is_refused(number, said, depth):
    """NaN and infinities, which only Python writes, are no JSON; nor are numbers that would be read as infinities."""
    with pytest.raises(ValueError, match=re.escape(said)):
        read_json("[" * depth + number + "]" * depth)


@pytest.mark.parametrize("depth", [1, 140])
def test_keys_that_are_repeated_are_all_named(depth):
    """Of a key that an object has twice only the last would count: each is named, with its object's place."""
    before, after = '{"a":[' * depth, "]}" * depth
    with pytest.raises(RepeatedKeysError) as caught:
        read_json(f'{before}{{"b":1,"c":2,"b":3,"c":{{"d":1,"d":1,"d":1}}}}{after}')
    place = "$" + ".a[0]" * depth
    assert caught.value.places == ((place, "b"), (place, "c"), (f"{place}.c", "d"))
