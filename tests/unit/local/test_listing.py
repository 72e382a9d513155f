"""Pages and order of List operations."""

from __future__ import annotations

import base64
import datetime as dt

import pytest

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.server.listing import created_within, newest_first, page

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.timezone.utc)


def test_pages_follow_one_another_to_the_end() -> None:
    """Following NextToken visits every item once; the last page has no token."""
    items = list("abcde")
    first, more = page(items, {"MaxResults": 2})
    second, more_of_second = page(items, {"MaxResults": 2, **more})
    third, end = page(items, {"MaxResults": 2, **more_of_second})
    assert (first, second, third, end) == (["a", "b"], ["c", "d"], ["e"], {})


def test_a_page_that_ends_with_the_items_has_no_token() -> None:
    """Exactly as many items as fit: there is nothing more to ask for."""
    assert page([1, 2], {"MaxResults": 2}) == ([1, 2], {})
    assert page([], {}) == ([], {})


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "bm9uc2Vuc2U=",
        "W10=",
        "\N{EURO SIGN}",
        *(
            base64.urlsafe_b64encode(f'{{"offset": {offset}}}'.encode()).decode()
            for offset in ("1e999", "NaN", "-1", "1.5", "true", '"1"', "null", "[" * 100_000)
        ),
    ],
)
def test_a_foreign_token_is_refused(token: str) -> None:
    """A token that did not come from here is the caller's mistake, not an empty page."""
    with pytest.raises(ValidationError, match="Invalid NextToken"):
        page([1, 2, 3], {"NextToken": token})


def test_the_latest_comes_first_unless_asked_otherwise() -> None:
    """Items with equal keys keep their order of creation, or its reverse."""
    items = [("a", 1), ("b", 2), ("c", 2)]
    assert newest_first(items, {}, lambda item: item[1]) == [("c", 2), ("b", 2), ("a", 1)]
    assert newest_first(items, {"SortOrder": "Ascending"}, lambda item: item[1]) == items


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
