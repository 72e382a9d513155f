"""One step of an execution, from its start to its end. Whoever starts it decides when, and what follows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from airflow_sm_pipelines.definition.caching import enabled_cache
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.exceptions import EvaluationError
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local import clock
from airflow_sm_pipelines.local.caching import cache_key, find_hit
from airflow_sm_pipelines.local.jobs.job import FAILURE_REASON_CHARACTERS
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from airflow_sm_pipelines.local.lookup import ExecutionLookup
from airflow_sm_pipelines.local.retries import Retries
from airflow_sm_pipelines.local.runners.step import StepEnd, StepFailedError, StepRunner, StepServices
from airflow_sm_pipelines.local.store import ExecutionRecord, Iteration, StepRecord
from airflow_sm_pipelines.local.telling import log_step

logger = logging.getLogger(__name__)


class StepRun:
    """Runs a step in its own thread and keeps its record up to date. The record is listed from now on.

    Made, started and stopped with the execution's lock held.

    :param step: the step.
    :param execution: the execution it belongs to.
    :param services: what it may use.
    :param iteration: the turn of a ForEach step that it belongs to.
    """

    def __init__(
        self, step: Step, execution: ExecutionRecord, services: StepServices, iteration: Iteration | None = None
    ) -> None:
        attempt = execution.attempts.get(step.name, 0) + 1
        self.record = StepRecord(
            step.name, step.type, step.display_name, step.description, attempt, iteration=iteration
        )
        execution.steps[step.name] = self.record
        # A Callback step may have no arguments at all.
        self._step = replace(step, arguments={}) if step.arguments is MISSING else step
        self._execution = execution
        self._services = services
        self._runner: StepRunner | None = None
        self._stopped = threading.Event()

    def start(self, ended: Callable[[StepEnd], None]) -> None:
        """Run the step. Returns at once.

        :param ended: called at the step's end, in the step's thread, with the execution's lock held.
        """
        threading.Thread(
            target=self._run,
            args=(ended,),
            name=f"{self._execution.arn.execution_id}-{self.record.name}",
            daemon=True,
        ).start()

    def stop(self) -> None:
        """Ask the step to end early. Returns at once."""
        self._stopped.set()
        self.record.status = StepStatus.STOPPING
        self._changed()
        if self._runner is not None:
            self._runner.stop()

    def _run(self, ended: Callable[[StepEnd], None]) -> None:
        end = self._end()
        record = self.record
        log_step(self._execution.arn, self._seen(end))
        with self._execution.lock:
            record.status = end.status
            record.failure_reason = end.failure_reason[:FAILURE_REASON_CHARACTERS]
            record.properties = end.properties
            record.outcome = end.outcome
            record.end_time = clock.now()
            self._changed()
            ended(end)

    def _seen(self, end: StepEnd) -> StepSnapshot:
        """The step as it will be listed once its end is recorded."""
        return StepSnapshot(
            name=self.record.name,
            status=end.status,
            start_time=self.record.start_time,
            end_time=clock.now(),
            failure_reason=end.failure_reason,
            metadata=self.record.metadata,
            attempt_count=self.record.attempt,
            cache_hit_source=self.record.cached_from,
        )

    def _end(self) -> StepEnd:
        try:
            return self._cached() or self._tried()
        except EvaluationError as failure:
            return StepEnd(StepStatus.FAILED, str(failure))
        except Exception as error:
            logger.exception("step %s of %s could not be run", self.record.name, self._execution.arn)
            return StepEnd(StepStatus.FAILED, f"InternalServerError: the local endpoint failed: {error!r}")

    def _tried(self) -> StepEnd:
        """Try until the step succeeds, is stopped, or no policy has it tried again."""
        policies = evaluate(self._step.extra.get("RetryPolicies") or [], self._lookup())
        retries = Retries(policies, clock.now())
        while True:
            end = self._once()
            wait = retries.next_wait(end.exception, clock.now()) if end.exception is not None else None
            if wait is None:
                return end
            if clock.wait(self._stopped, wait):
                return StepEnd(StepStatus.STOPPED)
            with self._execution.lock:
                self.record.attempt += 1
                self._changed()

    def _once(self) -> StepEnd:
        try:
            runner = self._make_runner()
            with self._execution.lock:
                if self._stopped.is_set():
                    return StepEnd(StepStatus.STOPPED)
                self._runner = runner
                self.record.status = StepStatus.EXECUTING
                self._changed()
            return runner.run()
        except StepFailedError as failure:
            return StepEnd(StepStatus.FAILED, str(failure), exception=failure.exception)

    def _cached(self) -> StepEnd | None:
        """The end of an earlier run with the same attributes, if caching is asked for and there is one."""
        if enabled_cache(self._step.type, self._step.extra) is None:
            return None
        key = cache_key(self._step, self._lookup)
        hit = find_hit(self._step, key, self._execution, self._services.executions(), clock.now())
        with self._execution.lock:
            if hit is None:
                self.record.cache_key = key
                self._changed()
                return None
            arn, earlier = hit
            self.record.cached_from = arn
            self.record.metadata = earlier.metadata
            return StepEnd(StepStatus.SUCCEEDED, properties=earlier.properties)

    def _lookup(self, job_names: Mapping[str, str] | None = None) -> ExecutionLookup:
        staging = S3Staging(self._services.clients["s3"])
        return ExecutionLookup(self._execution, staging, job_names, self.record.iteration)

    def _make_runner(self) -> StepRunner:
        kind = self._services.runners[self._step.type]  # a start of other steps is refused
        return kind(self._step, self._execution, self._services, self._report, self._lookup)

    def _report(self, metadata: dict[str, Any]) -> None:
        with self._execution.lock:
            self.record.metadata = metadata
            self._changed()

    def _changed(self) -> None:
        """Have the record kept. The execution's lock is held."""
        self._services.changes.of_execution(self._execution, self.record)
