"""Fail steps."""

from __future__ import annotations

from typing import Any

from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
from airflow_sm_pipelines.translation.nodes import StepNode


class SageMakerFailStepOperator(BaseSageMakerStepOperator):
    """
    Ends the execution as failed, with a message. Its task fails with that message.

    No step can come after it, and the execution cannot be retried.

    :param error_message: text, or references joined with text: ``Join(" ", ["accuracy is", ...])``.
    """

    def __init__(self, *, error_message: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error_message = error_message

    def to_step_node(self) -> StepNode:
        """Describe the step."""
        return StepNode(
            task_id=self.task_id,
            name=self.step_name,
            type="Fail",
            arguments={"ErrorMessage": self.error_message},
            display_name=self.display_name,
            description=self.description,
        )
