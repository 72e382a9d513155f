"""A task without a worker: it starts in the triggerer, pushes XComs there, ends there or goes back to a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Literal

from airflow.triggers.base import (
    BaseTrigger,
    StartTriggerArgs,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from airflow_sm_pipelines.compatibility.supervisor import ask

__all__ = [
    "TELLS_OF_KILLS",
    "BaseTrigger",
    "StartTriggerArgs",
    "TriggerEvent",
    "end_event",
    "push_xcoms",
    "read_xcom",
    "see_through",
    "skipped_by",
    "skipping_xcom",
    "start_in",
    "until_worker_is_done",
]

TELLS_OF_KILLS: Final = hasattr(BaseTrigger, "on_kill")
"""Whether Airflow calls a trigger's ``on_kill``. Before 3.3 it only cancels the trigger, as when a triggerer
ends."""

SETTLED_AFTER: Final = 10.0
"""How long after its start a trigger resumes its task on a worker at the earliest, in seconds.

A task that resumes before the scheduler has heard that its first worker is done is failed by it, as killed from outside
(apache/airflow issues 66374, 71580 and 72716). Nothing tells a trigger when that is.
"""

_SKIPMIXIN_KEY: Final = "skipmixin_key"
_SKIPPED: Final = "skipped"
_FOLLOWED: Final = "followed"
"""As ``airflow.ti_deps.deps.not_previously_skipped_dep`` has them, which a Dag file had better not load."""

_under_way: set[asyncio.Task[None]] = set()
"""The work that is seen through. The event loop itself keeps no hold of its tasks."""


def start_in(trigger_class: str, arguments: Mapping[str, Any], timeout: timedelta | None) -> StartTriggerArgs:
    """Return how Airflow starts a task in the triggerer; on a worker it continues with ``execute_complete``.

    Airflow renders a field there only if it is a template field, a keyword of the trigger, and an attribute of it.
    Mapped tasks must not start so: each of them would get the keywords of the operator's class.

    :param trigger_class: the class path of the trigger.
    :param arguments: its keywords; JSON and templates.
    :param timeout: when Airflow ends the wait.
    """
    return StartTriggerArgs(
        trigger_cls=trigger_class, trigger_kwargs=dict(arguments), next_method="execute_complete", timeout=timeout
    )


def end_event(state: Literal["success", "failed", "skipped"]) -> TriggerEvent:
    """Return the event that ends a task without a worker. ``retries`` are honoured.

    Such a task registers no asset events, and none of its callbacks and listeners is called.

    :param state: the state that the task ends in.
    """
    kinds = {"success": TaskSuccessEvent, "failed": TaskFailedEvent, "skipped": TaskSkippedEvent}
    return kinds[state]()


async def until_worker_is_done(task_instance: Any, began: float) -> None:
    """Wait until the worker that deferred a task is done with it, as the scheduler sees it.

    :param task_instance: the trigger's; without one, as in ``dag.test()``, there is no scheduler to wait for.
    :param began: when the trigger started, on the event loop's clock.
    """
    if task_instance is not None:
        await asyncio.sleep(max(0.0, began + SETTLED_AFTER - asyncio.get_running_loop().time()))


async def see_through(work: Coroutine[Any, Any, None]) -> None:
    """Do something to its end, also when the trigger that began it is cancelled in the meantime.

    While a trigger is being cancelled Airflow 3.3.2 cancels it again at each of the triggerer's rounds, about once a
    second (``TriggerRunnerSupervisor`` names it in every answer until it is gone). So ``on_kill`` itself has no more
    time than that, whatever ``[triggerer] on_kill_timeout`` says. What is logged after the trigger's end goes to the
    triggerer's log. Does not outlive the triggerer.

    :param work: what to do.
    """
    task = asyncio.get_running_loop().create_task(work)
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)
    await asyncio.shield(task)


async def push_xcoms(task_instance: Any, xcoms: Mapping[str, Any], task_id: str | None = None) -> None:
    """Push XComs for a task of a trigger's Dag run.

    The XComs of an end event cannot be used: their values arrive JSON-encoded twice (Airflow 3.3.2).

    :param task_instance: the trigger's ``task_instance``.
    :param xcoms: the values by their keys; JSON.
    :param task_id: an unmapped task of the run; by default the trigger's own task.
    """
    # Late: the class depends on [core] xcom_backend, and a Dag file has no use for the messages.
    from airflow.sdk.execution_time.comms import SetXCom
    from airflow.sdk.execution_time.xcom import XCom

    place = _place(task_instance, task_id)
    for key, value in xcoms.items():
        # What XCom.aset does, which older versions lack.
        await ask(SetXCom(key=key, value=XCom.serialize_value(value, key=key, **place), **place))


async def read_xcom(task_instance: Any, key: str, task_id: str | None = None) -> Any:
    """Return the value of an XCom of a task of a trigger's Dag run; ``None`` where there is none.

    :param task_instance: the trigger's ``task_instance``.
    :param key: its key.
    :param task_id: an unmapped task of the run; by default the trigger's own task.
    """
    from airflow.sdk.execution_time.comms import GetXCom, XComResult
    from airflow.sdk.execution_time.xcom import XCom

    response = await ask(GetXCom(key=key, **_place(task_instance, task_id)), XComResult)
    return None if response.value is None else XCom.deserialize_value(response)


def skipping_xcom(task_ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return the XCom by which the scheduler skips tasks directly downstream, as ``SkipMixin.skip`` writes it.

    The scheduler's ``NotPreviouslySkippedDep`` reads it.

    :param task_ids: full ids.
    """
    return {_SKIPMIXIN_KEY: {_SKIPPED: list(task_ids)}}


async def skipped_by(task_instance: Any, task_id: str, task_ids: Sequence[str]) -> set[str]:
    """Return which of some tasks directly behind a task were skipped by it, in a trigger's Dag run.

    :param task_instance: the trigger's ``task_instance``.
    :param task_id: an unmapped task of the run that can skip, as its ``inherits_from_skipmixin`` says; it has ended.
    :param task_ids: full ids.
    """
    told = await read_xcom(task_instance, _SKIPMIXIN_KEY, task_id)
    if not isinstance(told, Mapping):
        return set()
    if _FOLLOWED in told:
        return set(task_ids) - set(told[_FOLLOWED])
    return set(task_ids) & set(told.get(_SKIPPED, ()))


def _place(task_instance: Any, task_id: str | None) -> dict[str, Any]:
    return {
        "dag_id": task_instance.dag_id,
        "task_id": task_instance.task_id if task_id is None else task_id,
        "run_id": task_instance.run_id,
        "map_index": task_instance.map_index if task_id is None else -1,
    }
