"""Stopping and resuming an execution that is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import ExecutionTarget
from airflow_sm_pipelines.execution.resume import OnRetry
from airflow_sm_pipelines.operators.executions.base import BasePipelineExecutionOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


class _ExistingExecutionOperator(BasePipelineExecutionOperator):
    """A task about an execution that it is given."""

    template_fields: Sequence[str] = ("pipeline_execution_arn",)

    def __init__(self, *, pipeline_execution_arn: str | XComArg, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline_execution_arn: Any = pipeline_execution_arn

    def _arn(self) -> str:
        if self.pipeline_execution_arn is None:
            raise PipelineExecutionError("pipeline_execution_arn is None: the task it comes from left no value")
        return str(PipelineExecutionArn.parse(self.pipeline_execution_arn))


class SageMakerStopPipelineExecutionOperator(_ExistingExecutionOperator):
    """
    Stops a pipeline execution and waits until it is over; returns its ARN.

    An execution that is over already, or ends by itself meanwhile, does not fail the task, unless
    ``fail_if_not_executing``. While the execution moves from one step to the next the service refuses to stop it; the
    task asks again until it accepts.

    :param pipeline_execution_arn: the execution. Templated.
    :param fail_if_not_executing: fail when there was nothing to stop.
    :param kwargs: how to wait, and the connection; see :class:`BasePipelineExecutionOperator`.
    """

    custom_operator_name = "Stop execution"

    awaited = Awaited(ExecutionTarget(however=True))

    def __init__(self, *, fail_if_not_executing: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fail_if_not_executing = fail_if_not_executing

    def begin(self, hook: SageMakerPipelineHook, context: Context) -> str:
        """Ask the service to stop the execution.

        :param hook: asks AWS.
        :param context: Airflow's.
        """
        arn = self._arn()
        asked = hook.stop_execution(arn)
        if not asked and self.fail_if_not_executing:
            raise PipelineExecutionError(f"execution {arn} is not executing: there is nothing to stop")
        self.log.info("Stopping execution %s" if asked else "Nothing to stop: execution %s is not executing", arn)
        return arn


class SageMakerRetryPipelineExecutionOperator(_ExistingExecutionOperator):
    """
    Resumes a pipeline execution that failed or was stopped, and waits until it is over; returns its ARN.

    SageMaker runs the failed steps again, and those that never started, under the same ARN, with the same definition
    and parameters. If several tasks ask for it after one failure, it is resumed once. A running execution is only
    waited for. A successful one is left as it is.

    Fails for an execution that ended in a Fail step, which SageMaker does not resume, and when the execution does not
    end well this time.

    :param pipeline_execution_arn: the execution. Templated.
    :param kwargs: how to wait, and the connection; see :class:`BasePipelineExecutionOperator`.
    """

    custom_operator_name = "Retry execution"

    def begin(self, hook: SageMakerPipelineHook, context: Context) -> str:
        """Ask the service to resume the execution, where it ended badly.

        :param hook: asks AWS.
        :param context: Airflow's.
        """
        from airflow_sm_pipelines.hooks.starting import continue_after_failure
        from airflow_sm_pipelines.tasks.waiting import settled

        arn = self._arn()
        snapshot = settled(self, arn, self.awaited, self.wait)
        if not snapshot.status.is_terminal or snapshot.status.is_success:
            self.log.info("Nothing to resume: execution %s is %s", arn, snapshot.status)
            return arn
        continue_after_failure(hook, snapshot, OnRetry.RESUME, self.log)
        self.log.info("Execution %s ended %s: resuming it", arn, snapshot.status)
        return arn
