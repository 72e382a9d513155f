"""When a wait for an execution is given up, and how the message names the limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

EXECUTION_TIMEOUT: Final = "execution_timeout"
"""The name of the limit that Airflow sets every task."""

SENSOR_TIMEOUT: Final = "timeout"
"""The name of the limit that is a sensor's own. Airflow tries no sensor again that ran into it."""


@dataclass(frozen=True)
class TimeLimit:
    """A limit of one wait, as a moment: whoever goes on with the wait elsewhere does not begin to count anew.

    :param name: what set it, such as ``execution_timeout``.
    :param seconds: how long the wait may last.
    :param at: when it is over, in seconds since the epoch.
    """

    name: str
    seconds: float
    at: float

    @classmethod
    def starting(cls, now: float, name: str, seconds: float) -> TimeLimit:
        """Return a limit that begins now.

        :param now: seconds since the epoch.
        :param name: what set it.
        :param seconds: how long it is.
        """
        return cls(name, seconds, now + seconds)

    @classmethod
    def from_dict(cls, serialized: Mapping[str, Any] | None) -> TimeLimit | None:
        """Return what :meth:`to_dict` was called on.

        :param serialized: its result, or ``None`` for no limit.
        """
        return None if serialized is None else cls(**serialized)

    def to_dict(self) -> dict[str, Any]:
        """Return the limit as JSON."""
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
    return TimeLimit.starting(now, name, waiter_delay * waiter_max_attempts)


def earliest(limits: Iterable[TimeLimit | None]) -> TimeLimit | None:
    """Return the limit that ends a wait first; ``None`` when there is none.

    :param limits: the limits; ``None`` among them is no limit.
    """
    return min((limit for limit in limits if limit is not None), key=lambda limit: limit.at, default=None)
