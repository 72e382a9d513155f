"""The sensor that waits for a whole pipeline execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_sm_pipelines.execution.outcome import Decision, ExecutionTarget, decide
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.sensors.base import BasePipelineExecutionSensor

if TYPE_CHECKING:
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


class SageMakerPipelineExecutionSensor(BasePipelineExecutionSensor):
    """
    Waits until a pipeline execution is over; succeeds when it Succeeded, and returns its ARN.

    Fails when it ended Failed, Stopped or CompletedWithFailures, with the failed steps and their reasons. Does not
    start, stop or resume anything.

    :param kwargs: which execution, and how to wait; see :class:`BasePipelineExecutionSensor`.
    """

    def decide(self, hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> Decision:  # noqa: ARG002 - not needed
        """Say what a look at the execution means: the same as for every other waiter.

        :param hook: not used.
        :param snapshot: what was seen.
        """
        return decide(snapshot, ExecutionTarget())
