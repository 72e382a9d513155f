"""The time as the service reports it."""

from __future__ import annotations

import datetime


def now() -> datetime.datetime:
    """The time in UTC, to the millisecond."""
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def text(moment: datetime.datetime) -> str:
    """A time as it stands in an expression's value.

    :param moment: In UTC.
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
