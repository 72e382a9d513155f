"""The log of a step's job, for ``sm-pipelines logs``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn
from airflow_sm_pipelines.execution.logs import log_location
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.step_lines import printable
from airflow_sm_pipelines.running.account import Account, service_words
from airflow_sm_pipelines.running.execution import JobLogs, look

SECONDS_BETWEEN_LOOKS: Final = 1.0


class StepLog:
    """The log of a step.

    :param account: where the execution is.
    :param arn: the execution.
    :param name: the step's name.
    """

    def __init__(self, account: Account, arn: PipelineExecutionArn, name: str) -> None:
        self._account = account
        self._arn = arn
        self.name = name
        self._logs: JobLogs | None = None

    @property
    def logs(self) -> JobLogs:
        """The logs of jobs."""
        if self._logs is None:
            self._logs = JobLogs(self._account.client("logs"))
        return self._logs

    def look(self) -> ExecutionSnapshot:
        """Return what the service says of the execution now.

        :raises CommandError: in the service's words.
        """
        with service_words():
            return look(self._account.client("sagemaker"), str(self._arn))

    def step_in(self, snapshot: ExecutionSnapshot) -> StepSnapshot:
        """Return the step.

        :param snapshot: of the execution.
        :raises CommandError: it has not started.
        """
        if self.name not in snapshot.steps:
            hint = did_you_mean(self.name, snapshot.steps) or "."
            there = ", ".join(f"'{name}'" for name in snapshot.steps) or "none"
            raise CommandError(
                f"step '{self.name}' has not started in execution {self._arn.execution_id}, or there is no such "
                f"step{hint} The steps that have started are: {there}"
            )
        return snapshot.steps[self.name]

    def job_of(self, step: StepSnapshot) -> str:
        """Return the ARN of the step's job.

        :param step: the step, which has ended or runs.
        :raises CommandError: it has no job, or its job has no log.
        """
        job = step.job_arn
        if job is None:
            raise CommandError(f"step '{step.name}' ({step.type or 'without a type yet'}) has no job, and so no log")
        if log_location(job) is None:
            raise CommandError(f"step '{step.name}' made a {ResourceArn.parse(job).resource_type}, which has no log")
        return job


def last_lines(log: StepLog, count: int) -> Iterator[str]:
    """Yield the last lines of a step's log.

    :param log: of the step.
    :param count: how many at most.
    :raises CommandError: there is no such log.
    """
    job = log.job_of(log.step_in(log.look()))
    with service_words():
        lines = log.logs.tail(job, count)
    yield from (printable(line) for line in lines)


def follow_lines(log: StepLog, count: int) -> Iterator[str]:
    """Yield the last lines of a step's log, then new ones until the step has ended. Waits for the step to start.

    :param log: of the step.
    :param count: how many lines to begin with.
    :raises CommandError: there is no such log.
    """
    followed: str | None = None
    while True:
        snapshot = log.look()
        step = None if _may_still_start(log, snapshot) else log.step_in(snapshot)
        if step is not None and (step.job_arn is not None or step.status.is_terminal):
            job = log.job_of(step)
            with service_words():
                lines = log.logs.new_lines(job)
            yield from (printable(line) for line in (lines if followed == job else lines[-count:]))
            followed = job
        if step is not None and step.status.is_terminal:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _may_still_start(log: StepLog, snapshot: ExecutionSnapshot) -> bool:
    return log.name not in snapshot.steps and not snapshot.status.is_terminal
