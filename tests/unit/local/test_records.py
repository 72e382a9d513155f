"""The records of an input, the requests that they make, and the output."""

from __future__ import annotations

import io

import pytest

from airflow_sm_pipelines.local.jobs.records import (
    Batch,
    PayloadTooLargeError,
    Record,
    assemble,
    batches,
    lines_of,
    split,
)


@pytest.mark.parametrize(
    ("content", "by_line", "records"),
    [
        (b"a\nb\n", True, [b"a", b"b"]),
        (b"a\r\n\n \nb", True, [b"a\r", b"b"]),
        (b"", True, []),
        (b"a\nb\n", False, [b"a\nb\n"]),
        (b"", False, []),
    ],
)
def test_records(content: bytes, by_line: bool, records: list[bytes]):
    """Lines without their ends and without empty ones, or all of the object."""
    assert list(split(io.BytesIO(content), by_line=by_line)) == records


@pytest.mark.parametrize(
    ("records", "several", "most_bytes", "payloads"),
    [
        ([b"aa", b"bb", b"cc"], True, None, [b"aa\nbb\ncc"]),
        ([b"aa", b"bb", b"cc"], True, 5, [b"aa\nbb", b"cc"]),
        ([b"aa", b"bb", b"cc"], True, 4, [b"aa", b"bb", b"cc"]),
        ([b"aa", b"bb"], False, None, [b"aa", b"bb"]),
        ([b"aaaaa", b"b"], True, 5, [b"aaaaa", b"b"]),
        ([], True, None, []),
    ],
)
def test_requests(records: list[bytes], several: bool, most_bytes: int | None, payloads: list[bytes]):
    """As many records as fit with the newlines between them, or one."""
    made = batches((Record(b"", sent) for sent in records), several=several, most_bytes=most_bytes)
    assert [batch.payload for batch in made] == payloads


def test_size_is_that_of_what_is_sent():
    """What a filter leaves out does not count, and the records are kept beside it."""
    records = [Record(b"id,1", b"1"), Record(b"id,2", b"2")]
    assert list(batches(records, several=True, most_bytes=3)) == [Batch(tuple(records))]


def test_a_record_that_does_not_fit():
    """It is refused when its turn comes."""
    made = batches([Record(b"", b"a"), Record(b"", b"bbb")], several=True, most_bytes=2)
    with pytest.raises(PayloadTooLargeError) as error:
        list(made)
    assert str(error.value) == "Too much data for max payload size: a record has 3 bytes, MaxPayloadInMB allows 2"


@pytest.mark.parametrize(
    ("with_lines", "output"), [(True, b"1\n2\n3\n4\n"), (False, b"12\n3\n4")], ids=["Line", "None"]
)
def test_assembling(with_lines: bool, output: bytes):
    """A newline at the end of each answer that has none; or the answers as they are."""
    assert assemble([b"1", b"2\n", b"3\n4"], with_lines=with_lines) == output


def test_records_of_an_answer():
    """The newline at the end begins no record."""
    assert [lines_of(answer) for answer in (b"1\n2\n", b"1\n2", b"1")] == [[b"1", b"2"], [b"1", b"2"], [b"1"]]
