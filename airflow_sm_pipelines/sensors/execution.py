"""The sensor that waits for a whole pipeline execution."""

from __future__ import annotations

from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import ExecutionTarget
from airflow_sm_pipelines.sensors.base import BasePipelineExecutionSensor


class SageMakerPipelineExecutionSensor(BasePipelineExecutionSensor):
    """
    Waits until a pipeline execution is over; succeeds when it Succeeded, and returns its ARN.

    Fails when it ended Failed, Stopped or CompletedWithFailures, with the failed steps and their reasons. Does not
    start, stop or resume anything.

    :param kwargs: which execution, and how to wait; see :class:`BasePipelineExecutionSensor`.
    """

    @property
    def awaited(self) -> Awaited:
        """What the sensor waits for."""
        return Awaited(ExecutionTarget(), skip_on_failure=self.soft_fail or self.never_fail)
