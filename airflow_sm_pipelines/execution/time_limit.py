"""When a wait for an execution ends without a result, and how the message names the limit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

AIRFLOW_LATER: Final = timedelta(minutes=5)
"""How much later than our own limit Airflow may end a wait that a worker began: it cannot say what was last seen."""

AIRFLOW_SOONER: Final = 0.1
"""For which part of an ``execution_timeout`` a task that started in the triggerer gives up before Airflow ends it."""

LONGEST_SOONER: Final = 5.0
"""That part is at most so many seconds."""

EXECUTION_TIMEOUT: Final = "execution_timeout"
"""The name of the limit that Airflow sets every task."""

SENSOR_TIMEOUT: Final = "timeout"
"""The name of the limit that is a sensor's own. Airflow tries no sensor again that ran into it."""


@dataclass(frozen=True)
class TimeLimit:
    """A limit of one wait, as a moment: whoever continues with the wait elsewhere does not begin to count again.

    :param name: what set it, such as ``execution_timeout``.
    :param seconds: how long the wait may last.
    :param at: when it is over, in seconds since the epoch.
    """

    name: str
    seconds: float
    at: float

    def to_dict(self) -> dict[str, Any]:
        """Return the limit as JSON, the keywords of which it is made again."""
        return asdict(self)

    def gave_up(self, what: str, last_seen: str) -> str:
        """Return the message of a wait that ended without a result.

        :param what: what was waited for.
        :param last_seen: what it was doing.
        """
        return f"gave up on {what} after {self.seconds:g} seconds ({self.name}); last seen: {last_seen}"


def waiter_limit(now: float, waiter_delay: float, waiter_max_attempts: int | None) -> TimeLimit | None:
    """Return the limit that Airflow's waiter arguments set; it bounds time, for looks come more often at first.

    :param now: seconds since the epoch.
    :param waiter_delay: seconds.
    :param waiter_max_attempts: how many times that; ``None`` for no limit.
    """
    if waiter_max_attempts is None:
        return None
    name = f"waiter_delay {waiter_delay:g} x waiter_max_attempts {waiter_max_attempts}"
    seconds = waiter_delay * waiter_max_attempts
    return TimeLimit(name, seconds, now + seconds)


def execution_limit(now: float, execution_timeout: timedelta | None) -> TimeLimit | None:
    """Return the limit that a task's ``execution_timeout`` sets a wait that a worker begins.

    :param now: seconds since the epoch.
    :param execution_timeout: the task's; ``None`` for none.
    """
    if execution_timeout is None:
        return None
    seconds = execution_timeout.total_seconds()
    return TimeLimit(EXECUTION_TIMEOUT, seconds, now + seconds)


def later(timeout: timedelta | None) -> timedelta | None:
    """Return when Airflow is to end a wait that has its own limit; ``None`` for never.

    :param timeout: the wait's own.
    """
    return None if timeout is None else timeout + AIRFLOW_LATER


def earliest(limits: Iterable[TimeLimit | None]) -> TimeLimit | None:
    """Return the limit that ends a wait first; ``None`` when there is none.

    :param limits: the limits; ``None`` means no limit.
    """
    return min((limit for limit in limits if limit is not None), key=lambda limit: limit.at, default=None)
