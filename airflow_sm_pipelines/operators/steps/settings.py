"""What a step operator takes over from the pipeline task group it stands in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.logs import log_lines_problem
from airflow_sm_pipelines.execution.resume import OnRetry

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_sm_pipelines.translation.compile import CompiledPipeline


@dataclass(frozen=True)
class PipelineSettings:
    """The settings of one pipeline task group.

    :param group_id: the TaskGroup's full id.
    :param pipeline_name: the pipeline it becomes.
    :param launch_task_id: the full id of the task that starts the execution.
    :param role_arn: the role the pipeline and its jobs run with.
    :param artifact_uri: ``s3://bucket/prefix`` for code and default outputs, without a slash at the end.
    :param aws_conn_id: the Airflow connection.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    :param waiter_delay: seconds between two looks at a waiting execution, at most.
    :param waiter_max_attempts: a step task gives up after ``waiter_delay`` times this; ``None`` for no limit.
    :param log_lines: lines of a failed job's log shown in the task's log.
    :param on_retry: what another try does with a failed execution, ``"resume"`` or ``"restart"``.
    :param stop_on_kill: whether a person who fails a step's task or the Dag run stops the execution.
    """

    group_id: str
    pipeline_name: str
    launch_task_id: str
    role_arn: str
    artifact_uri: str
    aws_conn_id: str | None
    region_name: str | None
    verify: bool | str | None
    botocore_config: dict[str, Any] | None
    waiter_delay: int
    waiter_max_attempts: int | None
    log_lines: int
    on_retry: str
    stop_on_kill: bool

    @property
    def hook_arguments(self) -> dict[str, Any]:
        """Keyword arguments of :class:`~airflow_sm_pipelines.hooks.pipeline.SageMakerPipelineHook`."""
        return {
            "aws_conn_id": self.aws_conn_id,
            "region_name": self.region_name,
            "verify": self.verify,
            "config": self.botocore_config,
        }


def waiting_problem(waiter_delay: object, waiter_max_attempts: object, log_lines: object) -> str | None:
    """Say what is wrong with the settings of a wait; ``None`` when nothing is.

    :param waiter_delay: seconds.
    :param waiter_max_attempts: a number of waits, or ``None``.
    :param log_lines: lines of a job's log.
    """
    if not _is_number(waiter_delay, (int, float)) or waiter_delay <= 0:  # type: ignore[operator]  # a number by then
        return f"waiter_delay={waiter_delay!r} is no number of seconds above 0."
    if waiter_max_attempts is not None and (not _is_number(waiter_max_attempts, int) or waiter_max_attempts < 1):  # type: ignore[operator]
        return f"waiter_max_attempts={waiter_max_attempts!r} is no whole number of at least 1; None sets no limit."
    return log_lines_problem(log_lines)


def on_retry_problem(on_retry: object) -> str | None:
    """Say what is wrong with a choice of what another try does; ``None`` when nothing is.

    :param on_retry: the choice.
    """
    if on_retry in [choice.value for choice in OnRetry]:
        return None
    return f"on_retry={on_retry!r} is neither 'resume' nor 'restart'."


def _is_number(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


@runtime_checkable
class PipelineGroup(Protocol):
    """A TaskGroup that becomes a pipeline."""

    settings: PipelineSettings

    def compile(self) -> CompiledPipeline:
        """Translate the group as it is now."""

    def require_launch_follows_outside_upstreams(self) -> None:
        """Raise when a step waits for a task outside the group that the launch task does not wait for."""


def settings_around(task: BaseOperator) -> PipelineSettings:
    """Return the settings of the pipeline group a task stands in.

    :param task: a step task; may stand in further TaskGroups inside the pipeline's.
    :raises TranslationError: when it stands in none.
    """
    group = task.task_group
    while group is not None:
        if isinstance(group, PipelineGroup):
            return group.settings
        group = group.parent_group
    raise TranslationError(
        f"Dag '{task.dag_id}', task '{task.task_id}': {type(task).__name__} is a step of a pipeline and stands in no "
        "SageMakerPipelineTaskGroup. Define it inside 'with SageMakerPipelineTaskGroup(...)'."
    )
