"""When a task may end in the triggerer, without a worker.

Only workers run callbacks, notify listeners, register asset events and evaluate retry policies. So the triggerer ends
a task only where nobody would notice: it succeeded or was skipped, on its first try, and nothing waits for its end.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from airflow_sm_pipelines.documentation import see

State = Literal["success", "failed", "skipped"]


class EndTasks(str, Enum):
    """Where tasks end that wait in the triggerer."""

    AUTO = "auto"
    WORKER = "worker"
    TRIGGERER = "triggerer"


def states_ended_here(end_tasks: str, told: Collection[str], *, has_outlets: bool) -> tuple[State, ...]:
    """Return the states in which the triggerer may end a task.

    :param end_tasks: one of :class:`EndTasks`.
    :param told: the states in which something waits for its end.
    :param has_outlets: the task has assets, whose events Airflow registers when a task succeeds on a worker.
    """
    states: tuple[State, ...] = ()
    if end_tasks == EndTasks.TRIGGERER:
        states = ("success", "failed", "skipped")
    elif end_tasks == EndTasks.AUTO:
        states = tuple(state for state in ("success", "skipped") if state not in told)
    return tuple(state for state in states if not (has_outlets and state == "success"))


def nothing_launched(launch_task_id: str | None, step_name: str | None) -> str:
    """Return why a step's task has nothing to follow, and what to do.

    :param launch_task_id: the task that should have launched an execution.
    :param step_name: the step.
    """
    launch = f"task '{launch_task_id}'" if launch_task_id else "the launch task"
    return (
        f"step '{step_name}' has no execution to follow: {launch} has pushed no execution ARN in this Dag run. Clear "
        f"{launch} with its downstream tasks to start one. On the command line run the whole Dag, with 'airflow dags "
        f"test': 'airflow tasks test' runs this task alone. {see('no-execution-to-follow')}"
    )


LAUNCHED: Final = "launched"
"""The XCom in which the launch task leaves :class:`Launched`."""


@dataclass(frozen=True)
class Launched:
    """What the launch task knows on its worker, and the triggerers of the steps do not.

    :param at: when the launch task ran, in seconds since the epoch.
    :param clears: how often tasks of the Dag run were cleared before; ``None`` where Airflow does not say.
    :param listens: whether a plugin on the worker listens to task instances.
    :param masked: the values that the execution was started with and that hold secrets, by pipeline parameter, as
        Airflow shows them; see :mod:`airflow_sm_pipelines.execution.secrets`.
    """

    at: float
    clears: int | None
    listens: bool
    masked: Mapping[str, str] = field(default_factory=dict)

    def is_quiet(self, task_instance_id: object) -> bool:
        """Whether a task instance at its first try may end in the triggerer.

        One that has ended before, as ``upstream_failed``, keeps the end of then: it would end before it starts. It has
        no other sign than its id, a UUID of version 7, which every clear renews.

        :param task_instance_id: the task instance's id.
        """
        try:
            identity = uuid.UUID(str(task_instance_id))
        except ValueError:
            return False
        made = int(identity.hex[:12], 16) / 1000
        return not self.listens and self.clears == 0 and identity.version == 7 and made <= self.at
