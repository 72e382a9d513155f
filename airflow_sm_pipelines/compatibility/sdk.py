"""Classes of Airflow's task SDK that are not among its public names."""

from __future__ import annotations

from airflow.sdk.definitions.param import DagParam
from airflow.sdk.definitions.taskgroup import MappedTaskGroup

__all__ = ["DagParam", "MappedTaskGroup"]
