"""Values that a task keeps from try to try.

Airflow keeps them over a failed try, a killed worker and a clear. On a version without the store nothing is kept, so it
may only spare work, not decide.
"""

from __future__ import annotations

from typing import Any


class TaskStateStore:
    """The store of one task instance, of a worker.

    :param context: Airflow's.
    """

    def __init__(self, context: Any) -> None:
        self._store: Any = context.get("task_state_store")

    def get(self, key: str) -> str | None:
        """Return a value that was kept; ``None`` where there is none.

        :param key: its key.
        """
        value: str | None = None if self._store is None else self._store.get(key)
        return value

    def set(self, key: str, value: str) -> None:
        """Keep a value.

        :param key: its key.
        :param value: the value.
        """
        if self._store is not None:
            self._store.set(key, value)
