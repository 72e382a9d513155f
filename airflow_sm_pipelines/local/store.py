"""What the endpoint remembers: pipelines, their versions, executions and steps. In memory only."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ConflictError, ResourceNotFoundError, ValidationError


@dataclass(frozen=True)
class PipelineVersion:
    """A definition as it was created or updated.

    :param version_id: Counts from 1.
    :param text: The JSON text as received.
    :param definition: The same, parsed.
    """

    version_id: int
    text: str
    definition: PipelineDefinition


@dataclass
class PipelineRecord:
    """A pipeline.

    :param name: Its name.
    :param arn: Its ARN.
    :param role_arn: The role of its executions, unless they say otherwise.
    :param versions: Every definition so far; the last one is current.
    :param attributes: PipelineDisplayName, PipelineDescription and ParallelismConfiguration, where given.
    """

    name: str
    arn: str
    role_arn: str
    versions: list[PipelineVersion]
    attributes: dict[str, Any]
    creation_time: dt.datetime = field(default_factory=now)
    last_modified_time: dt.datetime = field(default_factory=now)
    last_run_time: dt.datetime | None = None

    @property
    def current(self) -> PipelineVersion:
        """The current version."""
        return self.versions[-1]

    def version(self, version_id: int | None) -> PipelineVersion:
        """One version.

        :param version_id: ``None`` for the current one.
        :raises ResourceNotFoundError: There is no such version.
        """
        if version_id is None:
            return self.current
        for version in self.versions:
            if version.version_id == version_id:
                return version
        raise ResourceNotFoundError(f"Pipeline '{self.arn}' has no version {version_id}.")


@dataclass
class StepRecord:
    """A step that has started. Steps that have not, and branches not taken, have no record.

    :param name: Its name.
    :param type: Its type.
    :param attempt: Counts from 1; a step that runs again, in a retry of the execution too, is at its next attempt.
    :param metadata: As ListPipelineExecutionSteps shows it, such as ``{"ProcessingJob": {"Arn": ...}}``.
    :param properties: What ``Steps.<name>`` refers to: the Describe response of what the step made.
    :param outcome: Of a Condition step that succeeded.
    """

    name: str
    type: str
    display_name: str | None
    description: str | None
    attempt: int = 1
    start_time: dt.datetime = field(default_factory=now)
    end_time: dt.datetime | None = None
    status: StepStatus = StepStatus.STARTING
    failure_reason: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    outcome: bool | None = None


@dataclass
class ExecutionRecord:
    """One execution: the version it runs, a snapshot, and how far it is.

    :param arn: Its ARN.
    :param version: What it runs; later updates of the pipeline do not touch it.
    :param start_parameters: As given to StartPipelineExecution, all strings.
    :param parameters: All parameters with their typed values, defaults included.
    :param role_arn: The role of its steps.
    :param attributes: Display name, description, ParallelismConfiguration.
    """

    arn: PipelineExecutionArn
    version: PipelineVersion
    start_parameters: Mapping[str, str]
    parameters: Mapping[str, Any]
    role_arn: str
    attributes: dict[str, Any]
    creation_time: dt.datetime = field(default_factory=now)
    last_modified_time: dt.datetime = field(default_factory=now)
    status: ExecutionStatus = ExecutionStatus.EXECUTING
    failure_reason: str = ""
    experiment_config: Mapping[str, str] | None = None
    steps: dict[str, StepRecord] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)  # guards every attribute above that changes
    done: threading.Event = field(default_factory=threading.Event)


class Store:
    """The pipelines and executions of one region, and the tags of whatever is ours. Safe to use from threads."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tags: dict[str, dict[str, str]] = {}
        self._pipelines: dict[str, PipelineRecord] = {}
        self._executions: dict[str, ExecutionRecord] = {}
        self._tokens: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}

    def add_pipeline(self, pipeline: PipelineRecord) -> None:
        """Remember a pipeline.

        :param pipeline: The pipeline.
        :raises ValidationError: The name is taken.
        """
        with self.lock:
            if pipeline.name in self._pipelines:
                raise ValidationError(
                    "Pipeline names must be unique within an AWS account and region."
                    f" Pipeline with name ({pipeline.name}) already exists."
                )
            self._pipelines[pipeline.name] = pipeline

    def pipeline(self, name_or_arn: str, arn_of: str) -> PipelineRecord:
        """Find a pipeline.

        :param name_or_arn: Its name or its ARN.
        :param arn_of: The ARN to name in the message when there is none.
        :raises ResourceNotFoundError: There is none.
        """
        with self.lock:
            for pipeline in self._pipelines.values():
                if name_or_arn in (pipeline.name, pipeline.arn):
                    return pipeline
        raise ResourceNotFoundError(f"Pipeline '{arn_of}' does not exist.")

    def remove_pipeline(self, name: str) -> None:
        """Forget a pipeline. Its executions stay.

        :param name: Its name.
        """
        with self.lock:
            del self._pipelines[name]

    def pipelines(self) -> list[PipelineRecord]:
        """Every pipeline, in order of creation."""
        with self.lock:
            return list(self._pipelines.values())

    def add_execution(self, execution: ExecutionRecord) -> None:
        """Remember an execution.

        :param execution: The execution.
        """
        with self.lock:
            self._executions[str(execution.arn)] = execution

    def execution(self, arn: str) -> ExecutionRecord:
        """Find an execution.

        :param arn: Its ARN.
        :raises ResourceNotFoundError: There is none.
        """
        with self.lock:
            execution = self._executions.get(arn)
        if execution is None:
            raise ResourceNotFoundError(f"Pipeline execution '{arn}' does not exist.")
        return execution

    def executions(self) -> list[ExecutionRecord]:
        """Every execution of every pipeline, in order of creation."""
        with self.lock:
            return list(self._executions.values())

    def answer_of_token(self, operation: str, request: Mapping[str, Any]) -> str | None:
        """What an earlier request with the same ClientRequestToken was answered.

        :param operation: The operation.
        :param request: The request; its token decides, its other members are compared.
        :return: The ARN answered then; ``None`` when the token is new.
        :raises ConflictError: The token was used with other members. The service documents no wording for this
            and ConflictException is the only error it lists that fits.
        """
        token = request.get("ClientRequestToken")
        if token is None:
            return None
        with self.lock:
            earlier = self._tokens.get((operation, token))
        if earlier is None:
            return None
        if earlier[0] != request:
            changed = sorted(key for key in {*earlier[0], *request} if earlier[0].get(key) != request.get(key))
            raise ConflictError(
                f"The ClientRequestToken '{token}' was already used for a {operation} request with different"
                f" values of {', '.join(changed)}. Use another token for another request."
            )
        return earlier[1]

    def remember_token(self, operation: str, request: Mapping[str, Any], arn: str) -> None:
        """Remember what a request was answered.

        :param operation: The operation.
        :param request: The request.
        :param arn: The ARN answered.
        """
        token = request.get("ClientRequestToken")
        if token is not None:
            with self.lock:
                self._tokens[operation, token] = (dict(request), arn)
