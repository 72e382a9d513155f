"""The sensor that waits for one step of a pipeline execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.links.sagemaker import CloudWatchLogLink, SageMakerJobLink, SageMakerPipelineExecutionLink
from airflow_sm_pipelines.sensors.execution import BasePipelineExecutionSensor

if TYPE_CHECKING:
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


class SageMakerPipelineStepSensor(BasePipelineExecutionSensor):
    """
    Waits until one step of a pipeline execution is over; succeeds when the step did, and returns the execution's ARN.

    A step that has not started is waited for as long as it can start. It is known from the execution's definition
    whether it can: the sensor is skipped when the step is in a branch that was not taken, and fails when the
    execution is over without it, or has no such step at all. XComs are those of a step's task: ``step_report`` and
    ``property_files``.

    :param step_name: the step; one of a ForEach body by its name for one item, ``<body>-<index>``. Templated.
    :param kwargs: which execution, and how to wait; see :class:`BasePipelineExecutionSensor`.
    """

    custom_operator_name = "Step sensor"
    template_fields: Sequence[str] = (*BasePipelineExecutionSensor.template_fields, "step_name")
    operator_extra_links = (SageMakerPipelineExecutionLink(), SageMakerJobLink(), CloudWatchLogLink())

    def __init__(self, *, step_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step_name = step_name

    @property
    def awaited(self) -> Awaited:
        """What the sensor waits for; the step's place is looked up in the execution's definition."""
        target = StepTarget(self.step_name, started_elsewhere=True)
        return Awaited(target, skip_on_failure=self.soft_fail or self.never_fail)

    def look_up(self, hook: SageMakerPipelineHook, pipeline_execution_arn: str) -> Awaited:
        """Return the step with its place in the execution's definition.

        :param hook: asks for the definition.
        :param pipeline_execution_arn: the execution.
        :raises PipelineExecutionError: when the execution has no such step.
        """
        from airflow_sm_pipelines.hooks.selection import step_place

        return step_place(hook, pipeline_execution_arn, self.awaited)
