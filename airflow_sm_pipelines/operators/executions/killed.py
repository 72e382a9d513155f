"""Whether a worker's task is killed because a person failed it, or its Dag run.

A worker's task is also killed when it is cleared or marked successful, and when its worker is shut down.
"""

from __future__ import annotations

from typing import Any


def was_failed_by_a_person(task_instance: Any) -> bool:
    """Ask Airflow for the states as they are now. As ``triggers.kill`` does it for tasks in the triggerer.

    :param task_instance: the running task instance of a worker.
    """
    map_index = -1 if task_instance.map_index is None else task_instance.map_index
    states = task_instance.get_task_states(
        dag_id=task_instance.dag_id,
        map_index=map_index,
        task_ids=[task_instance.task_id],
        run_ids=[task_instance.run_id],
    )
    # At most one: asked for one task, one run and one map index.
    state = next(iter(states.get(task_instance.run_id, {}).values()), None)
    if state == "skipped":
        return bool(task_instance.get_dagrun_state(task_instance.dag_id, task_instance.run_id) == "failed")
    return bool(state == "failed")
