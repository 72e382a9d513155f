"""Whether a trigger is cancelled because a person failed its task, and how it still gets done what is to be done then.

Airflow calls ``on_kill`` when a task is marked failed, marked successful or cleared, when its Dag run is marked failed
or runs out of time, and also, with no one having done anything, in a triggerer that was paused so long that another
one has taken its triggers over. Only where a person (or a timeout of the Dag run) meant the work to end may it be
stopped, so Airflow is asked for the states as they are now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from airflow.sdk.execution_time.comms import DagRunStateResult, GetDagRunState, GetTaskStates, TaskStatesResult

#: What is seen through. The event loop itself keeps no hold of its tasks.
_under_way: set[asyncio.Task[None]] = set()


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


async def state_of_task(task_instance: Any, task_id: str) -> str | None:
    """Return the state of a task in the Dag run of a trigger; ``None`` for a task that has none.

    :param task_instance: the trigger's ``task_instance``; also says which of several mapped instances.
    :param task_id: the task's full id.
    """
    states = await _ask(
        GetTaskStates(
            dag_id=task_instance.dag_id,
            task_ids=[task_id],
            run_ids=[task_instance.run_id],
            map_index=task_instance.map_index,
        ),
        TaskStatesResult,
    )
    # At most one: asked for one task, one run and one map index.
    return next(iter(states.task_states.get(task_instance.run_id, {}).values()), None)


async def was_failed_by_a_person(task_instance: Any) -> bool:
    """Whether a cancelled trigger's task, or its Dag run, was failed rather than cleared or marked successful.

    A Dag run that runs out of time (``dagrun_timeout``) fails, too; Airflow then skips the tasks that were running.
    Does not tell a person's failing from the task's own: ask only while the task has not said that it failed.

    :param task_instance: the trigger's ``task_instance``.
    """
    state = await state_of_task(task_instance, task_instance.task_id)
    if state == "skipped":
        run = await _ask(
            GetDagRunState(dag_id=task_instance.dag_id, run_id=task_instance.run_id),
            DagRunStateResult,
        )
        return bool(run.state == "failed")
    return state == "failed"


async def _ask(question: Any, answer: type[Any]) -> Any:
    # Late: Airflow sets it when the triggerer starts.
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    response = await SUPERVISOR_COMMS.asend(question)
    if not isinstance(response, answer):
        raise TypeError(f"asked Airflow {question!r}, expected {answer.__name__}, got {response!r}")
    return response
