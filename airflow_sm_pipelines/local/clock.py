"""The time as the service reports it."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """The time in UTC, to the millisecond."""
    moment = dt.datetime.now(dt.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def text(moment: dt.datetime) -> str:
    """A time as it stands in an expression's value.

    :param moment: In UTC.
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
