"""What of a pipeline the local endpoint does not run: found before its first step runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.problems import Problem, error
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.local.runners.job_steps import JobStepRunner
from airflow_sm_pipelines.local.runners.registry import JOBS
from airflow_sm_pipelines.local.runners.step import StepRunner


def not_run_here(
    definition: PipelineDefinition,
    runners: Mapping[str, type[StepRunner]],
    selected: Collection[str] | None = None,
) -> list[Problem]:
    """Return why steps cannot run here, in document order: their types, and what their jobs ask for.

    What a job asks for by an expression is known only when it runs.

    :param definition: the pipeline's.
    :param runners: what runs each type of step.
    :param selected: the steps that are to run; all by default.
    """
    return [
        problem
        for located in definition.walk()
        if selected is None or located.step.name in selected
        for each in (located, *walk_body(located))
        for problem in _problems(each.step, each.path, runners)
    ]


def _problems(step: Step, path: str, runners: Mapping[str, type[StepRunner]]) -> Iterator[Problem]:
    runner = runners.get(step.type)
    if runner is None:
        yield error(f"step '{step.name}': the local endpoint does not run steps of type {step.type!r}", f"{path}.Type")
    elif issubclass(runner, JobStepRunner) and isinstance(step.arguments, Mapping):
        kind = next(job for job in JOBS if job.resource == step_type(step.type).resource)
        for limit in kind.limits(step.arguments):
            yield error(f"step '{step.name}': {limit.message}", f"{path}.Arguments{limit.path}")
