"""The events by which a trigger ends its task, or hands it back to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSkippedEvent, TaskSuccessEvent, TriggerEvent

__all__ = ["BaseTrigger", "TriggerEvent", "end_event", "resume_event"]

_EVENTS: Final[Mapping[str, type[TriggerEvent]]] = {
    "success": TaskSuccessEvent,
    "failed": TaskFailedEvent,
    "skipped": TaskSkippedEvent,
}


def end_event(state: Literal["success", "failed", "skipped"]) -> TriggerEvent:
    """Return the event that ends a task without a worker. ``retries`` are honoured.

    Such a task registers no asset events, and none of its callbacks and listeners is called.

    :param state: the state that the task ends in.
    """
    return _EVENTS[state]()  # type: ignore[call-arg]


def resume_event(payload: Mapping[str, Any]) -> TriggerEvent:
    """Return the event that resumes a task on a worker.

    :param payload: what the task's method is told; JSON.
    """
    return TriggerEvent(dict(payload))  # type: ignore[no-untyped-call]
