"""XComs from a trigger, which has no worker to push them.

The XComs of an end event are no way: their values arrive JSON-encoded twice (Airflow 3.3.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk.bases.skipmixin import XCOM_SKIPMIXIN_KEY, XCOM_SKIPMIXIN_SKIPPED


async def push_xcoms(task_instance: Any, xcoms: Mapping[str, Any], task_id: str | None = None) -> None:
    """Push XComs for a task of a trigger's Dag run.

    :param task_instance: the trigger's ``task_instance``.
    :param xcoms: the values by their keys; JSON.
    :param task_id: an unmapped task of the run; by default the trigger's own task.
    """
    # Late: the class depends on [core] xcom_backend.
    from airflow.sdk.execution_time.xcom import XCom

    for key, value in xcoms.items():
        await XCom.aset(key=key, value=value, **_place(task_instance, task_id))


async def read_xcom(task_instance: Any, key: str, task_id: str | None = None) -> Any:
    """Return the value of an XCom of a task of a trigger's Dag run; ``None`` where there is none.

    :param task_instance: the trigger's ``task_instance``.
    :param key: its key.
    :param task_id: an unmapped task of the run; by default the trigger's own task.
    """
    from airflow.sdk.execution_time.xcom import XCom

    return await XCom.aget_one(key=key, **_place(task_instance, task_id))


def skipping_xcom(task_ids: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return the XCom by which the scheduler skips tasks directly downstream, as ``SkipMixin.skip`` writes it.

    The scheduler's ``NotPreviouslySkippedDep`` reads it.

    :param task_ids: full ids.
    """
    return {XCOM_SKIPMIXIN_KEY: {XCOM_SKIPMIXIN_SKIPPED: list(task_ids)}}


def _place(task_instance: Any, task_id: str | None) -> dict[str, Any]:
    return {
        "dag_id": task_instance.dag_id,
        "task_id": task_instance.task_id if task_id is None else task_id,
        "run_id": task_instance.run_id,
        "map_index": task_instance.map_index if task_id is None else -1,
    }
