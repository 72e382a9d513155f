"""What a step's task reports to other tasks, including what needs further calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from airflow_sm_pipelines.exceptions import SageMakerPipelinesError
from airflow_sm_pipelines.execution.cache_miss import (
    MOST_EXECUTIONS,
    EarlierSuccess,
    different,
    expired,
    never_succeeded,
)
from airflow_sm_pipelines.execution.ending import Ending
from airflow_sm_pipelines.execution.report import StepResult
from airflow_sm_pipelines.execution.secrets import NO_SECRETS
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


def step_result(hook: SageMakerPipelineHook, ending: Ending, step: StepSnapshot) -> StepResult:
    """Find out what a step left behind, and why it ran again where its result might have been in the cache.

    :param hook: where.
    :param ending: how the task ends.
    :param step: the step of it.
    :raises SageMakerServiceError: as :meth:`~.pipeline.SageMakerPipelineHook.collect_step_result`.
    :raises PipelineExecutionError: as well.
    """
    result = replace(hook.collect_step_result(step, ending.awaited.property_files), spread=ending.awaited.spread)
    config = ending.awaited.cache_config
    ran = step.status.is_success and step.cache_hit_source is None and step.selective_source is None
    if config is None or ending.snapshot is None or not ran:
        return result
    try:
        # A value that was rendered from a secret must be shown of neither execution.
        values = ending.secrets == NO_SECRETS
        missed = _why(hook, str(ending.snapshot.arn), step, config, result.request, values=values)
    except (SageMakerPipelinesError, ValueError) as error:
        missed = f"the reason cannot be found: {error}"
    return replace(result, cache_miss=missed)


def _why(
    hook: SageMakerPipelineHook,
    execution_arn: str,
    step: StepSnapshot,
    config: Mapping[str, Any],
    request: Mapping[str, Any] | None,
    *,
    values: bool,
) -> str:
    if step.start_time is None:
        return "the reason cannot be found: the service does not say when it started"
    pipeline = execution_arn.partition("/execution/")[0]
    listed = islice(hook.list_executions(pipeline, page_size=MOST_EXECUTIONS), MOST_EXECUTIONS)
    executions = [each["PipelineExecutionArn"] for each in listed if each["PipelineExecutionArn"] != execution_arn]
    for looked_at in executions:
        earlier = next(
            (
                each
                for each in map(StepSnapshot.from_response, hook.list_steps(looked_at))
                if each.name == step.name and _counts(each, step)
            ),
            None,
        )
        if earlier is None or earlier.end_time is None:
            continue
        success = EarlierSuccess(looked_at, earlier.end_time)
        if (too_old := expired(config, success, step.start_time)) is not None:
            return too_old
        before = None if request is None else hook.request_of(earlier)
        if request is None or before is None:
            return (
                f"the service does not report the arguments of a step of type {step.type}, so they cannot be compared "
                f"with those of {success}"
            )
        return different(str(step.type), before, request, success, values=values)
    return never_succeeded(len(executions))


def _counts(earlier: StepSnapshot, step: StepSnapshot) -> bool:
    """Whether a step's result might have been taken: it ran itself, and had succeeded before the other began."""
    ran = earlier.status.is_success and earlier.cache_hit_source is None and earlier.selective_source is None
    before = earlier.end_time is not None and step.start_time is not None and earlier.end_time <= step.start_time
    return ran and before
