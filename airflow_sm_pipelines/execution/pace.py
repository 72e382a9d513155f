"""How long to wait between two looks."""

from __future__ import annotations

import random
from collections.abc import Callable

SHORTEST = 1.0
"""The wait after a change, in seconds: steps follow each other quickly, and short steps are common."""

LONGEST_IN_TROUBLE = 30.0
"""The longest wait while the service does not answer, in seconds."""

_GROWTH = 1.5
_OF_A_QUIET_TIME = 0.2
_JITTER = 0.1


class Pace:
    """The waits of one poller: short after a change, growing while nothing happens, backing off after errors.

    Keeps no clock and does not sleep: it only says how long. Waits are shortened by a random part (a tenth,
    after errors half), so that pollers started together do not stay together.

    :param longest: the longest wait while all is well, in seconds; the user's ``waiter_delay``.
    :param shortest: the first wait, in seconds; never above ``longest``.
    :param chance: gives a number in [0, 1); a parameter for tests.
    """

    def __init__(self, longest: float, shortest: float = SHORTEST, chance: Callable[[], float] = random.random) -> None:
        self.longest = longest
        self._shortest = shortest
        self._chance = chance
        self._interval = 0.0
        self._troubles = 0

    @property
    def shortest(self) -> float:
        """The wait after a change, before its random part is taken off."""
        return min(self._shortest, self.longest)

    def after_change(self, quiet_for: float = 0.0) -> float:
        """The wait after a look that showed something new: short again.

        :param quiet_for: for how many seconds there has been nothing newer, at a first look. Who begins to look at what
            has been the same for an hour, as a new triggerer does, need not hurry.
        """
        self._troubles = 0
        self._interval = max(self.shortest, min(self.longest, quiet_for * _OF_A_QUIET_TIME))
        return self._shorten(self._interval, _JITTER)

    def after_nothing(self) -> float:
        """The wait after a look that showed nothing new: half as long again, up to the longest."""
        self._troubles = 0
        self._interval = min(max(self._interval * _GROWTH, self.shortest), self.longest)
        return self._shorten(self._interval, _JITTER)

    def after_trouble(self) -> float:
        """The wait after a look that failed and may work later: doubled each time, up to half a minute."""
        self._troubles += 1
        # 2 ** 16 is above every limit that makes sense here, and keeps the number finite.
        wait = min(self.shortest * 2 ** min(self._troubles, 16), LONGEST_IN_TROUBLE)
        return self._shorten(wait, 0.5)

    def _shorten(self, seconds: float, part: float) -> float:
        return seconds * (1 - part * self._chance())
