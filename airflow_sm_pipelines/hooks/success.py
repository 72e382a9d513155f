"""The report on a step that succeeded: the end of its job's log, or what a Condition step has compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from airflow_sm_pipelines.definition.comparisons import ShownComparison, outcome_xcom, show_condition
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.exceptions import SageMakerPipelinesError
from airflow_sm_pipelines.execution.ending import Ending
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.hooks.metrics import MetricLookup
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook


@dataclass(frozen=True)
class SuccessReport:
    """What a task's log and its XComs have of a success, besides its results.

    :param lines: for the log.
    :param xcoms: ``outcome`` of a Condition step.
    """

    lines: tuple[str, ...] = ()
    xcoms: dict[str, Any] = field(default_factory=dict)


def success_report(hook: SageMakerPipelineHook, ending: Ending, log_lines: int) -> SuccessReport:
    """Collect the report on a step that succeeded. It stays a success: a line says what cannot be read.

    :param hook: where.
    :param ending: how the task ends.
    :param log_lines: how many lines of the job's log at most.
    :return: nothing for a step that did nothing itself, as a cached result was taken over.
    """
    step, snapshot = ending.step, ending.snapshot
    if ending.state != "success" or step is None or snapshot is None:
        return SuccessReport()
    if step.condition_outcome is not None:
        return _compared(hook, snapshot, step, step.condition_outcome)
    if step.job_arn is None or step.cache_hit_source or step.selective_source:
        return SuccessReport()
    return SuccessReport(tuple(hook.log_report(step.job_arn, log_lines)))


def without_details(ending: Ending, line: str) -> SuccessReport:
    """Return what is to tell of a step that succeeded when nobody is asked about it.

    :param ending: how the task ends.
    :param line: why nobody is.
    """
    outcome = None if ending.step is None else ending.step.condition_outcome
    return SuccessReport((line,), {} if outcome is None else {"outcome": outcome_xcom(outcome, [])})


def _compared(
    hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot, step: StepSnapshot, holds: bool
) -> SuccessReport:
    comparisons: list[ShownComparison] = []
    lines: tuple[str, ...] = ()
    try:
        comparisons = _comparisons(hook, snapshot, step.name)
    except SageMakerPipelinesError as error:
        lines = (f"What the condition compares cannot be shown: {error}",)
    return SuccessReport((*map(str, comparisons), *lines), {"outcome": outcome_xcom(holds, comparisons)})


def _comparisons(hook: SageMakerPipelineHook, snapshot: ExecutionSnapshot, step_name: str) -> list[ShownComparison]:
    lookup = MetricLookup(hook, str(snapshot.arn), snapshot)
    [step] = [located.step for located in lookup.definition.walk() if located.step.name == step_name]
    conditions = step.arguments["Conditions"]
    return [told for each in conditions for told in show_condition(each, lambda operand: evaluate(operand, lookup))]
