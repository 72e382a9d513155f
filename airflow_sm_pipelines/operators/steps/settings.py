"""What a step operator takes over from the pipeline task group that holds it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.settings import AwsConnection, PipelineOptions, WaitSettings

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
    :param connection: by which connection AWS is called.
    :param wait: how step tasks wait.
    :param options: what else the pipeline and its executions have.
    """

    group_id: str
    pipeline_name: str
    launch_task_id: str
    role_arn: str
    artifact_uri: str
    connection: AwsConnection
    wait: WaitSettings
    options: PipelineOptions


class PipelineGroup(ABC):
    """A TaskGroup that becomes a pipeline.

    No Protocol: a group knows the one around it by a weak reference, and from Python 3.12 on such a proxy has the
    attributes of no Protocol.
    """

    settings: PipelineSettings

    @property
    @abstractmethod
    def definition_digest(self) -> str | None:
        """What tells the group's pipeline definition from others; ``None`` until the group is complete."""

    @property
    @abstractmethod
    def task_ids(self) -> set[str]:
        """The full ids of all tasks in the group and in those inside it."""

    @abstractmethod
    def compile_changes(self) -> CompiledPipeline:
        """Translate the group as it is now."""

    @abstractmethod
    def require_launch_follows_outside_upstreams(self) -> None:
        """Raise when a step waits for a task outside the group that the launch task does not wait for."""


def settings_around(task: BaseOperator) -> PipelineSettings:
    """Return the settings of the pipeline group a task is in.

    :param task: a step task; may be in further TaskGroups inside the pipeline's.
    :raises TranslationError: when it is in none.
    """
    return group_around(task).settings


def group_around(task: BaseOperator) -> PipelineGroup:
    """Return the pipeline group that a task is in.

    :param task: a step task; may be in further TaskGroups inside the pipeline's.
    :raises TranslationError: when it is in none.
    """
    group = task.task_group
    while group is not None:
        if isinstance(group, PipelineGroup):
            return group
        group = group.parent_group
    raise TranslationError(
        f"Dag '{task.dag_id}', task '{task.task_id}': {type(task).__name__} is a step of a pipeline, but is not inside "
        "a SageMakerPipelineTaskGroup. Define it inside 'with SageMakerPipelineTaskGroup(...)'."
    )
