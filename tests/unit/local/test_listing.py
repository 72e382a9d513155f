"""Pages and order of List operations."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.server.listing import created_within, page

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.timezone.utc)
INVALID = "Invalid NextToken: it did not come from an earlier response to this request."


def letters(items: str, **request: Any) -> tuple[str, dict[str, str]]:
    """A page of letters, each of which is its own key."""
    shown, more = page(items, {"SortOrder": "Ascending", **request}, key=str, identity=str)
    return "".join(shown), more


def test_pages_follow_one_another_to_the_end() -> None:
    """Following NextToken visits every item once; the last page has no token."""
    first, more = letters("abcde", MaxResults=2)
    second, more_of_second = letters("abcde", MaxResults=2, **more)
    third, end = letters("abcde", MaxResults=2, **more_of_second)
    assert (first, second, third, end) == ("ab", "cd", "e", {})


def test_a_page_that_ends_with_the_items_has_no_token() -> None:
    """Exactly as many items as fit: there is nothing more to ask for."""
    assert letters("ab", MaxResults=2) == ("ab", {})
    assert letters("") == ("", {})


def test_what_comes_between_two_pages_repeats_nothing() -> None:
    """The newest first: one that is new since the first page is not seen, and nothing is seen twice."""
    first, more = letters("abcd", MaxResults=2, SortOrder="Descending")
    second, end = letters("abcdef", MaxResults=2, SortOrder="Descending", **more)
    assert (first, second, end) == ("dc", "ba", {})


@pytest.mark.parametrize(
    ("order", "items", "first", "rest"), [("Ascending", "cd", "ab", "cd"), ("Descending", "ab", "dc", "ba")]
)
def test_what_goes_between_two_pages_leaves_nothing_out(order: str, items: str, first: str, rest: str) -> None:
    """All that was on the first page is gone: the second goes on where it was."""
    shown, more = letters("abcd", MaxResults=2, SortOrder=order)
    assert shown == first
    assert letters(items, MaxResults=2, SortOrder=order, **more) == (rest, {})
    assert letters("", MaxResults=2, SortOrder=order, **more) == ("", {})


def test_a_token_goes_with_its_request() -> None:
    """Another filter or order with the same token is refused; another page size is not."""
    _, more = letters("abcd", MaxResults=2)
    assert letters("abcd", MaxResults=1, **more)[0] == "c"
    for other in ({"SortOrder": "Descending"}, {"PipelineName": "other"}):
        with pytest.raises(ValidationError) as refused:
            letters("abcd", **more, **other)
        assert refused.value.message == INVALID


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "bm9uc2Vuc2U=",
        "\N{EURO SIGN}",
        *(
            base64.urlsafe_b64encode(content.encode()).decode()
            for content in (
                "[]",
                "{}",
                "3",
                json.dumps(["a", "a"]),
                json.dumps(["a", "a", 1]),
                json.dumps(["a", "a", "b"]),
                "[" * 100_000,
            )
        ),
    ],
)
def test_a_foreign_token_is_refused(token: str) -> None:
    """A token that did not come from here is the caller's mistake, not an empty page."""
    with pytest.raises(ValidationError) as refused:
        letters("abc", NextToken=token)
    assert refused.value.message == INVALID


def test_the_latest_comes_first_unless_asked_otherwise() -> None:
    """Items with equal keys keep their order of creation, or its reverse."""
    items = [("a", 1), ("b", 2), ("c", 2)]

    def ordered(**request: str) -> list[tuple[str, int]]:
        return page(items, request, key=lambda item: item[1], identity=lambda item: item[0])[0]

    assert ordered() == [("c", 2), ("b", 2), ("a", 1)]
    assert ordered(SortOrder="Ascending") == items


@pytest.mark.parametrize(("order", "expected"), [("Ascending", "abc"), ("Descending", "cba")])
def test_equal_keys_fall_apart_into_pages(order: str, expected: str) -> None:
    """Steps that started in the same millisecond: each is on one page, also when a page ends between them."""
    found, more = "", {"SortOrder": order}
    while more:
        shown, more = page("abc", {"MaxResults": 1, "SortOrder": order, **more}, key=lambda _: NOON, identity=str)
        found += "".join(shown)
    assert found == expected


def test_numbers_and_times_go_on_in_their_own_order() -> None:
    """9 comes before 10, and times are compared as times, also where the last item is gone."""
    shown, more = page([9, 10, 11], {"MaxResults": 1}, key=int, identity=str, order="Ascending")
    assert shown == [9]
    assert page([10, 11], more, key=int, identity=str, order="Ascending") == ([10, 11], {})
    times = [NOON + dt.timedelta(milliseconds=each) for each in (0, 5, 1000)]
    shown_times, more = page(times, {"MaxResults": 1}, key=lambda time: time, identity=str)
    assert shown_times == [times[2]]
    assert page(times[:2], more, key=lambda time: time, identity=str) == (times[1::-1], {})


@pytest.mark.parametrize(
    ("request_", "within"),
    [
        ({}, True),
        ({"CreatedAfter": NOON.timestamp() - 1, "CreatedBefore": NOON.timestamp() + 1}, True),
        ({"CreatedAfter": NOON.timestamp()}, False),
        ({"CreatedBefore": NOON.timestamp()}, False),
    ],
)
def test_limits_of_creation_time_exclude_themselves(request_: dict[str, float], within: bool) -> None:
    """CreatedAfter and CreatedBefore arrive as epoch numbers."""
    assert created_within(NOON, request_) is within
