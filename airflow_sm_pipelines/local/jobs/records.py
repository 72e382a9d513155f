"""The records of an input, and the requests that they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MEGABYTE = 1024 * 1024


class PayloadTooLargeError(Exception):
    """A record does not fit into one request."""


@dataclass(frozen=True)
class Record:
    """One record.

    :param original: as the input has it.
    :param sent: what of it is sent to the model.
    """

    original: bytes
    sent: bytes


@dataclass(frozen=True)
class Batch:
    """The records of one request.

    :param records: at least one.
    """

    records: tuple[Record, ...]

    @property
    def payload(self) -> bytes:
        """The body of the request. No newline is at its end."""
        return b"\n".join(record.sent for record in self.records)


def split(content: BinaryIO, *, by_line: bool) -> Iterator[bytes]:
    """Yield the records of an input: its lines, without those that are empty, or all of it.

    :param content: the input. An empty one has no records.
    :param by_line: whether lines are records.
    """
    if by_line:
        for line in content:
            record = line.removesuffix(b"\n")
            if record.strip():
                yield record
    else:
        whole = content.read()
        if whole:
            yield whole


def batches(records: Iterable[Record], *, several: bool, most_bytes: int | None) -> Iterator[Batch]:
    """Put records into requests, in their order.

    :param records: the records.
    :param several: as many as fit go into one request; otherwise each is one.
    :param most_bytes: how long the body of a request may be; ``None`` for no limit, and then several are all.
    :raises PayloadTooLargeError: a record is longer than that.
    """
    waiting: list[Record] = []
    size = 0
    for record in records:
        length = len(record.sent)
        if most_bytes is not None and length > most_bytes:
            raise PayloadTooLargeError(
                f"Too much data for max payload size: a record has {length} bytes, MaxPayloadInMB allows {most_bytes}"
            )
        fits = several and (most_bytes is None or size + length + 1 <= most_bytes)
        if waiting and not fits:
            yield Batch(tuple(waiting))
            waiting, size = [], 0
        size += length + bool(waiting)
        waiting.append(record)
    if waiting:
        yield Batch(tuple(waiting))


def lines_of(answer: bytes) -> list[bytes]:
    """The records of an answer.

    :param answer: of the model, to several records.
    """
    return answer.removesuffix(b"\n").split(b"\n")


def assemble(answers: Iterable[bytes], *, with_lines: bool) -> bytes:
    """Return an output.

    :param answers: what is stored, in order.
    :param with_lines: whether each of them ends with a newline. One that has it already gets no other.
    """
    if not with_lines:
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
