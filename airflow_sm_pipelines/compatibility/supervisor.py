"""Questions that a trigger asks the triggerer's supervisor."""

from __future__ import annotations

from typing import Any


async def ask(question: Any, answer: type[Any] | None = None) -> Any:
    """Return what the supervisor answers.

    :param question: one of the messages of ``airflow.sdk.execution_time.comms``.
    :param answer: the type of the answer; ``None`` where only trouble is answered.
    :raises AirflowRuntimeError: Airflow refuses.
    :raises TypeError: the answer is of another type.
    """
    # Late: Airflow sets it when the triggerer starts.
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    response = await SUPERVISOR_COMMS.asend(question)
    if answer is not None and not isinstance(response, answer):
        raise TypeError(f"asked Airflow {question!r}, expected {answer.__name__}, got {response!r}")
    return response
