"""A TaskGroup with its own state, which is checked once more when its Dag file has run."""

from __future__ import annotations

from typing import Any

from airflow.sdk import TaskGroup


class CheckedTaskGroup(TaskGroup):
    """A TaskGroup whose subclasses have attributes and a last check.

    Airflow serialises a Dag when its whole file has run; what the check raises then is an import error of the Dag.
    """

    # TaskGroup is an attrs class with slots, whose state is its declared fields only: copies of a Dag (such as
    # partial_subset) would lose the attributes of subclasses.
    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[misc]
        return {**state, **self.__dict__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)

    def check_complete(self) -> None:
        """Raise where the group is not right as it is now. Nothing by default."""

    def serialize_for_task_group(self) -> tuple[Any, Any]:
        """Check the group once more; called by Airflow, which serialises a Dag when its whole file has run."""
        self.check_complete()
        kind, encoded = super().serialize_for_task_group()
        return kind, encoded
