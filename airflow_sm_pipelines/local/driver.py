"""Runs an execution: starts what the schedule says, records what ends. Driven by events, never by polling."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.engine import Schedule
from airflow_sm_pipelines.local.errors import ConflictError, ValidationError
from airflow_sm_pipelines.local.runners.step import StepEnd, StepServices
from airflow_sm_pipelines.local.runners.step_run import StepRun
from airflow_sm_pipelines.local.store import ExecutionRecord

EXECUTION_FAILURE_REASON = "Step failure: One or multiple steps failed"
"""All that the service says about an execution; the cause is in the steps."""


class ExecutionDriver:
    """Takes one execution from start to end. Each step runs in its own thread.

    :param execution: the execution's record, which this keeps up to date.
    :param services: what its steps use.
    """

    def __init__(self, execution: ExecutionRecord, services: StepServices) -> None:
        self._execution = execution
        self._services = services
        self._graph = PipelineGraph.of(execution.version.definition)
        self._schedule = self._new_schedule()
        self._runs: dict[str, StepRun] = {}

    def start(self) -> None:
        """Start the first steps."""
        with self._execution.lock:
            self._advance()

    def stop(self) -> None:
        """Stop the execution: running jobs are stopped, nothing more starts. Returns at once.

        :raises ValidationError: the execution is not executing.
        :raises ConflictError: it is on its way from one step to the next. The service refuses then, too; its words are
            not on record.
        """
        with self._execution.lock:
            if self._execution.status is not ExecutionStatus.EXECUTING:
                raise ValidationError("Only pipelines with 'Executing' status can be stopped")
            starting = any(run.record.status is StepStatus.STARTING for run in self._runs.values())
            ended = any(step.end_time and not step.copied_from for step in self._execution.steps.values())
            if starting and ended:
                raise ConflictError(
                    f"Pipeline execution '{self._execution.arn}' is moving from one step to the next. Try again."
                )
            self._schedule.stop()
            for run in self._runs.values():
                run.stop()
            self._advance()

    def retry(self, parallelism: Mapping[str, Any] | None) -> None:
        """Run the steps that failed or were stopped again, and those that never started. Returns at once.

        Steps that succeeded keep their results. Steps to be run again are not listed until they have started.

        :param parallelism: the ParallelismConfiguration from now on; ``None`` leaves it as it is.
        :raises ValidationError: the execution has not failed and was not stopped, or it ended in a Fail step.
        """
        execution = self._execution
        with execution.lock:
            if execution.status not in (ExecutionStatus.FAILED, ExecutionStatus.STOPPED):
                # The service's own words are not on record; these follow the ones for stopping.
                raise ValidationError("Only pipelines with 'Failed' or 'Stopped' status can be retried")
            again = [
                step
                for step in execution.steps.values()
                if step.status is not StepStatus.SUCCEEDED
                and execution.steps[step.node].status is not StepStatus.SUCCEEDED
            ]
            for step in again:
                if step.type == "Fail" and step.status is StepStatus.FAILED:
                    raise ValidationError(
                        f"Pipeline execution '{execution.arn}' ended in the Fail step '{step.name}', so it cannot be"
                        " retried"
                    )
            for step in again:
                execution.attempts[step.name] = step.attempt
                del execution.steps[step.name]
            if parallelism is not None:
                execution.attributes["ParallelismConfiguration"] = parallelism
            self._schedule = self._new_schedule()
            execution.failure_reason = ""
            execution.done.clear()
            self._advance()

    def update(self, attributes: Mapping[str, Any]) -> None:
        """Change what an execution is called and how many of its steps may run at once. Returns at once.

        :param attributes: such as ParallelismConfiguration; it counts from now on, and running steps are left alone.
        """
        with self._execution.lock:
            self._execution.attributes.update(attributes)
            self._execution.last_modified_time = now()
            self._schedule.parallelism = self._parallelism
            self._services.changes.of_execution(self._execution)
            if self._execution.status is ExecutionStatus.EXECUTING:
                self._advance()

    def _new_schedule(self) -> Schedule:
        """A schedule of all that is left to do. Every step of the graph that has a record has succeeded."""
        succeeded = {step.name: step.outcome for step in self._execution.steps.values()}
        return Schedule(self._graph, self._parallelism, succeeded, self._execution.selected)

    @property
    def _parallelism(self) -> int | None:
        configuration = self._execution.attributes.get("ParallelismConfiguration")
        return None if configuration is None else configuration["MaxParallelExecutionSteps"]

    def _advance(self) -> None:
        """Start what can start and settle the execution's status. The lock is held."""
        for name in self._schedule.start_ready():
            run = self._runs[name] = StepRun(self._graph.nodes[name].step, self._execution, self._services)
            run.start(partial(self._ended, name))
        status = self._schedule.status
        if status is not self._execution.status:
            self._execution.status = status
            self._execution.last_modified_time = now()
        if status is ExecutionStatus.FAILED:
            self._execution.failure_reason = EXECUTION_FAILURE_REASON
        self._services.changes.of_execution(self._execution)
        if status.is_terminal:
            self._execution.done.set()

    def _ended(self, name: str, end: StepEnd) -> None:
        del self._runs[name]
        self._schedule.finish(name, end.status, end.outcome)
        self._advance()
