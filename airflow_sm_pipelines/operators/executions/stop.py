"""Stopping a pipeline execution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import ExecutionTarget
from airflow_sm_pipelines.operators.executions.base import BasePipelineExecutionOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


class SageMakerStopPipelineExecutionOperator(BasePipelineExecutionOperator):
    """
    Stops a pipeline execution and waits until it is over; returns its ARN.

    An execution that is over already, or ends by itself meanwhile, is no failure, unless ``fail_if_not_executing``.
    While the execution moves from one step to the next the service refuses to stop it; that is waited out.

    :param pipeline_execution_arn: the execution. Templated.
    :param fail_if_not_executing: fail when there was nothing to stop.
    :param kwargs: how to wait, and the connection; see :class:`BasePipelineExecutionOperator`.
    """

    template_fields: Sequence[str] = ("pipeline_execution_arn",)
    awaited = Awaited(ExecutionTarget(however=True))

    def __init__(
        self, *, pipeline_execution_arn: str | XComArg, fail_if_not_executing: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_execution_arn: Any = pipeline_execution_arn
        self.fail_if_not_executing = fail_if_not_executing

    def begin(self, hook: SageMakerPipelineHook, context: Context) -> str:
        """Ask the service to stop the execution.

        :param hook: asks AWS.
        :param context: Airflow's.
        """
        arn = str(PipelineExecutionArn.parse(self.pipeline_execution_arn))
        asked = hook.stop_execution(arn)
        if not asked and self.fail_if_not_executing:
            raise PipelineExecutionError(f"execution {arn} is not executing: there is nothing to stop")
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is not executing", arn)
        return arn
