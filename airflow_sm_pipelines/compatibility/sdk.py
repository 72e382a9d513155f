"""Classes and functions of Airflow's task SDK that are not among its public names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.decorator import get_unique_task_id
from airflow.sdk.definitions._internal.mixins import ResolveMixin
from airflow.sdk.definitions.param import DagParam
from airflow.sdk.definitions.taskgroup import MappedTaskGroup
from airflow.sdk.definitions.xcom_arg import PlainXComArg

if TYPE_CHECKING:
    from airflow.sdk import TaskGroup

__all__ = ["LOOPS", "DagParam", "MappedTaskGroup", "PlainXComArg", "ResolveMixin", "get_unique_task_id", "loop_around"]

LOOPS: tuple[type, ...]
"""The classes of task groups that Airflow runs again and again: what ``loop`` of a ``@task_group`` makes."""
try:
    from airflow.sdk.definitions._internal.loop import LoopTaskGroup  # type: ignore[import-not-found,unused-ignore]
except ImportError:  # before Airflow 3.4
    LOOPS = ()
else:
    LOOPS = (LoopTaskGroup,)


def loop_around(group: TaskGroup | None) -> TaskGroup | None:
    """Return the innermost loop among a group and those around it; ``None`` when there is none.

    :param group: such as that of a task.
    """
    while group is not None and not isinstance(group, LOOPS):
        group = group.parent_group
    return group
