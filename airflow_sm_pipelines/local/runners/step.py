"""What every step runner is given, does and returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.aws import Clients
from airflow_sm_pipelines.local.callbacks import Callbacks
from airflow_sm_pipelines.local.changes import Changes
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.functions.service import Functions
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.lookup import ExecutionLookup
from airflow_sm_pipelines.local.retries import exception_of_refusal
from airflow_sm_pipelines.local.store import ExecutionRecord


class StepFailedError(Exception):
    """The step failed; the message is its FailureReason.

    :param reason: the FailureReason.
    :param exception: what retry policies call the failure; ``None`` for what they are not about.
    """

    def __init__(self, reason: str, exception: str | None = None) -> None:
        super().__init__(reason)
        self.exception = exception


@dataclass(frozen=True)
class StepServices:
    """What steps use.

    :param clients: clients for the region.
    :param jobs: where steps make their jobs, by kind.
    :param callbacks: where Callback steps wait.
    :param functions: the functions of Lambda steps.
    :param runners: what runs each type of step.
    :param executions: all executions, to look for cached results in.
    :param changes: receives what changes.
    """

    clients: Clients
    jobs: tuple[Jobs[Any], ...]
    callbacks: Callbacks
    functions: Functions
    runners: Mapping[str, type[StepRunner]]
    executions: Callable[[], list[ExecutionRecord]]
    changes: Changes = field(default_factory=Changes)


@dataclass(frozen=True)
class StepEnd:
    """How a step ended.

    :param status: Succeeded, Failed or Stopped.
    :param failure_reason: why, when it failed.
    :param properties: what later steps may refer to.
    :param outcome: of a Condition step.
    :param exception: what retry policies call the failure; ``None`` for what they are not about.
    """

    status: StepStatus
    failure_reason: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    outcome: bool | None = None
    exception: str | None = None


@dataclass(eq=False)
class StepRunner(ABC):
    """One run of one step.

    :param step: the step.
    :param execution: the execution it belongs to.
    :param services: what it may use.
    :param report: to be called with the step's metadata as soon as it is known.
    :param lookup: where the step's expressions find their values, given the name of its job by execution variable.
    """

    step: Step
    execution: ExecutionRecord
    services: StepServices
    report: Callable[[dict[str, Any]], None]
    lookup: Callable[..., ExecutionLookup]

    @abstractmethod
    def run(self) -> StepEnd:
        """Do what the step does, to its end.

        :raises StepFailedError: it failed.
        :raises EvaluationError: an expression has no value; the driver makes that the FailureReason.
        """

    @abstractmethod
    def stop(self) -> None:
        """Ask the step to end early; returns at once. The execution's lock is held."""

    def arguments(self, job_names: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The step's arguments with every expression evaluated.

        :param job_names: the name of the step's job, by execution variable.
        """
        arguments: dict[str, Any] = evaluate(self.step.arguments, self.lookup(job_names))
        return arguments


def refused(operation: str, error: ServiceError | ClientError, service: str = "sagemaker") -> StepFailedError:
    """The failure of a step whose request a service refuses, in the service's words.

    :param operation: such as ``CreateProcessingJob``.
    :param error: the refusal, from this endpoint or from moto.
    :param service: whose operation it is.
    """
    if isinstance(error, ServiceError):
        code, status, message = error.code, error.http_status, error.message
    else:
        code = error.response["Error"].get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = error.response["Error"].get("Message", str(error))
    return StepFailedError(
        f"ClientError: Failed to invoke {service}:{operation}. Error Details: {message}",
        exception_of_refusal(code, status),
    )
