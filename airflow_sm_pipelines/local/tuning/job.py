"""A tuning job: it launches training jobs, compares what they print, and has no process.

Sources: botocore's service model, and the developer guide's chapter on automatic model tuning. What the service does
when no training job succeeds is known from failures that people have posted, such as in issue 2437 of
aws/amazon-sagemaker-examples.
"""

from __future__ import annotations

import logging
import math
import queue
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from airflow_sm_pipelines.definition.step_types import RESOURCES, Resource
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.job import Job, JobFailedError
from airflow_sm_pipelines.local.jobs.limits import Limits, tuning_limits
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.training import TrainingJob
from airflow_sm_pipelines.local.names import new_tuned_job_name, new_tuning_job_name
from airflow_sm_pipelines.local.service_model import check_request
from airflow_sm_pipelines.local.tuning.early_stopping import is_worse_than_median
from airflow_sm_pipelines.local.tuning.plan import Definition, Plan, shown_definition
from airflow_sm_pipelines.local.tuning.search import Search, Trial, search_of
from airflow_sm_pipelines.local.tuning.standings import (
    MOST_SUMMARIES,
    Summary,
    not_improving,
    objective_counters,
    ranked,
    summary,
    training_job_counters,
)

_ATTEMPTS: Final = 5
"""After so many training jobs without a value of the objective a tuning job fails."""

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Launched:
    """A training job of a tuning job.

    :param job: the training job.
    :param definition: its definition.
    :param trial: the combination of hyperparameters that it tries.
    :param values: of the objective, in the order in which they were printed.
    :param objective_status: Pending, Succeeded or Failed.
    """

    job: TrainingJob
    definition: Definition
    trial: Trial
    values: list[float] = field(default_factory=list)
    objective_status: str = "Pending"

    def settle(self) -> float | None:
        """Take note that the job has ended, and return the value of the objective; ``None`` when there is none."""
        value = self.values[-1] if self.values else math.nan
        has_value = self.job.status in ("Completed", "Stopped") and math.isfinite(value)
        self.objective_status = "Succeeded" if has_value else "Failed"
        return value if has_value else None

    def summary(self) -> Summary:
        """What lists of training jobs show."""
        value = self.values[-1] if self.values else math.nan
        return summary(self.job.describe(), self.definition, self.trial.values, self.objective_status, value)


class TuningJob(Job):
    """A job made by CreateHyperParameterTuningJob.

    Its training jobs wait for places to run; it needs none. What they print and how they end arrives as events, and one
    thread, that of the job, looks at them one by one, chooses what is tried next, and stops what is to be stopped.

    :param name: the job's name.
    :param request: the create request, already checked against the service model.
    :param host: where its training jobs run.
    :param training_jobs: where it makes them.
    :raises ValidationError: parts of the request do not fit each other.
    """

    resource: ClassVar[Resource] = RESOURCES["hyper-parameter-tuning-job"]
    limits: ClassVar[Limits] = staticmethod(tuning_limits)
    name_for_step: ClassVar[Callable[[str, str], str]] = staticmethod(new_tuning_job_name)

    def __init__(self, name: str, request: Mapping[str, Any], host: JobHost, training_jobs: Jobs[TrainingJob]) -> None:
        super().__init__(name, request, host)
        self._plan = Plan.of_request(request)
        self._training_jobs = training_jobs
        self._events: queue.SimpleQueue[_Measured | _Ended | _LookAgain] = queue.SimpleQueue()
        self._launched: list[_Launched] = []
        self._finals: list[float] = []
        self._running: dict[str, _Launched] = {}
        self._searches: list[tuple[Definition, Search]] = []
        self._is_over = False
        self._failure = ""

    def training_job_measured(self, name: str, metric: str, value: float) -> None:
        """Take note of a value that a training job has printed."""
        self._events.put(_Measured(name, metric, value))

    def training_job_ended(self, name: str) -> None:
        """Take note that a training job has ended."""
        self._events.put(_Ended(name))

    def end_early(self) -> None:
        """Have the training jobs stopped, or killed, and no other one launched."""
        self._events.put(_LookAgain())

    def execute(self) -> str:
        """Search until there is nothing more to try, or an end is reached."""
        self._refuse_what_is_not_done_here()
        plan = self._plan
        self._searches = [
            (definition, search_of(definition, plan.strategy, None if plan.seed is None else plan.seed + index))
            for index, definition in enumerate(plan.definitions)
        ]
        try:
            self._search(None if plan.seconds is None else time.monotonic() + plan.seconds)
        finally:
            for launched in self._running.values():  # none, unless something went wrong
                launched.job.stop()
                launched.job.wait()
        if self._failure:
            raise JobFailedError(self._failure)
        if self._finals or not self._launched:
            return "Completed" if self._finals else "Stopped"
        raise JobFailedError(self._nothing_found())

    def summaries(self) -> list[Summary]:
        """What is known of the training jobs, in the order in which they were launched."""
        with self._lock:
            return [launched.summary() for launched in self._launched]

    def properties(self) -> dict[str, Any]:
        """The job, and its best training jobs."""
        best = ranked(self.summaries(), self._plan.objective)[:MOST_SUMMARIES]
        return {**self.describe(), "TrainingJobSummaries": best}

    def details(self) -> dict[str, Any]:
        """How the training jobs stand."""
        summaries = self.summaries()
        ended = self._end_time or now()
        shown: dict[str, Any] = {
            **self._shown_definitions(),
            "TrainingJobStatusCounters": training_job_counters(summaries),
            "ObjectiveStatusCounters": objective_counters(summaries),
            "ConsumedResources": {"RuntimeInSeconds": round((ended - self.creation_time).total_seconds())},
        }
        best = ranked(summaries, self._plan.objective)
        if best:
            count = not_improving(self._finals, self._plan.objective)
            shown["BestTrainingJob"] = best[0]
            shown["TuningJobCompletionDetails"] = {"NumberOfTrainingJobsObjectiveNotImproving": count}
        return shown

    def _shown_definitions(self) -> dict[str, Any]:
        objectives = [definition.objective for definition in self._plan.definitions]
        if "TrainingJobDefinition" in self.request:
            return {"TrainingJobDefinition": shown_definition(self.request["TrainingJobDefinition"], objectives[0])}
        given = zip(self.request["TrainingJobDefinitions"], objectives, strict=True)
        return {"TrainingJobDefinitions": [shown_definition(each, objective) for each, objective in given]}

    def _search(self, deadline: float | None) -> None:
        while True:
            while self._may_launch() and self._launch():
                pass
            if not self._running:
                return
            self._look_at(self._next_event(deadline))
            if self._ends_early:
                for launched in self._running.values():
                    if self._killed:
                        launched.job.kill()
                    else:
                        launched.job.stop()

    @property
    def _ends_early(self) -> bool:
        return self._is_over or self._killed or self.status != "InProgress"

    def _may_launch(self) -> bool:
        plan = self._plan
        is_full = len(self._running) >= plan.most_at_once
        return not (self._ends_early or is_full) and (plan.most_jobs is None or len(self._launched) < plan.most_jobs)

    def _launch(self) -> bool:
        """Launch a training job of the definition that has the fewest; ``False`` when nothing is left to try."""
        while self._searches:
            definition, search = min(self._searches, key=lambda each: self._number_of(each[0]))
            trial = search.ask()
            if trial is not None:
                return self._launch_trial(definition, trial)
            self._searches.remove((definition, search))
        return False

    def _number_of(self, definition: Definition) -> int:
        return sum(launched.definition is definition for launched in self._launched)

    def _launch_trial(self, definition: Definition, trial: Trial) -> bool:
        name = new_tuned_job_name(self.name, len(self._launched) + 1)
        request = definition.training_request(name, trial.values)
        try:
            check_request("CreateTrainingJob", request)
            job = self._training_jobs.create(name, request, tuner=self)
        except ServiceError as error:
            self._failure = f"ClientError: the training job {name} cannot be launched: {error.message}"
            self._is_over = True
            return False
        launched = self._running[name] = _Launched(job, definition, trial)
        with self._lock:
            self._launched.append(launched)
            self._touch()
        return True

    def _next_event(self, deadline: float | None) -> _Measured | _Ended | _LookAgain:
        try:
            is_open = deadline is None or self._is_over
            return self._events.get(timeout=None if is_open else max(0, (deadline or 0) - time.monotonic()))
        except queue.Empty:
            logger.info("tuning job %s has reached MaxRuntimeInSeconds", self.name)
            self._is_over = True
            return _LookAgain()

    def _look_at(self, event: _Measured | _Ended | _LookAgain) -> None:
        if isinstance(event, _Measured):
            launched = self._running[event.name]
            if event.metric == launched.definition.objective.metric:
                self._measured(launched, event.value)
        elif isinstance(event, _Ended):
            self._ended(self._running.pop(event.name))

    def _measured(self, launched: _Launched, value: float) -> None:
        with self._lock:
            launched.values.append(value)
        stop = launched.trial.report(value)
        if self._plan.stops_early:
            stop = stop or is_worse_than_median(
                launched.values, self._earlier_values(launched), launched.definition.objective
            )
        if stop:
            launched.job.stop()

    def _earlier_values(self, launched: _Launched) -> list[list[float]]:
        """The values of training jobs of the same definition that have ended with one: epochs differ by algorithm."""
        return [
            each.values
            for each in self._launched
            if each.definition is launched.definition and each.objective_status == "Succeeded"
        ]

    def _ended(self, launched: _Launched) -> None:
        with self._lock:
            value = launched.settle()
            if value is not None:
                self._finals.append(value)
            self._touch()
        launched.trial.tell(value)
        self._is_over = self._is_over or self._has_reached_an_end(value)

    def _has_reached_an_end(self, value: float | None) -> bool:
        plan = self._plan
        if value is None:
            return not self._finals and len(self._launched) - len(self._running) >= _ATTEMPTS
        if plan.target is not None and not plan.objective.is_better(plan.target, value):
            return True
        count = not_improving(self._finals, plan.objective)
        return plan.most_not_improving is not None and count >= plan.most_not_improving

    def _nothing_found(self) -> str:
        count = len(self._launched)
        if any(launched.job.status == "Completed" for launched in self._launched):
            return (
                f"No objective metrics found after running {count} training jobs. Please ensure that the custom"
                " algorithm is emitting the objective metric as defined by the regular expression provided."
            )
        return (
            f"No training job succeeded after {count} attempts. Please take a look at the training job failures to get"
            " more details."
        )


@dataclass(frozen=True)
class _Measured:
    name: str
    metric: str
    value: float


@dataclass(frozen=True)
class _Ended:
    name: str


@dataclass(frozen=True)
class _LookAgain:
    """Something has changed that does not belong to a training job: the job is stopped, killed or out of time."""
