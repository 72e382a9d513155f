"""How many instances of jobs run at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Slots:
    """Places for instances that run. Jobs without a place wait, and come first that asked first.

    :param count: how many there are; ``None`` for no limit.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = self._free = count
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def take(self, given_up: Callable[[], bool], wanted: int = 1) -> int:
        """Wait for places and take them, all at once, so that two that each have some never wait for one another.

        :param given_up: whether to wait no longer; looked at whenever :meth:`wake` is called.
        :param wanted: how many; who wants more than there are gets all.
        :return: how many were taken; they have to be given back. 0 for who has given up.
        """
        if self._count is not None:
            wanted = min(wanted, self._count)
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                while not given_up():
                    if self._free is None:
                        return wanted
                    if self._free >= wanted and self._waiting[0] is turn:
                        self._free -= wanted
                        return wanted
                    self._changed.wait()
                return 0
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def release_slots(self, taken: int = 1) -> None:
        """Make room for other jobs.

        :param taken: how many places.
        """
        with self._changed:
            if self._free is not None:
                self._free += taken
            self._changed.notify_all()

    def wake(self) -> None:
        """Have those who wait look whether they have given up."""
        with self._changed:
            self._changed.notify_all()
