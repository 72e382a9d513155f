"""Requests of a trigger to the triggerer's supervisor, and of a task to its worker's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


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


def show_rendered_fields(task: BaseOperator) -> None:
    """Have Airflow show a task's rendered fields as they are now.

    Airflow's own ``overwrite_rtif_after_execution`` does so once a try's end is reported. When the task is to be tried
    again it has another id by then, and Airflow refuses: 3.0 and 3.1 leave out the callbacks and listeners of that try,
    later versions write an error to its log.

    :param task: one that a worker runs; otherwise nobody is informed.
    """
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import SetRenderedFields

    supervisor = getattr(task_runner, "SUPERVISOR_COMMS", None)
    if supervisor is not None:
        try:
            fields = task_runner._serialize_rendered_fields(task)  # noqa: SLF001 - as Airflow does it before a task runs
            supervisor.send(SetRenderedFields(rendered_fields=fields))
        except Exception as error:  # noqa: BLE001 - whatever it is, the step has ended otherwise; Airflow does so, too
            task.log.warning("The request cannot be shown in Rendered Templates: %r", error)
