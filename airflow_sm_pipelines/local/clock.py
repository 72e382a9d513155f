"""The time as the service reports it, and waiting."""

from __future__ import annotations

import datetime as dt
import threading


class Clock:
    """What the retries of steps and the age of cached results are measured with."""

    def now(self) -> dt.datetime:
        """The time in UTC, to the millisecond."""
        return now()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for an event.

        :param event: the event.
        :param seconds: for how long at most.
        :return: whether it is set.
        """
        return event.wait(seconds)


def now() -> dt.datetime:
    """The time in UTC, to the millisecond."""
    moment = dt.datetime.now(dt.timezone.utc)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
