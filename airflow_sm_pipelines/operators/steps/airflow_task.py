"""The task beside an Airflow task in the middle of a pipeline: it reports the end of that task to the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.execution.answer import AnsweredTask
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
from airflow_sm_pipelines.operators.steps.settings import group_around
from airflow_sm_pipelines.settings import to_dict
from airflow_sm_pipelines.translation.nodes import StepNode

if TYPE_CHECKING:
    from airflow_sm_pipelines.triggers.step import SageMakerPipelineStepTrigger

RETRIES: Final = 2
"""A task that is lost would leave the pipeline waiting. A step that failed is not tried again."""


class AirflowTaskCallbackOperator(BaseSageMakerStepOperator):
    """
    The task of a Callback step that stands for an Airflow task in the middle of a pipeline.

    Made by :class:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup`; Dags do not use it
    themselves. It waits in the triggerer until the Airflow task has ended for good and the pipeline has reached the
    step, answers the service, and ends as the step did. It does not follow the Airflow task: whatever that one skips,
    the pipeline gets its answer.

    :param answered_task_id: the full id of the Airflow task.
    :param may_skip: whether that task can skip others, as a sensor or an approval can.
    :param sqs_queue_url: the queue that the service sends its message to.
    """

    step_type = "Callback"
    trigger_path = "airflow_sm_pipelines.triggers.answering.SageMakerAnsweringTrigger"
    operator_extra_links = (SageMakerPipelineExecutionLink(),)  # no job
    ui_color = "#e3e8ee"

    def __init__(self, *, answered_task_id: str, may_skip: bool, sqs_queue_url: str, **kwargs: Any) -> None:
        # Airflow asks for trigger_arguments as soon as the base class is initialised.
        self.answered_task_id = answered_task_id
        self.may_skip = may_skip
        self.sqs_queue_url = sqs_queue_url
        # Not those of the Dag's default_args: a task that gives up leaves the pipeline waiting for ever.
        own = {
            "retries": RETRIES,
            "retry_delay": timedelta(seconds=10),
            "execution_timeout": None,
            "depends_on_past": False,
            "wait_for_downstream": False,
        }
        super().__init__(**{**kwargs, **own})

    @property
    def awaited(self) -> Awaited:
        """What the task waits for. A step that failed fails the task for good."""
        return replace(super().awaited, fails_for_good=True)

    @property
    def answered(self) -> AnsweredTask:
        """The Airflow task that the step stands for."""
        followers: set[str] = set()
        if self.may_skip and self.has_dag():  # type: ignore[no-untyped-call]
            inside = group_around(self).task_ids
            followers = self.dag.get_task(self.answered_task_id).downstream_task_ids & inside
        return AnsweredTask(self.answered_task_id, self.sqs_queue_url, tuple(sorted(followers)))

    def trigger_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments of the trigger, as JSON. A failure is always ended by a worker."""
        arguments = super().trigger_arguments()
        wait = replace(self.settings.wait, waiter_max_attempts=None)
        ends_here = [state for state in arguments.pop("ends_here", ()) if state != "failed"]
        given = {"wait": to_dict(wait), "ends_here": ends_here}
        arguments.update({keyword: value for keyword, value in given.items() if value})
        return {**arguments, "answered": self.answered.to_dict()}

    def new_trigger(self, arguments: Mapping[str, Any]) -> SageMakerPipelineStepTrigger:
        """Return the trigger that answers.

        :param arguments: its keyword arguments.
        """
        from airflow_sm_pipelines.triggers.answering import SageMakerAnsweringTrigger

        return SageMakerAnsweringTrigger(**arguments)

    def to_step_node(self) -> StepNode:
        """Describe the step. Its outputs are those that other steps use: the reader adds them."""
        return self.step_node(
            arguments={"dag_id": self.dag_id, "task_id": self.answered_task_id},
            extra={"SqsQueueUrl": self.sqs_queue_url, "OutputParameters": []},
        )
