"""How long results are kept."""

from __future__ import annotations

import datetime as dt

import pytest

from airflow_sm_pipelines.definition.caching import duration, enabled_cache


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P30D", dt.timedelta(days=30)),
        ("p30d", dt.timedelta(days=30)),
        ("30dT5h", dt.timedelta(days=30, hours=5)),
        ("T16m", dt.timedelta(minutes=16)),
        ("5y", dt.timedelta(days=5 * 365)),
        ("P1M", dt.timedelta(days=30)),
        ("P2W", dt.timedelta(days=14)),
        ("PT1H30M2.5S", dt.timedelta(hours=1, minutes=30, seconds=2.5)),
    ],
)
def test_durations_as_the_guide_writes_them(text: str, expected: dt.timedelta) -> None:
    """ISO 8601, in either case and with or without its P."""
    assert duration(text) == expected


def test_what_is_no_duration() -> None:
    """A number without a unit."""
    with pytest.raises(ValueError, match="'30' is not an ISO 8601 duration"):
        duration("30")


@pytest.mark.parametrize(
    ("type_", "extra", "cached"),
    [
        ("Processing", {"CacheConfig": {"Enabled": True, "ExpireAfter": "P1D"}}, True),
        ("Callback", {"CacheConfig": {"Enabled": True}}, True),
        ("Processing", {"CacheConfig": {"Enabled": False, "ExpireAfter": "P1D"}}, False),
        ("Processing", {}, False),
        ("Processing", {"CacheConfig": None}, False),
        ("Condition", {"CacheConfig": {"Enabled": True}}, False),
    ],
)
def test_caching_is_asked_for(type_: str, extra: dict[str, object], cached: bool) -> None:
    """It is off unless the step enables it, and there are types without it."""
    assert enabled_cache(type_, extra) == (extra["CacheConfig"] if cached else None)
