"""The states of tasks and Dag runs, as Airflow knows them now; asked from a trigger and from a worker."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow.providers.common.compat.sdk import DagRunState
from airflow.sdk.execution_time.comms import DagRunStateResult, GetDagRunState, GetTaskStates, TaskStatesResult

from airflow_sm_pipelines.compatibility.supervisor import ask


async def state_of_task(task_instance: Any, task_id: str) -> str | None:
    """Return the state of a task in the Dag run of a trigger; ``None`` for a task that has none.

    :param task_instance: the trigger's ``task_instance``; also says which of several mapped instances.
    :param task_id: the task's full id.
    """
    states = await ask(
        GetTaskStates(
            dag_id=task_instance.dag_id,
            task_ids=[task_id],
            run_ids=[task_instance.run_id],
            map_index=task_instance.map_index,
        ),
        TaskStatesResult,
    )
    return _only(states.task_states, task_instance.run_id)


async def state_of_run(task_instance: Any) -> str | None:
    """Return the state of the Dag run of a trigger.

    :param task_instance: the trigger's ``task_instance``.
    """
    run = await ask(GetDagRunState(dag_id=task_instance.dag_id, run_id=task_instance.run_id), DagRunStateResult)
    return None if run.state is None else DagRunState(run.state).value


def own_state(task_instance: Any) -> str | None:
    """Return the state of the task that runs on this worker.

    :param task_instance: of the task's context.
    """
    states = task_instance.get_task_states(
        dag_id=task_instance.dag_id,
        map_index=-1 if task_instance.map_index is None else task_instance.map_index,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
    )
    return _only(states, task_instance.run_id)


def own_states(task_instance: Any, task_ids: Collection[str]) -> dict[str, str | None]:
    """Return the states of unmapped tasks in the Dag run of the task that runs on this worker.

    :param task_instance: of the task's context.
    :param task_ids: their full ids.
    """
    states = task_instance.get_task_states(
        dag_id=task_instance.dag_id, map_index=-1, task_ids=list(task_ids), run_ids=[task_instance.run_id]
    )
    return dict(states.get(task_instance.run_id, {}))


def own_run_state(task_instance: Any) -> str | None:
    """Return the state of the Dag run of the task that runs on this worker.

    :param task_instance: of the task's context.
    """
    state: str | None = task_instance.get_dagrun_state(task_instance.dag_id, task_instance.run_id)
    return state


def heartbeat_timeout() -> float:
    """Return after how many seconds Airflow takes a task whose supervisor does not send heartbeats for dead."""
    from airflow.providers.common.compat.sdk import conf

    return float(conf.getint("scheduler", "task_instance_heartbeat_timeout", fallback=300))


def _only(states: Any, run_id: str) -> str | None:
    """Return the one state there is: asked for one task, one run and one map index."""
    return next(iter(states.get(run_id, {}).values()), None)
