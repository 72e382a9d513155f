"""Steps that decide how the execution continues: into a branch, which is one in Airflow too, or to its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import SkipMixin
from airflow.sdk import BaseOperator, Label, TaskGroup

from airflow_sm_pipelines.definition.conditions import Condition
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import require_list
from airflow_sm_pipelines.operators.steps.mapped import MappedStepOperator
from airflow_sm_pipelines.translation.nodes import StepNode


class BranchingStepOperator(BaseSageMakerStepOperator, SkipMixin):
    """A task that follows a Condition step and skips direct downstream tasks as its outcome says."""

    step_type = "Condition"
    operator_extra_links = (SageMakerPipelineExecutionLink(),)  # no job
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
        for task in if_tasks:
            self.if_task_ids += (task.task_id,)
            self._lead_to(task, outcome=True)
        for task in else_tasks:
            self.else_task_ids += (task.task_id,)
            self._lead_to(task, outcome=False)

    def _lead_to(self, task: Any, *, outcome: bool) -> None:
        self.set_downstream(task, edge_modifier=Label("if" if outcome else "else"))
        if isinstance(task, BaseSageMakerStepOperator | MappedStepOperator) and task.runs_for_each_item:
            # Airflow 3.0 starts the instances of a mapped task that this one skips.
            task.branches = task.branches or (BranchOwner(self.step_name, outcome),)

    @property
    def skipped_task_ids(self) -> dict[str, list[str]]:
        """The direct downstream tasks that each outcome skips: those of the other branch. Empty without any."""
        if not self.if_task_ids and not self.else_task_ids:
            return {}
        return {"True": list(self.else_task_ids), "False": list(self.if_task_ids)}


class SageMakerConditionStepOperator(BranchingStepOperator):
    """
    A ConditionStep: decides in the pipeline which steps run, and skips the others in Airflow.

    The tasks of both branches become direct downstream tasks of this one. Everything that only they lead to
    belongs to their branch. A task that follows both branches needs
    ``trigger_rule="none_failed_min_one_success"``.

    :param conditions: all of them must hold, for ``if_steps`` to run. Compare references:
        ``evaluate.metric("metrics", "accuracy.value") >= pipeline.parameters["MinAccuracy"]``.
    :param if_steps: the first tasks of the branch for a condition that holds; a TaskGroup stands for its first tasks.
    :param else_steps: the first tasks of the other branch.
    """

    def __init__(
        self,
        *,
        conditions: Sequence[Condition],
        if_steps: Sequence[Any] = (),
        else_steps: Sequence[Any] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.conditions = tuple(require_list(self, "conditions", conditions))
        if not self.conditions:
            raise self.error("a ConditionStep needs at least one condition. Give conditions=[...].")
        for condition in self.conditions:
            if not isinstance(condition, Condition):
                hint = " '==' and '!=' compare in Python: use .equals(...) and Not(...)." * isinstance(condition, bool)
                raise self.error(
                    f"{condition!r} is not a condition. Compare references: evaluate.metric('metrics', 'accuracy') >= "
                    f"0.9.{hint}"
                )
        if_tasks, else_tasks = self._first_tasks("if_steps", if_steps), self._first_tasks("else_steps", else_steps)
        if both := sorted({task.task_id for task in if_tasks} & {task.task_id for task in else_tasks}):
            raise self.error(
                f"{', '.join(map(repr, both))} is in both if_steps and else_steps. A step belongs to one branch; "
                "a step after both follows their ends with trigger_rule='none_failed_min_one_success'."
            )
        self.lead_to(if_tasks, else_tasks)

    def _first_tasks(self, keyword: str, steps: Any) -> list[BaseOperator]:
        if not isinstance(steps, (list, tuple)) or not all(
            isinstance(step, (BaseOperator, MappedStepOperator, TaskGroup)) for step in steps
        ):
            raise self.error(
                f"{keyword}={steps!r} is not a list of tasks. Give the first steps of the branch: {keyword}=[...]."
            )
        return [root for step in steps for root in step.roots]

    @property
    def outcome(self) -> Any:
        """The condition's outcome, for other steps: ``True`` or ``False``."""
        return self.properties.Outcome

    def to_step_node(self) -> StepNode:
        """Describe the step."""
        branches = {"if_task_ids": self.if_task_ids, "else_task_ids": self.else_task_ids}
        return self.step_node(conditions=self.conditions, **branches)


class SageMakerFailStepOperator(BaseSageMakerStepOperator):
    """
    Ends the execution as failed, with a message. Its task fails with that message.

    No step can come after it, and the execution cannot be retried.

    :param error_message: text, or references joined with text: ``Join(" ", ["accuracy is", ...])``.
    """

    step_type = "Fail"
    operator_extra_links = (SageMakerPipelineExecutionLink(),)  # no job

    def __init__(self, *, error_message: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_message = error_message

    def to_step_node(self) -> StepNode:
        """Describe the step."""
        return self.step_node(arguments={"ErrorMessage": self.error_message})
