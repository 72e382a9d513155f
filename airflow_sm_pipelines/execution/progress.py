"""What a step or an execution does, written into a task's log: changes only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import Logger
from typing import Any

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.step_lines import after, attempt


class Progress(ABC):
    """What a wait has seen: told to a task's log, changes only.

    :param log: the task's log.
    """

    def __init__(self, log: Logger | Any) -> None:
        self._log = log
        self._trouble: SageMakerServiceError | None = None
        self._told: set[str] = set()
        self.last_seen = "nothing; the service has not answered yet"

    def seen(self, snapshot: ExecutionSnapshot) -> None:
        """Tell what is new since the last time.

        :param snapshot: what was seen.
        """
        if self._trouble is not None:
            self._trouble = None
            self._log.info("SageMaker answers again")
        self._tell_news(snapshot)

    @abstractmethod
    def _tell_news(self, snapshot: ExecutionSnapshot) -> None: ...

    def old_failure(self, snapshot: ExecutionSnapshot) -> None:
        """Tell that a failure is waited out, once.

        :param snapshot: the execution, not over.
        """
        self._tell(
            f"An earlier try of this task ended with this failure. The execution is {snapshot.status}; it can be "
            "resumed once it has ended"
        )

    def trouble(self, error: SageMakerServiceError) -> None:
        """Tell that the service is unavailable, once for each kind of trouble in a row.

        :param error: what it said.
        """
        if self._trouble is None or error.code != self._trouble.code:
            self._log.warning("SageMaker is unavailable, retrying: %s", error)
        self._trouble = error

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            self._log.info("%s", line)


class StepProgress(Progress):
    """Tells the log of one task about one step.

    :param log: the task's log.
    :param step_name: the step.
    :param pipeline_execution_arn: its execution.
    """

    def __init__(self, log: Logger | Any, step_name: str, pipeline_execution_arn: str) -> None:
        super().__init__(log)
        self._step_name = step_name
        self._log.info("Following step '%s' of %s", step_name, pipeline_execution_arn)

    def _tell_news(self, snapshot: ExecutionSnapshot) -> None:
        step = snapshot.steps.get(self._step_name)
        if step is None:
            self.last_seen = f"not started; the execution is {snapshot.status}"
            self._tell(f"Step '{self._step_name}' has not started; the execution is {snapshot.status}")
            return
        self.last_seen = str(step.status) + (f", job {step.job_arn}" if step.job_arn else "")
        self._tell(f"Step '{self._step_name}' is {step.status}{after(step)}{attempt(step)}")
        if step.job_arn:
            self._tell(f"Job: {step.job_arn}")
        if step.condition_outcome is not None:
            self._tell(f"Outcome: {step.condition_outcome}")
        if step.cache_hit_source:
            self._tell(f"Taken from the cache of {step.cache_hit_source}")
        if step.selective_source:
            self._tell(f"Not selected; taken from {step.selective_source}")


class ExecutionProgress(Progress):
    """Tells the log of one task about a whole execution: a line whenever a step changes.

    :param log: the task's log.
    :param pipeline_execution_arn: the execution.
    """

    def __init__(self, log: Logger | Any, pipeline_execution_arn: str) -> None:
        super().__init__(log)
        self._status: object = None
        self._lines: dict[str, str] = {}
        self._log.info("Following execution %s", pipeline_execution_arn)

    def _tell_news(self, snapshot: ExecutionSnapshot) -> None:
        for name, step in snapshot.steps.items():
            line = _summary(step)
            if self._lines.get(name) != line:
                self._lines[name] = line
                self._log.info("%s", line)
        if snapshot.status is not self._status:
            self._status = snapshot.status
            self._log.info("The execution is %s", snapshot.status)
        running = [f"'{name}'" for name, step in snapshot.steps.items() if not step.status.is_terminal]
        self.last_seen = f"{snapshot.status}" + (f", running {', '.join(running)}" if running else "")


def progress_of(step_name: str | None, pipeline_execution_arn: str, log: Logger | Any) -> Progress:
    """Return what tells a log about a step, or about a whole execution.

    :param step_name: the step; ``None`` for the execution.
    :param pipeline_execution_arn: the execution.
    :param log: the task's log.
    """
    if step_name is None:
        return ExecutionProgress(log, pipeline_execution_arn)
    return StepProgress(log, step_name, pipeline_execution_arn)


def _summary(step: StepSnapshot) -> str:
    parts = [f"Step '{step.name}' is {step.status}{after(step)}{attempt(step)}"]
    if step.condition_outcome is not None:
        parts.append(f"outcome {step.condition_outcome}")
    if step.cache_hit_source:
        parts.append(f"from the cache of {step.cache_hit_source}")
    if step.selective_source:
        parts.append(f"not selected, from {step.selective_source}")
    if step.job_arn:
        parts.append(step.job_arn)
    return ", ".join(parts)
