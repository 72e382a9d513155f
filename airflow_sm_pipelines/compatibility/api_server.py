"""The API server: who may see what of a Dag, and the XComs of many runs at once.

Airflow's REST API lists XComs without their values: a page about many runs would ask once for each run and task.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.xcom import XComModel
from fastapi import Depends
from sqlalchemy import select
from sqlalchemy.orm import Session

__all__ = ["MAY_READ_LOGS", "MAY_READ_XCOMS", "SessionDep", "read_xcoms"]

MAY_READ_XCOMS: Final = Depends(requires_access_dag("GET", DagAccessEntity.XCOM))
"""The person may read the XComs of the Dag that the path names; 401 without a session, 403 for everybody else."""

MAY_READ_LOGS: Final = Depends(requires_access_dag("GET", DagAccessEntity.TASK_LOGS))
"""As :data:`MAY_READ_XCOMS`, for the logs of tasks."""


def read_xcoms(session: Session, dag_id: str, run_ids: Sequence[str], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return XComs of a Dag's runs, in no order.

    Of what an XCom backend has put elsewhere the value is a text that says where: it is in no form that pages read.

    :param session: of the database.
    :param dag_id: the Dag.
    :param run_ids: its runs.
    :param keys: which XComs.
    :return: ``run_id``, ``task_id``, ``map_index``, ``key`` and ``value`` of each.
    """
    columns = (XComModel.run_id, XComModel.task_id, XComModel.map_index, XComModel.key, XComModel.value)
    rows = session.execute(
        select(*columns).where(
            XComModel.dag_id == dag_id, XComModel.run_id.in_(list(run_ids)), XComModel.key.in_(list(keys))
        )
    )
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name for a row as a mapping
