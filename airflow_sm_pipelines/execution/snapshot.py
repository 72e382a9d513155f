"""What the service said about one execution at one moment, as values that can be compared.

Reads the responses of DescribePipelineExecution and ListPipelineExecutionSteps as boto3 returns them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_sm_pipelines.definition.step_types import RESOURCES, TYPES_BY_METADATA
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus

_ARN_KEYS = ("Arn", "CheckJobArn", "HubContentArn")
"""Where the metadata of a step keeps the ARN of what it made, in order of preference."""


@dataclass(frozen=True)
class StepSnapshot:
    """One step as ListPipelineExecutionSteps shows it. Steps that have not started are not listed at all.

    :param name: the step's name in the definition; children of a ForEach are called ``<body>-<index>``.
    :param status: what the step is doing.
    :param type: the step type, told from the metadata; ``None`` until there is metadata.
    :param start_time: when this attempt started.
    :param end_time: when it ended; ``None`` while it runs.
    :param failure_reason: the service's words for a step that failed.
    :param metadata: the ``Metadata`` of the response, as it came.
    :param attempt_count: as the service counts; the service says 0 for a first attempt without retries and
        1 for others (both were seen), so read it only as "grew".
    :param cache_hit_source: the execution whose result was taken over, for a cache hit.
    :param selective_source: the execution whose result was taken over, for a step that was not selected.
    """

    name: str
    status: StepStatus
    type: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    failure_reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    attempt_count: int = 0
    cache_hit_source: str | None = None
    selective_source: str | None = None

    @classmethod
    def from_response(cls, step: Mapping[str, Any]) -> StepSnapshot:
        """Read one entry of ``PipelineExecutionSteps``.

        :param step: the entry, as boto3 returns it.
        :raises UnknownStatusError: when this version does not know the step's status.
        """
        metadata: Mapping[str, Any] = step.get("Metadata") or {}
        kind = next(iter(metadata), None)
        return cls(
            name=step["StepName"],
            status=StepStatus.parse(step["StepStatus"]),
            type=None if kind is None else TYPES_BY_METADATA.get(kind, kind),
            start_time=step.get("StartTime"),
            end_time=step.get("EndTime"),
            failure_reason=step.get("FailureReason"),
            metadata=metadata,
            attempt_count=step.get("AttemptCount", 0),
            cache_hit_source=(step.get("CacheHitResult") or {}).get("SourcePipelineExecutionArn"),
            selective_source=(step.get("SelectiveExecutionResult") or {}).get("SourcePipelineExecutionArn"),
        )

    @property
    def job_arn(self) -> str | None:
        """The ARN of the job, model or model package that the step made; ``None`` where it makes none."""
        for details in self.metadata.values():
            for key in _ARN_KEYS:
                if key in details:
                    return str(details[key])
        return None

    @property
    def condition_outcome(self) -> bool | None:
        """Which branch a Condition step took; ``None`` for other steps and until it is decided."""
        outcome = self.metadata.get("Condition", {}).get("Outcome")
        return None if outcome is None else str(outcome).lower() == "true"

    @property
    def callback_token(self) -> str | None:
        """What a Callback step is answered with; ``None`` for other steps and until it is listed."""
        token = self.metadata.get("Callback", {}).get("CallbackToken")
        return None if token is None else str(token)

    @property
    def reason(self) -> str | None:
        """Why the step failed: its FailureReason, or the message of a Fail step."""
        if self.failure_reason:
            return self.failure_reason
        message = self.metadata.get("Fail", {}).get("ErrorMessage")
        return str(message) if message else None


@dataclass(frozen=True)
class ExecutionSnapshot:
    """One execution with all its listed steps.

    :param arn: which execution.
    :param status: what it is doing.
    :param steps: the listed steps by name. Steps not started and branches not taken are absent.
    :param failure_reason: the service's words about the execution; usually generic ("One or multiple steps
        failed"), the cause is in the steps.
    :param created_by_domain: the Studio domain of the user who started it, if a Studio user did.
    :param last_modified_time: when the service last changed the execution. Two snapshots that differ in this alone
        are equal.
    """

    arn: PipelineExecutionArn
    status: ExecutionStatus
    steps: Mapping[str, StepSnapshot] = field(default_factory=dict)
    failure_reason: str | None = None
    created_by_domain: str | None = None
    last_modified_time: datetime | None = field(default=None, compare=False)

    @classmethod
    def from_responses(cls, description: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> ExecutionSnapshot:
        """Put one snapshot together.

        The steps must have been listed after the execution was described: only then does a step's absence
        from a finished execution mean that it never started.

        :param description: the response of DescribePipelineExecution.
        :param steps: the entries of all pages of ListPipelineExecutionSteps, in any order.
        :raises UnknownStatusError: when this version does not know a status.
        :raises PipelineExecutionError: when the response holds no execution ARN of the known form.
        """
        return cls(
            arn=PipelineExecutionArn.parse(description["PipelineExecutionArn"]),
            status=ExecutionStatus.parse(description["PipelineExecutionStatus"]),
            failure_reason=description.get("FailureReason"),
            created_by_domain=(description.get("CreatedBy") or {}).get("DomainId"),
            last_modified_time=description.get("LastModifiedTime"),
        ).with_steps(steps)

    def with_steps(self, steps: Iterable[Mapping[str, Any]]) -> ExecutionSnapshot:
        """This snapshot with other steps.

        :param steps: the entries of all pages of ListPipelineExecutionSteps, in any order.
        :raises UnknownStatusError: when this version does not know a status.
        """
        return replace(self, steps={step["StepName"]: StepSnapshot.from_response(step) for step in steps})

    def quiet_for(self, now: datetime) -> float:
        """For how many seconds nothing has happened, by the times that there are; 0 without any, or when clocks differ.

        :param now: the present, with a time zone.
        """
        times = [self.last_modified_time, *(step.start_time for step in self.steps.values())]
        times.extend(step.end_time for step in self.steps.values())
        known = [time for time in times if time is not None]
        return max(0.0, (now - max(known)).total_seconds()) if known else 0.0

    @property
    def awaited_jobs(self) -> frozenset[str]:
        """The ARNs of the jobs of which one has to end before anything here can change.

        Empty where something else may come first: a step that is about to start or to stop, or one that waits for
        something other than jobs that the service lists by what they do.
        """
        running = [step for step in self.steps.values() if not step.status.is_terminal]
        jobs = {step.job_arn for step in running if step.status is StepStatus.EXECUTING and _is_listed_job(step)}
        return frozenset(str(job) for job in jobs) if len(jobs) == len(running) else frozenset()

    @property
    def failed_steps(self) -> tuple[StepSnapshot, ...]:
        """The steps that failed, the first to end first."""
        return self._ended(StepStatus.FAILED)

    @property
    def stopped_steps(self) -> tuple[StepSnapshot, ...]:
        """The steps that were stopped, the first to end first."""
        return self._ended(StepStatus.STOPPED)

    def _ended(self, status: StepStatus) -> tuple[StepSnapshot, ...]:
        steps = [step for step in self.steps.values() if step.status is status]
        return tuple(sorted(steps, key=_by_end))


def _is_listed_job(step: StepSnapshot) -> bool:
    resource = RESOURCES.get(ResourceArn.parse(step.job_arn).resource_type) if step.job_arn is not None else None
    return resource is not None and resource.is_listed


def _by_end(step: StepSnapshot) -> tuple[float, str]:
    return (math.inf if step.end_time is None else step.end_time.timestamp(), step.name)
