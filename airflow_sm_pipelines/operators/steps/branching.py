"""What the tasks of Condition steps do in Airflow: skip the branch that was not taken."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from airflow.sdk import Label

from airflow_sm_pipelines.compatibility.sdk import SkipMixin
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator


class BranchingStepOperator(BaseSageMakerStepOperator, SkipMixin):
    """A task that follows a Condition step and skips direct downstream tasks as its outcome says."""

    ui_color = "#f5e8c7"
    inherits_from_skipmixin = True

    def __init__(self, **kwargs: Any) -> None:
        # Airflow asks for skipped_task_ids as soon as the base class is initialised.
        self.if_task_ids: tuple[str, ...] = ()
        self.else_task_ids: tuple[str, ...] = ()
        super().__init__(**kwargs)

    def lead_to(self, if_tasks: Iterable[BaseOperator], else_tasks: Iterable[BaseOperator]) -> None:
        """Draw labelled edges to the tasks that an outcome runs and the other skips.

        :param if_tasks: run when the conditions hold.
        :param else_tasks: run when they do not.
        """
        for tasks, label in ((list(if_tasks), "if"), (list(else_tasks), "else")):
            task_ids = tuple(task.task_id for task in tasks)
            if label == "if":
                self.if_task_ids = (*self.if_task_ids, *task_ids)
            else:
                self.else_task_ids = (*self.else_task_ids, *task_ids)
            for task in tasks:
                self.set_downstream(task, edge_modifier=Label(label))

    @property
    def skipped_task_ids(self) -> dict[str, list[str]]:
        """The direct downstream tasks that each outcome skips: those of the other branch."""
        return {"True": list(self.else_task_ids), "False": list(self.if_task_ids)}
