"""The settings that many tasks share, as values: the connection, and how to wait.

Each is made once from a user's keywords, carried by groups, operators and sensors, and serialised as one by triggers.
A new option is a field here and, for operators and sensors, a keyword of the one mixin that makes the value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar

from airflow_sm_pipelines.execution.logs import MOST_LOG_LINES
from airflow_sm_pipelines.execution.quiet import EndTasks
from airflow_sm_pipelines.execution.resume import OnRetry

CHOICES: Final = (
    "pipeline_version_id",
    "pipeline_version_alias",
    "selected_steps",
    "source_pipeline_execution_arn",
)
"""What a task for a whole execution may run of a pipeline; a group runs its own definition as a whole. Where an
XComArg for one of them turns out to be ``None``, nothing else is run instead."""

Settings = TypeVar("Settings", bound="AwsConnection | WaitSettings | PipelineOptions")


@dataclass(frozen=True)
class AwsConnection:
    """By which connection AWS is called.

    :param aws_conn_id: the Airflow connection; ``None`` leaves it to boto3.
    :param region_name: overrides the connection's region.
    :param verify: overrides the connection's TLS verification, as boto3's ``verify``.
    :param botocore_config: keyword arguments of botocore's ``Config``.
    :param studio_domain_id: the SageMaker Studio domain that links to executions lead to, such as ``d-ndkfwlyrojeq``;
        overrides ``studio_domain_id`` in the connection's extra.
    """

    aws_conn_id: str | None = "aws_default"
    region_name: str | None = None
    verify: bool | str | None = None
    botocore_config: Mapping[str, Any] | None = None
    studio_domain_id: str | None = None

    @property
    def hook_arguments(self) -> dict[str, Any]:
        """Keyword arguments of :class:`~airflow_sm_pipelines.hooks.pipeline.SageMakerPipelineHook`."""
        arguments = asdict(self)
        arguments["config"] = arguments.pop("botocore_config") or None
        return arguments


@dataclass(frozen=True)
class PipelineOptions:
    """What a pipeline, and each execution of it, has besides the definition and the parameters.

    :param pipeline_display_name: the pipeline's name in SageMaker Studio.
    :param pipeline_description: the pipeline's description, at most 3072 characters.
    :param tags: ``[{"Key": ..., "Value": ...}]`` of the pipeline. When they change in the Dag, those of the pipeline
        follow; tags that others have given it stay. ``None`` leaves all tags alone.
    :param max_parallel_execution_steps: how many steps of an execution run at once; by default what the pipeline says.
    :param mlflow_experiment_name: the MLflow experiment of an execution.
    """

    pipeline_display_name: str | None = None
    pipeline_description: str | None = None
    tags: Sequence[Mapping[str, str]] | None = None
    max_parallel_execution_steps: int | None = None
    mlflow_experiment_name: str | None = None

    @property
    def problem(self) -> str | None:
        """What is wrong with the options; ``None`` when nothing is. Values known only in a Dag run pass."""
        steps, tags = self.max_parallel_execution_steps, self.tags
        if steps is not None and (not _is_number(steps, int) or steps < 1):
            return f"max_parallel_execution_steps must be a whole number of at least 1, got {steps!r}."
        if isinstance(tags, (list, tuple)) and not all(isinstance(tag, Mapping) and set(tag) == _TAG for tag in tags):
            return f"tags={tags!r} is not a list of tags. Write tags=[{{'Key': 'team', 'Value': 'ml'}}]."
        return None

    @property
    def tags_by_key(self) -> dict[str, str] | None:
        """The tags' values by their keys; ``None`` where tags are left alone."""
        return None if self.tags is None else {tag["Key"]: tag["Value"] for tag in self.tags}


_TAG = {"Key", "Value"}


@dataclass(frozen=True)
class WaitSettings:
    """How to wait for an execution or a step, and what another try and a kill do.

    :param waiter_delay: seconds between two looks at the execution, at most. Short executions are looked at more often.
    :param waiter_max_attempts: give up after ``waiter_delay`` times this; ``None`` for no limit. It does not count
        looks: these come more often at first. The execution keeps running then, as when
        ``execution_timeout`` has passed.
    :param log_lines: lines of a step's job log that the task's log shows.
    :param on_retry: what another try does with a failed execution, ``"resume"`` or ``"restart"``.
    :param stop_on_kill: whether a person who fails the task or the Dag run stops the execution.
    :param end_tasks: where tasks end that wait in the triggerer: ``"auto"``, ``"worker"`` or ``"triggerer"``.
    """

    waiter_delay: float = 30
    waiter_max_attempts: int | None = None
    log_lines: int = 20
    on_retry: str = OnRetry.RESUME.value
    stop_on_kill: bool = True
    end_tasks: str = EndTasks.AUTO.value

    @property
    def problem(self) -> str | None:
        """What is wrong with the settings; ``None`` when nothing is."""
        delay, attempts = self.waiter_delay, self.waiter_max_attempts
        if not _is_number(delay, (int, float)) or delay <= 0:
            return f"waiter_delay must be greater than 0 seconds, got {delay!r}."
        if attempts is not None and (not _is_number(attempts, int) or attempts < 1):
            return f"waiter_max_attempts must be a whole number of at least 1, or None for no limit, got {attempts!r}."
        if self.on_retry not in [choice.value for choice in OnRetry]:
            return f"on_retry must be 'resume' or 'restart', got {self.on_retry!r}."
        if self.end_tasks not in [choice.value for choice in EndTasks]:
            return f"end_tasks must be 'auto', 'worker' or 'triggerer', got {self.end_tasks!r}."
        if not _is_number(self.log_lines, int) or not 0 <= self.log_lines <= MOST_LOG_LINES:
            return f"log_lines must be a whole number from 0 to {MOST_LOG_LINES}, got {self.log_lines!r}."
        return None


def take(kind: type[Settings], keywords: dict[str, Any]) -> Settings:
    """Make settings from those of the keywords that are theirs, and take these out.

    :param kind: :class:`AwsConnection`, :class:`WaitSettings` or :class:`PipelineOptions`.
    :param keywords: a user's; changed.
    """
    return kind(**{field.name: keywords.pop(field.name) for field in fields(kind) if field.name in keywords})


def to_dict(settings: AwsConnection | WaitSettings | PipelineOptions) -> dict[str, Any]:
    """Return settings as JSON, as triggers serialise them; ``kind(**...)`` makes them again.

    What is as by default is left out: Airflow sends the whole serialised Dag, with the settings of every step task in
    it, to the process that runs the triggers each time that a trigger starts.

    :param settings: the settings.
    """
    return {each.name: value for each in fields(settings) if (value := getattr(settings, each.name)) != each.default}


def _is_number(value: object, kind: type | tuple[type, ...]) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
