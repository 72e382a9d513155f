"""The time as the service reports it, and waiting."""

from __future__ import annotations

import datetime as dt
import threading


def now() -> dt.datetime:
    """The time in UTC, to the millisecond."""
    moment = dt.datetime.now(dt.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def wait(event: threading.Event, seconds: float) -> bool:
    """Wait for an event.

    :param event: the event.
    :param seconds: for how long at most.
    :return: whether it is set.
    """
    return event.wait(seconds)
