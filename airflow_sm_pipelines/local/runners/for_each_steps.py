"""ForEach steps: the steps of the body, once for each item.

What the service does here is known from botocore's service model and the SageMaker SDK
(``sagemaker.mlops.workflow.for_each_step``): children are named ``<body step>-<index>``, and MaxConcurrency counts
children. What it does when a child fails is documented nowhere; here it is as in the whole pipeline: unless a step of
the body waits for the failure, nothing more starts, what runs is left to finish, and the ForEach step fails.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.evaluation import evaluate, evaluate_condition
from airflow_sm_pipelines.definition.expressions import parse_reference
from airflow_sm_pipelines.definition.graph import PipelineGraph, dependencies_of
from airflow_sm_pipelines.definition.steps import MAXIMUM_STEP_NAME_LENGTH, Step, StepDependency
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.engine import Schedule
from airflow_sm_pipelines.local.lookup import member_of
from airflow_sm_pipelines.local.runners.step import StepEnd, StepFailedError, StepRunner
from airflow_sm_pipelines.local.runners.step_run import StepRun
from airflow_sm_pipelines.local.store import Iteration

_ITEM_CHARACTERS = 12800  # of an IterationContext (botocore's service model)


@dataclass(eq=False)
class ForEachStepRunner(StepRunner):
    """Runs the steps of the body for each item, MaxConcurrency of them at a time.

    Children that succeeded before are not run again when the execution is retried. They do not count towards the
    execution's MaxParallelExecutionSteps.
    """

    _iterations: list[Iteration] = field(default_factory=list, init=False)
    _children: dict[str, tuple[Step, Iteration]] = field(default_factory=dict, init=False)
    _schedule: Schedule | None = field(default=None, init=False)
    _runs: dict[str, StepRun] = field(default_factory=dict, init=False)
    _stopped: bool = field(default=False, init=False)
    _done: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self._body = {each.name: each for each in self.step.body}

    def run(self) -> StepEnd:
        """Run all children, pick one if there is a selector."""
        arguments = self.step.arguments
        items = self._items(evaluate(arguments["IterableItems"], self.lookup()))
        with self.execution.lock:
            if self._stopped:
                return self._end(StepStatus.STOPPED)
            body = frozenset(self._body)
            self._iterations = [Iteration(self.step.name, index, item, body) for index, item in enumerate(items)]
            self._schedule = self._new_schedule(arguments["MaxConcurrency"])
            self._advance(self._schedule)
        self._done.wait()
        with self.execution.lock:
            status = self._schedule.status
        bad = {ExecutionStatus.STOPPED: StepStatus.STOPPED, ExecutionStatus.FAILED: StepStatus.FAILED}
        return self._end(bad.get(status, StepStatus.SUCCEEDED))

    def stop(self) -> None:
        """Stop the children that run, start no more."""
        self._stopped = True
        if self._schedule is not None:
            self._schedule.stop()
            for run in self._runs.values():
                run.stop()
            self._advance(self._schedule)

    def _items(self, value: Any) -> list[Any]:
        where = f"'IterableItems' of ForEach step '{self.step.name}'"
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise StepFailedError(f"ClientError: {where} is not a JSON list: {error}") from error
        if not isinstance(value, list):
            raise StepFailedError(f"ClientError: {where} is not a JSON list.")
        for index, item in enumerate(value):
            text = item if isinstance(item, str) else json.dumps(item)
            if len(text) > _ITEM_CHARACTERS:
                raise StepFailedError(
                    f"ClientError: item {index} of {where} has {len(text)} characters; at most {_ITEM_CHARACTERS} are"
                    " allowed."
                )
        for name in self._body:
            longest = f"{name}-{len(value) - 1}"
            if value and len(longest) > MAXIMUM_STEP_NAME_LENGTH:
                raise StepFailedError(
                    f"ClientError: the step '{longest}' of ForEach step '{self.step.name}' has a name of more than"
                    f" {MAXIMUM_STEP_NAME_LENGTH} characters. Give '{name}' a shorter one."
                )
        return value

    def _new_schedule(self, concurrency: int) -> Schedule:
        """What is left to do, as a graph of the children that knows nothing of the steps around."""
        nodes = []
        for iteration in self._iterations:
            for name, step in self._body.items():
                child = iteration.child(name)
                self._children[child] = (replace(step, name=child), iteration)
                waited = [each for each in dependencies_of(step) if each.step in self._body]
                dependencies = tuple(StepDependency(iteration.child(each.step), each.trigger) for each in waited)
                nodes.append(Step(child, step.type, depends_on=dependencies))
        done = {
            record.name: None
            for record in self.execution.steps.values()
            if record.name in self._children and record.status is StepStatus.SUCCEEDED
        }
        return Schedule(PipelineGraph.of(PipelineDefinition(steps=tuple(nodes))), concurrency, done)

    def _advance(self, schedule: Schedule) -> None:
        """Start the children that can start. The execution's lock is held."""
        for name in schedule.start_ready():
            step, iteration = self._children[name]
            run = self._runs[name] = StepRun(step, self.execution, self.services, iteration)
            run.start(partial(self._ended, schedule, name))
        if schedule.status.is_terminal:
            self._done.set()
        else:
            self.report(self._metadata())

    def _ended(self, schedule: Schedule, name: str, end: StepEnd) -> None:
        del self._runs[name]
        schedule.finish(name, end.status)
        self._advance(schedule)

    def _end(self, status: StepStatus) -> StepEnd:
        failed = self._with(StepStatus.FAILED)
        properties: dict[str, Any] = {"Status": status.value, **self._counts()}
        metadata: dict[str, Any] = {"Status": status.value}
        if status is StepStatus.SUCCEEDED:
            properties["IterationOutputs"] = [self._outputs(iteration) for iteration in self._iterations]
            picked = self._picked()
            if picked is not None:
                name, iteration = picked
                properties["Selected"] = self._outputs(iteration)[name]
                metadata["Selector"] = {"StepName": name, "Index": iteration.index}
        self.report(self._metadata(**metadata))
        reason = f"ClientError: these steps failed: {', '.join(failed)}" if status is StepStatus.FAILED else ""
        return StepEnd(status, reason, properties)

    def _picked(self) -> tuple[str, Iteration] | None:
        """The body step that the selector compares, and the iteration that wins; of equal ones the first."""
        selector = self.step.arguments.get("Selector")
        if selector is None or not self._iterations:
            return None
        reference = parse_reference(selector["Field"]["Get"])
        name = str(reference.name)
        better = {"MaxBy": "GreaterThan", "MinBy": "LessThan"}[selector["Pick"]]
        best: tuple[Any, Iteration] | None = None
        for iteration in self._iterations:
            value = member_of(self._outputs(iteration)[name], reference, reference.keys[1:])
            condition = {"Type": better, "LeftValue": value, "RightValue": value if best is None else best[0]}
            if evaluate_condition(condition, self.lookup()) or best is None:
                best = (value, iteration)
        return None if best is None else (name, best[1])

    def _outputs(self, iteration: Iteration) -> dict[str, Mapping[str, Any]]:
        """What each body step has made in one iteration; nothing of steps that did not run."""
        with self.execution.lock:
            records = {name: self.execution.steps.get(iteration.child(name)) for name in self._body}
        return {name: {} if record is None else record.properties for name, record in records.items()}

    def _with(self, status: StepStatus) -> list[str]:
        with self.execution.lock:
            records = [self.execution.steps[name] for name in self._children if name in self.execution.steps]
            return [record.name for record in records if record.status is status]

    def _counts(self) -> dict[str, int]:
        return {
            "InputItemCount": len(self._iterations),
            "TotalStepCount": len(self._children),
            "SucceededStepCount": len(self._with(StepStatus.SUCCEEDED)),
            "FailedStepCount": len(self._with(StepStatus.FAILED)),
            "StoppedStepCount": len(self._with(StepStatus.STOPPED)),
        }

    def _metadata(self, **more: Any) -> dict[str, Any]:
        return {"ForEach": {**self._counts(), **more}}
