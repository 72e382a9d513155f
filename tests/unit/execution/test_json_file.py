from __future__ import annotations

import json

import msgspec
import pytest
from airflow.sdk.serde import deserialize, serialize
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.json_file import MAXIMUM_LEVELS, read_json_file


def read(content: bytes):
    return read_json_file(content, "the file s3://b/m.json")


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
            "cannot be read: the number is larger than a float can be; write it smaller, or as text @ $.accuracy[1]",
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
        (b"[" * 100_000 + b"]" * 100_000, "nests deeper than 100 levels; make it flatter"),
        (
            b"[" * 101 + b"]" * 101,
            f"cannot be read: it nests deeper than 100 levels; make it flatter @ ${'[0]' * 19}[0...",
        ),
        (b'{"n": ' + b"9" * 5000 + b"}", "is not JSON: Exceeds the limit"),
        (b'{"a": NaN}', "is not JSON: NaN is no JSON value; write null, or leave the key out"),
        (b"\xff\xff", "is not JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
        (b"", "is not JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
    ids=lambda value: None if isinstance(value, bytes) else value[:40],
)
def test_what_airflow_cannot_keep_is_refused_by_name(content, problem):
    """The message names the file, the place in it, the reason and what to do."""
    with pytest.raises(PipelineExecutionError) as caught:
        read(content)
    assert str(caught.value).startswith(f"the file s3://b/m.json {problem}")


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


@given(st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
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
        assert problem.startswith("the file s3://b/m.json ")
        return
    to_supervisor = msgspec.msgpack.decode(msgspec.msgpack.encode(serialize(value)))
    in_database = json.loads(json.dumps(to_supervisor, allow_nan=False).encode("utf-8", "strict"))
    assert deserialize(in_database) == value
