"""The statuses of executions and of steps, as closed sets.

Both follow botocore's service model (``PipelineExecutionStatus``, ``StepStatus``); a contract test compares
them. A status that is in neither is an error, never a guess: Airflow's own provider reads an unknown status
as success.
"""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

from airflow_sm_pipelines.exceptions import UnknownStatusError

Status = TypeVar("Status", bound="_Status")


class _Status(str, Enum):
    """What the two sets share."""

    @classmethod
    def parse(cls: type[Status], text: str) -> Status:  # noqa: PYI019 - Python 3.10 has no Self
        """Read a status as the service writes it.

        :param text: such as ``"Executing"``.
        :raises UnknownStatusError: when this version does not know the status; the message names it.
        """
        try:
            return cls(text)
        except ValueError:
            what = "step" if cls is StepStatus else "pipeline execution"
            known = ", ".join(map(str, cls))
            raise UnknownStatusError(
                f"unknown {what} status {text!r}; this version of airflow_sm_pipelines knows {known}. "
                "The status is not guessed at: update the package"
            ) from None

    @property
    def is_terminal(self) -> bool:
        """Whether the execution or step is over. A retry of the execution may still start it again."""
        return self not in ("Starting", "Executing", "Stopping")

    @property
    def is_success(self) -> bool:
        """Whether it is over and all of it worked; ``CompletedWithFailures`` is not a success."""
        return self == "Succeeded"

    def __str__(self) -> str:
        return str(self.value)


class ExecutionStatus(_Status):
    """The status of a pipeline execution."""

    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
    COMPLETED_WITH_FAILURES = "CompletedWithFailures"


class StepStatus(_Status):
    """The status of one step. There is none for "not started" or "skipped": such steps are not listed."""

    STARTING = "Starting"
    EXECUTING = "Executing"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    FAILED = "Failed"
    SUCCEEDED = "Succeeded"
