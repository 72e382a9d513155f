"""Filter, sort and page, the same way for every List operation."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from botocore.utils import parse_to_aware_datetime

from airflow_sm_pipelines.local.errors import ValidationError

T = TypeVar("T")

_DEFAULT_PAGE = 100


def newest_first(
    items: Iterable[T], request: Mapping[str, Any], key: Callable[[T], Any], default: str = "Descending"
) -> list[T]:
    """Sort; descending unless the request says otherwise, as listings of the service come.

    :param items: In order of creation; items with equal keys keep that order, or its reverse.
    :param request: May have a SortOrder.
    :param key: What to sort by.
    :param default: The order when the request has none.
    """
    ordered = sorted(items, key=key)
    return ordered[::-1] if request.get("SortOrder", default) == "Descending" else ordered


def created_within(
    moment: dt.datetime, request: Mapping[str, Any], after: str = "CreatedAfter", before: str = "CreatedBefore"
) -> bool:
    """Whether a time lies between two limits of a request, where given.

    :param moment: The time.
    :param request: The request.
    :param after: The member with the lower limit.
    :param before: The member with the upper limit.
    """
    if after in request and moment <= parse_to_aware_datetime(request[after]):
        return False
    return not (before in request and moment >= parse_to_aware_datetime(request[before]))


def page(
    items: list[T], request: Mapping[str, Any], default_size: int = _DEFAULT_PAGE
) -> tuple[list[T], dict[str, str]]:
    """Cut out the page that a request asks for.

    :param items: All items, in order.
    :param request: May have MaxResults and NextToken.
    :param default_size: Items on a page when the request does not say.
    :return: The page, and ``{"NextToken": ...}`` when there is more.
    :raises ValidationError: The token is not one of ours.
    """
    start = _offset(request["NextToken"]) if request.get("NextToken") else 0
    end = start + request.get("MaxResults", default_size)
    more = {"NextToken": _token(end)} if end < len(items) else {}
    return items[start:end], more


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: str) -> int:
    foreign = ValidationError("Invalid NextToken: it did not come from an earlier response of this operation.")
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError) as error:
        raise foreign from error
    offset = content.get("offset") if isinstance(content, dict) else None
    if type(offset) is not int or offset < 0:  # true is an int, too
        raise foreign
    return offset
