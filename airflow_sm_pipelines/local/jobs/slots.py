"""How many jobs run at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Slots:
    """Places for jobs that run. The others wait, and come first that asked first.

    :param count: how many there are; ``None`` for no limit.
    """

    def __init__(self, count: int | None = None) -> None:
        self._free = count
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    def take(self, given_up: Callable[[], bool]) -> bool:
        """Wait for a place and take it.

        :param given_up: whether to wait no longer; looked at whenever :meth:`wake` is called.
        :return: whether there is a place; it has to be given back then.
        """
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            try:
                while not given_up():
                    if self._free is None:
                        return True
                    if self._free > 0 and self._waiting[0] is turn:
                        self._free -= 1
                        return True
                    self._changed.wait()
                return False
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()

    def give_back(self) -> None:
        """Make room for another job."""
        with self._changed:
            if self._free is not None:
                self._free += 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Have those who wait look whether they have given up."""
        with self._changed:
            self._changed.notify_all()
