"""Filter, sort and page, the same way for every List operation."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from botocore.utils import parse_to_aware_datetime

from airflow_sm_pipelines.local.errors import ValidationError

T = TypeVar("T")

_DEFAULT_SIZE = 100


def created_within(
    moment: dt.datetime, request: Mapping[str, Any], after: str = "CreatedAfter", before: str = "CreatedBefore"
) -> bool:
    """Whether a time lies between two limits of a request, where given.

    :param moment: the time.
    :param request: the request.
    :param after: the member with the lower limit.
    :param before: the member with the upper limit.
    """
    if after in request and moment <= parse_to_aware_datetime(request[after]):
        return False
    return not (before in request and moment >= parse_to_aware_datetime(request[before]))


def page(
    items: Iterable[T],
    request: Mapping[str, Any],
    *,
    key: Callable[[T], dt.datetime | str | int],
    identity: Callable[[T], str],
    order: str = "Descending",
    default_size: int = _DEFAULT_SIZE,
) -> tuple[list[T], dict[str, str]]:
    """Sort, and cut out the page that a request asks for.

    A page continues after the last item of the page before it, not after a number of items: what came or went between
    two requests neither repeats an item nor leaves one out.

    :param items: in order of creation; items with equal keys keep that order, or its reverse.
    :param request: may have SortOrder, MaxResults and NextToken.
    :param key: what to sort by.
    :param identity: what tells an item from all others.
    :param order: the order when the request has none; listings of the service come with the latest first.
    :param default_size: items on a page when the request does not say.
    :return: the page, and ``{"NextToken": ...}`` when there is more.
    :raises ValidationError: the token is not from an answer to the same request.
    """
    descending = request.get("SortOrder", order) == "Descending"
    ordered = sorted(items, key=key)
    if descending:
        ordered.reverse()
    asked = _fingerprint(request)
    start = 0
    if request.get("NextToken"):
        last_key, last_identity = _read(request["NextToken"], asked)
        identities = [identity(item) for item in ordered]
        if last_identity in identities:
            start = identities.index(last_identity) + 1
        else:  # it is gone: go on where it was
            keys = [_text(key(item)) for item in ordered]
            start = sum(each >= last_key if descending else each <= last_key for each in keys)
    shown = ordered[start : start + request.get("MaxResults", default_size)]
    if start + len(shown) == len(ordered):
        return shown, {}
    return shown, {"NextToken": _token([_text(key(shown[-1])), identity(shown[-1]), asked])}


def _text(key: dt.datetime | str | int) -> str:
    """A key as text that sorts as the key does."""
    if isinstance(key, dt.datetime):
        return key.astimezone(dt.timezone.utc).isoformat(timespec="microseconds")
    return f"{key:020}" if isinstance(key, int) else key


def _fingerprint(request: Mapping[str, Any]) -> str:
    asked = {name: value for name, value in request.items() if name not in ("NextToken", "MaxResults")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def _token(content: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _read(token: str, asked: str) -> tuple[str, str]:
    foreign = ValidationError("Invalid NextToken: it did not come from an earlier response to this request.")
    try:
        content = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, RecursionError) as error:
        raise foreign from error
    if not isinstance(content, list) or len(content) != 3 or not all(isinstance(each, str) for each in content):
        raise foreign
    last_key, last_identity, asked_then = content
    if asked_then != asked:
        raise foreign
    return last_key, last_identity
