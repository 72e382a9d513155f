"""Going on with an execution that failed or was stopped: in place, or with a new one."""

from __future__ import annotations

import json

from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.resume import OnRetry, failure_identity, restart_token, resume_refusal, resume_token
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


def go_on(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot, on_retry: OnRetry) -> str:
    """Go on after a failure, once, however many tasks ask for it.

    :param hook: where.
    :param snapshot: the execution, over, and not successful.
    :param on_retry: ``resume`` has SageMaker run the failed steps, and those that never started, again in the same
        execution. ``restart`` starts another execution with the same definition and parameters.
    :return: the ARN of the execution that goes on.
    :raises SageMakerServiceError: in the service's words.
    :raises PipelineExecutionError: when the execution cannot be resumed, or the pipeline has another definition now.
    """
    if on_retry is OnRetry.RESTART:
        return _restart(hook, snapshot)
    _resume(hook, snapshot)
    return str(snapshot.arn)


def _resume(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> None:
    if refusal := resume_refusal(snapshot):
        raise PipelineExecutionError(refusal)
    arn = str(snapshot.arn)
    try:
        hook.retry_execution(arn, client_request_token=resume_token(snapshot))
    except SageMakerServiceError as error:
        if error.retryable:
            raise
        now = hook.snapshot(arn)
        if now.status.is_terminal and failure_identity(now) == failure_identity(snapshot):
            if now.status is not ExecutionStatus.COMPLETED_WITH_FAILURES:
                raise
            raise PipelineExecutionError(
                f"execution {arn} ended {now.status}, and SageMaker does not resume it: {error}. Clear the task that "
                "launched it to start anew, or use on_retry='restart'"
            ) from None
        # Refused because another task, or a person, has resumed it in the meantime: what was asked for is done.


def _restart(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> str:
    failed = str(snapshot.arn)
    started = hook.start_execution(
        pipeline_name=snapshot.arn.pipeline_arn,
        parameters=hook.execution_parameters(failed),
        client_request_token=restart_token(snapshot),
        display_name=hook.describe_execution(failed).get("PipelineExecutionDisplayName"),
    )
    if json.loads(hook.execution_definition(started)) != json.loads(hook.execution_definition(failed)):
        hook.stop_execution(started)
        raise PipelineExecutionError(
            f"execution {started}, started instead of {failed}, was stopped: the pipeline has another definition now. "
            "Clear the task that launched it to start an execution of the Dag as it is"
        )
    return started
