from __future__ import annotations

import json
import tracemalloc

import msgspec
import pytest
from airflow.sdk.execution_time.comms import SetXCom
from airflow.sdk.serde import deserialize, serialize
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, TypeAdapter

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.json_file import MAXIMUM_LEVELS, read_json_file

NO_NUMBER = "the number is NaN, infinite or too large for a float; write it as text, or null"


def read(content: bytes):
    return read_json_file(content, "the file s3://box/m.json")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            rb'{"accuracy": 0.9, "note": "a\u0000b"}',
            "cannot be read: the text has a NUL character, which databases do not take; leave it out @ $.note",
        ),
        (
            rb'{"a": {"x\u0000": 1}}',
            "cannot be read: a key has a NUL character, which databases do not take; leave it out @ $.a",
        ),
        (
            b'{"accuracy": [0, 1e400]}',
            f"cannot be read: {NO_NUMBER} @ $.accuracy[1]",
        ),
        (
            b'{"per class": {"a": [0.5, NaN]}, "loss": -Infinity}',
            f'cannot be read: {NO_NUMBER} @ $["per class"].a[1]',
        ),
        (
            b'{"loss": -Infinity}',
            f"cannot be read: {NO_NUMBER} @ $.loss",
        ),
        (
            b'{"all": {"accuracy": 0.9, "loss": 1, "accuracy": 0.1}}',
            "cannot be read: it has the key 'accuracy' more than once; leave one of them @ $.all",
        ),
        (
            rb'{"note": "\ud800"}',
            "cannot be read: the text has half a surrogate pair, which is not Unicode; leave it out @ $.note",
        ),
        (
            b'{"n": 123456789012345678901234567890}',
            "cannot be read: the whole number has more than 64 bits; write it as text @ $.n",
        ),
        (
            b'{"m": {"__classname__": "os.system"}}',
            "cannot be read: Airflow uses the key '__classname__' itself; rename it @ $.m",
        ),
        (b"[" * 100_000 + b"]" * 100_000, "cannot be read: it nests deeper than 64 levels; make it flatter"),
        (
            b"[" * 65 + b"]" * 65,
            f"cannot be read: it nests deeper than 64 levels; make it flatter @ ${'[0]' * 64}",
        ),
        (
            b'{"n": ' + b"9" * 5000 + b"}",
            "cannot be read: the whole number has more than 64 bits; write it as text @ $.n",
        ),
        (b"\xff\xff", "is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_what_airflow_cannot_keep_is_refused_by_name(content, problem):
    """The message names the file, the place in it, the reason and what to do."""
    with pytest.raises(PipelineExecutionError) as caught:
        read(content)
    assert str(caught.value) == f"the file s3://box/m.json {problem}"


def test_a_place_is_not_told_in_full_when_its_keys_are_long():
    """A key may be as long as the file; the message is one sentence."""
    with pytest.raises(PipelineExecutionError) as caught:
        read(json.dumps({"k" * 1000: {"": float("nan")}}).encode())
    assert str(caught.value) == (f"the file s3://box/m.json cannot be read: {NO_NUMBER} @ $.{'k' * 198}...")


def test_the_check_of_a_large_file_takes_little_memory():
    """A triggerer reads files for hundreds of tasks: a check needs a small part of what the content needs."""
    content = b"[" + b",".join([b"1"] * 250_000) + b"]"
    tracemalloc.start()
    try:
        read(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The list itself has two million bytes.
    assert peak < 5_000_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_any_unicode_is_read(encoding):
    """JSON tells its encoding by its first bytes; a surrogate pair is one character."""
    content = '{"näme": "' + chr(0x1F600) + r'\ud83d\ude00", "n": -9223372036854775808}'
    assert read(content.encode(encoding)) == {"näme": "\U0001f600" * 2, "n": -(2**63)}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(), max_size=3) | st.sampled_from(["__type", "__var", "__id__"]), inner)
    ),
    max_leaves=8,
)


PIECES = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"b"',
    r'"\u0000"',
    r'"\ud800"',
    "1",
    "-1e999",
    "NaN",
    "9" * 30,
    " ",
    "null",
]
CONTENTS = (
    st.binary(max_size=40)
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: "".join(pieces).encode())
    # Keys once more, as writers that put text together write them.
    | st.lists(st.tuples(st.sampled_from("ab"), VALUES), max_size=3).map(
        lambda members: f"{{{','.join(f'{json.dumps(key)}:{json.dumps(value)}' for key, value in members)}}}".encode()
    )
)


@settings(max_examples=300)
@given(CONTENTS)
@example(b'{"__type": "dict", "__var": {}}')
@example(b"[" * MAXIMUM_LEVELS + b"]" * MAXIMUM_LEVELS)
def test_a_file_is_refused_or_survives_all_that_airflow_does_with_it(content):
    """Whatever the bytes: an error that names the file, or a value that is an XCom on every way that one takes."""
    problem = None
    try:
        value = read(content)
    except PipelineExecutionError as error:
        problem = str(error)
    if problem is not None:
        assert problem.startswith("the file s3://box/m.json ")
        return
    xcom = {"name": value}
    sent = SetXCom(key="property_files", value=serialize(xcom), dag_id="d", run_id="r", task_id="t").model_dump()
    to_supervisor = msgspec.msgpack.decode(msgspec.msgpack.encode(sent["value"]))
    to_server = TypeAdapter(JsonValue).validate_json(
        json.dumps(to_supervisor, allow_nan=False).encode("utf-8", "strict")
    )
    assert deserialize(to_server) == xcom
