"""The statuses of executions and of steps, as closed sets.

Both follow botocore's service model (``PipelineExecutionStatus``, ``StepStatus``); a contract test compares
them. A status that is in neither is an error, never a guess: Airflow's own provider reads an unknown status
as success.
"""

from __future__ import annotations

from enum import Enum

from airflow_sm_pipelines.exceptions import UnknownStatusError


class ExecutionStatus(str, Enum):
    """The status of a pipeline execution."""

    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    COMPLETED_WITH_FAILURES = "CompletedWithFailures"

    @classmethod
    def parse(cls, text: str) -> ExecutionStatus:
        """Read a status as the service writes it.

        :param text: such as ``"Executing"``.
        :raises UnknownStatusError: when this version does not know the status; the message names it.
        """
        try:
            return cls(text)
        except ValueError:
            raise UnknownStatusError(_unknown("pipeline execution", text, cls)) from None

    @property
    def is_terminal(self) -> bool:
        """Whether the execution is over. A retry of the execution may still start it again."""
        return self not in (ExecutionStatus.EXECUTING, ExecutionStatus.STOPPING)

    @property
    def is_success(self) -> bool:
        """Whether the execution is over and all of it worked; ``CompletedWithFailures`` is no success."""
        return self is ExecutionStatus.SUCCEEDED

    def __str__(self) -> str:
        return self.value


class StepStatus(str, Enum):
    """The status of one step. There is none for "not started" or "skipped": such steps are not listed."""

    STARTING = "Starting"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"

    @classmethod
    def parse(cls, text: str) -> StepStatus:
        """Read a status as the service writes it.

        :param text: such as ``"Starting"``.
        :raises UnknownStatusError: when this version does not know the status; the message names it.
        """
        try:
            return cls(text)
        except ValueError:
            raise UnknownStatusError(_unknown("step", text, cls)) from None

    @property
    def is_terminal(self) -> bool:
        """Whether the step is over. A retry of the execution may still start it again."""
        return self in (StepStatus.STOPPED, StepStatus.FAILED, StepStatus.SUCCEEDED)

    @property
    def is_success(self) -> bool:
        """Whether the step is over and worked."""
        return self is StepStatus.SUCCEEDED

    def __str__(self) -> str:
        return self.value


def _unknown(what: str, text: str, known: type[Enum]) -> str:
    names = ", ".join(str(member.value) for member in known)
    return (
        f"unknown {what} status {text!r}; this version of airflow_sm_pipelines knows {names}. "
        "The status is not guessed at: update the package"
    )
