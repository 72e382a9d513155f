"""What the endpoint remembers: pipelines, their versions, executions and steps, and the tokens of requests.

In memory. ``local/persistence`` keeps it for the next endpoint.
"""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ConflictError, ResourceNotFoundError, ValidationError


@dataclass
class PipelineVersion:
    """A definition as it was created or updated. Only what describes it changes.

    :param version_id: counts from 1.
    :param text: the JSON text as received.
    :param definition: the same, parsed.
    :param aliases: other names for the version, each unique in the pipeline.
    :param attributes: PipelineVersionDisplayName and PipelineVersionDescription, where given.
    :param last_execution_arn: the latest execution that was started from it.
    """

    version_id: int
    text: str
    definition: PipelineDefinition
    aliases: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    creation_time: dt.datetime = field(default_factory=now)
    last_execution_arn: str | None = None


@dataclass
class PipelineRecord:
    """A pipeline.

    :param name: its name.
    :param arn: its ARN.
    :param role_arn: the role of its executions, unless they say otherwise.
    :param versions: every definition so far; the last one is current.
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

    def version(self, version_id: int) -> PipelineVersion:
        """The version of a number.

        :param version_id: the number.
        :raises ResourceNotFoundError: there is no such version.
        """
        for version in self.versions:
            if version.version_id == version_id:
                return version
        raise ResourceNotFoundError(f"Pipeline '{self.arn}' has no version {version_id}.")

    def aliased(self, alias: str) -> PipelineVersion:
        """The version of an alias.

        :param alias: the alias.
        :raises ResourceNotFoundError: no version has it.
        """
        for version in self.versions:
            if alias in version.aliases:
                return version
        raise ResourceNotFoundError(f"Pipeline '{self.arn}' has no version with the alias '{alias}'.")


@dataclass(frozen=True)
class Iteration:
    """Which turn of a ForEach step a step belongs to.

    :param parent: the ForEach step's name.
    :param index: counts from 0.
    :param item: what the turn is about: a value out of JSON.
    :param body: the names of the steps that run in each turn, as the definition has them.
    """

    parent: str
    index: int
    item: Any
    body: frozenset[str]

    @property
    def text(self) -> str:
        """The item as text."""
        return self.item if isinstance(self.item, str) else json.dumps(self.item)

    def child(self, name: str) -> str:
        """What a step of the body is called in this turn.

        :param name: its name in the definition.
        """
        return f"{name}-{self.index}"


@dataclass
class StepRecord:
    """A step that has started. Steps that have not, and branches not taken, have no record.

    :param name: its name.
    :param type: its type.
    :param attempt: counts from 1; a step that runs again, in a retry of the execution too, is at its next attempt.
    :param metadata: as ListPipelineExecutionSteps shows it, such as ``{"ProcessingJob": {"Arn": ...}}``.
    :param properties: what ``Steps.<name>`` refers to: the Describe response of what the step made.
    :param outcome: of a Condition step that succeeded.
    :param iteration: of a step that a ForEach step runs.
    :param copied_from: the execution that a selective execution took the step's results from.
    :param cached_from: the execution that the step's results were found in, by its cache key.
    :param cache_key: of a step that was run with caching, what later runs find it by.
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
    iteration: Iteration | None = None
    copied_from: str | None = None
    cached_from: str | None = None
    cache_key: str | None = None

    @property
    def node(self) -> str:
        """The step of the pipeline's graph: the ForEach step for those that it runs, else the step itself."""
        return self.name if self.iteration is None else self.iteration.parent


@dataclass
class ExecutionRecord:
    """One execution: the version it runs, a snapshot, and how far it is.

    :param arn: its ARN.
    :param version: what it runs; later updates of the pipeline do not touch it.
    :param start_parameters: as given to StartPipelineExecution, all strings.
    :param parameters: all parameters with their typed values, defaults included.
    :param role_arn: the role of its steps.
    :param attributes: display name, description, ParallelismConfiguration, SelectiveExecutionConfig.
    :param selected: the steps that a selective execution runs; ``None`` when it runs all of them.
    """

    arn: PipelineExecutionArn
    version: PipelineVersion
    start_parameters: Mapping[str, str]
    parameters: Mapping[str, Any]
    role_arn: str
    attributes: dict[str, Any]
    selected: frozenset[str] | None = None
    creation_time: dt.datetime = field(default_factory=now)
    last_modified_time: dt.datetime = field(default_factory=now)
    status: ExecutionStatus = ExecutionStatus.EXECUTING
    failure_reason: str = ""
    experiment_config: Mapping[str, str] | None = None
    steps: dict[str, StepRecord] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)  # of steps that are to run again, by name
    lock: threading.RLock = field(default_factory=threading.RLock)  # guards every attribute above that changes
    done: threading.Event = field(default_factory=threading.Event)


class RequestTokens:
    """What requests with a ClientRequestToken were answered: one made twice acts once. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._answers: dict[tuple[str, str], tuple[Mapping[str, Any], str]] = {}

    def once(self, operation: str, request: Mapping[str, Any], act: Callable[[], str]) -> str:
        """Act, unless a request with the same token did so before. A request that is refused uses no token up.

        :param operation: the operation; each has its own tokens.
        :param request: the request; its token decides, its other members are compared.
        :param act: does what the request asks for and returns the ARN to answer with.
        :return: that ARN, or the one answered before.
        :raises ConflictError: the token was used with other members. The service documents no wording for this
            and ConflictException is the only error it lists that fits.
        """
        token = request.get("ClientRequestToken")
        if token is None:
            return act()
        with self._lock:  # of two requests with one token at once, the second waits for the first one's answer
            earlier = self._answers.get((operation, token))
            if earlier is None:
                arn = act()
                self._answers[operation, token] = (dict(request), arn)
                return arn
        if earlier[0] != request:
            changed = sorted(key for key in {*earlier[0], *request} if earlier[0].get(key) != request.get(key))
            raise ConflictError(
                f"The ClientRequestToken '{token}' was already used for a {operation} request with different"
                f" values of {', '.join(changed)}. Use another token for another request."
            )
        return earlier[1]

    def answers(self) -> dict[tuple[str, str], tuple[Mapping[str, Any], str]]:
        """What was answered so far: request and ARN by operation and token."""
        with self._lock:
            return dict(self._answers)

    def remember(self, operation: str, token: str, answer: tuple[Mapping[str, Any], str]) -> None:
        """Take note of an answer that an earlier endpoint gave.

        :param operation: the operation.
        :param token: the token.
        :param answer: request and ARN.
        """
        with self._lock:
            self._answers[operation, token] = answer

    def forget(self, pipeline_arn: str) -> None:
        """Forget the answers about a pipeline and its executions: there is nothing left to answer with.

        :param pipeline_arn: the pipeline's ARN.
        """
        with self._lock:
            self._answers = {
                key: answer
                for key, answer in self._answers.items()
                if answer[1] != pipeline_arn and not answer[1].startswith(f"{pipeline_arn}/")
            }


class Store:
    """The pipelines, executions and inference components of one region, and the tags of whatever is ours.

    Safe to use from threads.

    Locks are taken in this order: the one of the tokens, this one, the one of an execution.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.tokens = RequestTokens()
        self.tags: dict[str, dict[str, str]] = {}
        self.inference_components: dict[str, dict[str, Any]] = {}
        self._pipelines: dict[str, PipelineRecord] = {}
        self._executions: dict[str, ExecutionRecord] = {}

    def add_pipeline(self, pipeline: PipelineRecord) -> None:
        """Remember a pipeline.

        :param pipeline: the pipeline.
        :raises ValidationError: the name is taken.
        """
        with self.lock:
            if pipeline.arn in self._pipelines:
                raise ValidationError(
                    "Pipeline names must be unique within an AWS account and region."
                    f" Pipeline with name ({pipeline.name}) already exists."
                )
            self._pipelines[pipeline.arn] = pipeline

    def pipeline(self, arn: str) -> PipelineRecord:
        """Find a pipeline.

        :param arn: its ARN.
        :raises ResourceNotFoundError: there is none.
        """
        with self.lock:
            pipeline = self._pipelines.get(arn)
        if pipeline is None:
            raise ResourceNotFoundError(f"Pipeline '{arn}' does not exist.")
        return pipeline

    def remove_pipeline(self, pipeline: PipelineRecord) -> list[ExecutionRecord]:
        """Forget a pipeline, its executions, its tags, and the tokens that made them.

        :param pipeline: the pipeline.
        :return: the executions.
        """
        with self.lock:
            del self._pipelines[pipeline.arn]
            self.tags.pop(pipeline.arn, None)
            gone = [each for each in self._executions.values() if each.arn.pipeline_arn == pipeline.arn]
            for execution in gone:
                del self._executions[str(execution.arn)]
        self.tokens.forget(pipeline.arn)
        return gone

    def pipelines(self) -> list[PipelineRecord]:
        """Every pipeline, in order of creation."""
        with self.lock:
            return list(self._pipelines.values())

    def add_execution(self, execution: ExecutionRecord) -> None:
        """Remember an execution.

        :param execution: the execution.
        """
        with self.lock:
            self._executions[str(execution.arn)] = execution

    def execution(self, arn: str) -> ExecutionRecord:
        """Find an execution.

        :param arn: its ARN.
        :raises ResourceNotFoundError: there is none.
        """
        with self.lock:
            execution = self._executions.get(arn)
        if execution is None:
            raise ResourceNotFoundError(f"Pipeline execution '{arn}' does not exist.")
        return execution

    def has_execution(self, arn: str) -> bool:
        """Whether there is an execution.

        :param arn: its ARN.
        """
        with self.lock:
            return arn in self._executions

    def executions(self) -> list[ExecutionRecord]:
        """Every execution of every pipeline, in order of creation."""
        with self.lock:
            return list(self._executions.values())
