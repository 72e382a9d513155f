"""Names of Airflow's task SDK whose modules differ from version to version."""

from __future__ import annotations

from airflow.sdk.bases.branch import BaseBranchOperator
from airflow.sdk.bases.sensor import BaseSensorOperator, PokeReturnValue
from airflow.sdk.bases.skipmixin import SkipMixin
from airflow.sdk.definitions.mappedoperator import MappedOperator
from airflow.sdk.definitions.param import DagParam
from airflow.sdk.definitions.taskgroup import MappedTaskGroup
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

__all__ = [
    "AirflowFailException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseBranchOperator",
    "BaseSensorOperator",
    "DagParam",
    "MappedOperator",
    "MappedTaskGroup",
    "PokeReturnValue",
    "SkipMixin",
]
