"""Starting executions, and continuing those that failed: one service for launch tasks, operators and triggers.

Every function may be called again after trouble: its requests carry tokens, with which the service acts once. Call them
only where expired credentials are renewed and passing trouble is waited out.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerServiceError
from airflow_sm_pipelines.execution.resume import OnRetry, failure_identity, resume_refusal, token_after
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus
from airflow_sm_pipelines.hooks.executions import StartRequest
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.service_errors import NO_ACCESS, NOT_FOUND

_EXECUTIONS_LOOKED_THROUGH: Final = 1000
"""Among how many of a pipeline's latest executions earlier ones of a run are looked for: ten calls."""

REQUEST_DIFFERS: Final = "ConflictException"
"""The error code of a start whose token came with another request before."""

_CLOCKS_DIFFER: Final = timedelta(days=1)


@dataclass(frozen=True)
class Start:
    """The start of one execution.

    :param request: what StartPipelineExecution takes.
    :param definition: the definition that the execution must run, as JSON; ``None`` for whatever the pipeline has.
    :param owner: how errors name what the definition is of, such as ``task group 'churn'``.
    :param log: the task's log.
    """

    request: StartRequest
    definition: str | None
    owner: str
    log: Any

    def with_token(self, client_request_token: str) -> Start:
        """Return the same start with another token: it starts another execution.

        :param client_request_token: 32 to 128 characters.
        """
        return replace(self, request=replace(self.request, client_request_token=client_request_token))


def start(hook: SageMakerPipelineHook, wanted: Start) -> str:
    """Start an execution, or find the one that was started with the same token; see that it runs the definition wanted.

    :param hook: where.
    :param wanted: the start.
    :return: the ARN.
    :raises PipelineExecutionError: when it runs another definition; it is stopped then. Someone else updated the
        pipeline between our update and our start, or the Dag changed between two tries.
    :raises SageMakerServiceError: in the service's words.
    """
    arn = hook.start_execution(wanted.request)
    wanted.log.info("Execution %s", arn)
    require_definition(hook, arn, wanted)
    return arn


def runs_definition(hook: SageMakerPipelineHook, pipeline_execution_arn: str, definition: str | None) -> bool:
    """Say whether an execution runs a definition.

    :param hook: where.
    :param pipeline_execution_arn: the execution.
    :param definition: as JSON, compared by its values; ``None`` is any.
    :raises SageMakerServiceError: in the service's words.
    """
    if definition is None:
        return True
    return bool(json.loads(hook.execution_definition(pipeline_execution_arn)) == json.loads(definition))


def require_definition(hook: SageMakerPipelineHook, pipeline_execution_arn: str, wanted: Start) -> None:
    """Stop an execution that does not run the definition wanted.

    :param hook: where.
    :param pipeline_execution_arn: the execution.
    :param wanted: its start.
    :raises PipelineExecutionError: when it does not, saying what happened to the execution.
    :raises SageMakerServiceError: in the service's words.
    """
    if runs_definition(hook, pipeline_execution_arn, wanted.definition):
        return
    foreign = f"execution {pipeline_execution_arn} does not run the definition that {wanted.owner} has now"
    fix = (
        f"Someone else updated pipeline '{wanted.request.pipeline_name}' at the same moment, or the Dag file changed "
        "since the first try. Clear the task that launches it to start a new execution, and give each definition its "
        f"own pipeline_name. {see('another-definition')}"
    )
    try:
        outcome = stopped(hook, pipeline_execution_arn)
    except SageMakerServiceError as error:  # unavailable; when it stays so this is the last word, so it tells both
        message = f"{foreign}, and could not be stopped yet: {error}. {fix}"
        raise SageMakerServiceError(message, error.code, error.retryable, error.reached) from None
    raise PipelineExecutionError(f"{foreign}, {outcome}. {fix}")


def stopped(hook: SageMakerPipelineHook, pipeline_execution_arn: str) -> str:
    """Stop an execution that must not continue; return what happened to it, for the message that says why.

    :param hook: where.
    :param pipeline_execution_arn: the execution.
    :raises SageMakerServiceError: when the service is unavailable; a refusal is in the message instead.
    """
    try:
        asked = hook.stop_execution(pipeline_execution_arn)
    except SageMakerServiceError as error:
        if error.retryable:
            raise
        return f"and could not be stopped: {error}"
    return "and was stopped" if asked else "and is no longer executing"


def earlier_executions(
    hook: SageMakerPipelineHook, pipeline_name: str, display_name: str, after: datetime | None, log: Any
) -> dict[str, ExecutionStatus] | None:
    """Return the executions that earlier tries of a task have started in this Dag run, the latest first.

    They are known by their display name.

    :param hook: where.
    :param pipeline_name: the pipeline, or its ARN.
    :param display_name: that of all of them.
    :param after: none was created more than a day before.
    :param log: receives a line when the service does not allow listing them.
    :return: their statuses by ARN; ``None`` where the service refuses to list them.
    :raises SageMakerServiceError: in the service's words.
    """
    found: dict[str, ExecutionStatus] = {}
    try:
        executions = hook.list_executions(
            pipeline_name, created_after=None if after is None else after - _CLOCKS_DIFFER
        )
        for _, execution in zip(range(_EXECUTIONS_LOOKED_THROUGH), executions, strict=False):
            if execution.get("PipelineExecutionDisplayName") == display_name:
                status = ExecutionStatus.parse(execution["PipelineExecutionStatus"])
                found[str(execution["PipelineExecutionArn"])] = status
    except SageMakerServiceError as error:
        if error.code in NOT_FOUND:
            return found
        if error.code not in NO_ACCESS:
            raise
        log.warning("Executions that earlier tries may have started cannot be looked for: %s", error)
        return None
    return found


def stop_earlier(hook: SageMakerPipelineHook, arns: Collection[str], log: Any) -> None:
    """Stop executions of this Dag run that a new one takes the place of.

    :param hook: where.
    :param arns: those that are not over.
    :param log: receives what happened to each.
    :raises SageMakerServiceError: when the service is unavailable; a refusal is a warning.
    """
    for arn in arns:
        log.warning("Execution %s was started by an earlier try of this task, %s", arn, stopped(hook, arn))


def continue_after_failure(
    hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot, on_retry: OnRetry, log: Any
) -> str:
    """Go on after a failure, once, however many tasks ask for it.

    :param hook: where.
    :param snapshot: the execution, over, and not successful.
    :param on_retry: ``resume`` has SageMaker run the failed steps, and those that never started, again in the same
        execution. ``restart`` starts another execution with the same definition and parameters.
    :param log: the task's log.
    :return: the ARN of the execution that continues.
    :raises SageMakerServiceError: in the service's words.
    :raises PipelineExecutionError: when the execution cannot be resumed, or the pipeline has another definition now.
    """
    if on_retry is OnRetry.RESTART:
        return _restart(hook, snapshot, log)
    _resume(hook, snapshot)
    return str(snapshot.arn)


def _restart(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot, log: Any) -> str:
    failed = str(snapshot.arn)
    request = StartRequest(
        pipeline_name=snapshot.arn.pipeline_arn,
        parameters=hook.execution_parameters(failed),
        client_request_token=token_after(snapshot, OnRetry.RESTART),
        display_name=hook.describe_execution(failed).get("PipelineExecutionDisplayName"),
    )
    return start(hook, Start(request, hook.execution_definition(failed), f"execution {failed}", log))


def _resume(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot) -> None:
    if refusal := resume_refusal(snapshot):
        raise PipelineExecutionError(refusal)
    arn = str(snapshot.arn)
    try:
        hook.retry_execution(arn, client_request_token=token_after(snapshot, OnRetry.RESUME))
    except SageMakerServiceError as error:
        if error.retryable:
            raise
        now = hook.snapshot(arn)
        if now.status.is_terminal and failure_identity(now) == failure_identity(snapshot):
            if now.status is not ExecutionStatus.COMPLETED_WITH_FAILURES:
                raise
            raise PipelineExecutionError(
                f"execution {arn} ended {now.status}, and SageMaker does not resume it: {error}. Clear the task that "
                "launched it to start a new execution, or use on_retry='restart'. "
                f"{see('sagemaker-does-not-resume-it')}"
            ) from None
        # Refused because another task, or a person, has resumed it in the meantime: what was asked for is done.
