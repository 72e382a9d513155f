"""Which runner runs which type of step, and which kinds of jobs there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.jobs.processing import ProcessingJob
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.jobs.training import TrainingJob
from airflow_sm_pipelines.local.jobs.transform import TransformJob
from airflow_sm_pipelines.local.runners.callback_steps import CallbackStepRunner
from airflow_sm_pipelines.local.runners.cleanup_steps import CleanupStepRunner
from airflow_sm_pipelines.local.runners.for_each_steps import ForEachStepRunner
from airflow_sm_pipelines.local.runners.instant_steps import (
    ConditionStepRunner,
    EndpointConfigStepRunner,
    EndpointStepRunner,
    FailStepRunner,
    InferenceComponentStepRunner,
    ModelStepRunner,
    RegisterModelStepRunner,
)
from airflow_sm_pipelines.local.runners.job_steps import JobStepRunner
from airflow_sm_pipelines.local.runners.lambda_steps import LambdaStepRunner
from airflow_sm_pipelines.local.runners.stand_in_steps import StandInStepRunner
from airflow_sm_pipelines.local.runners.step import StepRunner
from airflow_sm_pipelines.local.tuning.job import TuningJob

RUNNERS: Final[Mapping[str, type[StepRunner]]] = {
    "Callback": CallbackStepRunner,
    "Cleanup": CleanupStepRunner,
    "Condition": ConditionStepRunner,
    "Endpoint": EndpointStepRunner,
    "EndpointConfig": EndpointConfigStepRunner,
    "Fail": FailStepRunner,
    "ForEach": ForEachStepRunner,
    "InferenceComponent": InferenceComponentStepRunner,
    "Lambda": LambdaStepRunner,
    "Model": ModelStepRunner,
    "Processing": JobStepRunner,
    "RegisterModel": RegisterModelStepRunner,
    "Training": JobStepRunner,
    "Transform": JobStepRunner,
    "Tuning": JobStepRunner,
}
"""The runner of each step type that the local endpoint runs."""

_DECIDE: Final = ("Condition", "Fail", "ForEach")
"""These decide how an execution continues, so nothing can stand in for them."""

STAND_INS: Final = tuple(name for name in STEP_TYPES if name not in _DECIDE)
"""The step types for which something may stand in."""

NOT_RUN: Final = tuple(name for name in STEP_TYPES if name not in RUNNERS)
"""The step types that the local endpoint does not run."""


def stand_ins_of(name: str) -> tuple[str, ...]:
    """Return the types of step that a name stands for.

    :param name: a type, or ``all`` for every type that the local endpoint does not run.
    :raises ValueError: for anything else.
    """
    if name == "all":
        return NOT_RUN
    if name in _DECIDE:
        raise ValueError(f"{name} steps cannot have a stand-in: they decide how an execution continues")
    if name not in STAND_INS:
        raise ValueError(f"{name!r} is not a type of step{did_you_mean(name, STAND_INS)}")
    return (name,)


def runners_with(stand_ins: Collection[str]) -> Mapping[str, type[StepRunner]]:
    """Return the runners, where something stands in for some types of step.

    :param stand_ins: of :data:`STAND_INS`.
    """
    return {**RUNNERS, **dict.fromkeys(stand_ins, StandInStepRunner)} if stand_ins else RUNNERS


JOBS: Final[tuple[type[Job], ...]] = (ProcessingJob, TrainingJob, TransformJob, TuningJob)
"""The kinds of jobs that the local endpoint runs."""


def jobs_on(host: JobHost) -> tuple[Jobs[Any], ...]:
    """Return what has the jobs of a region, of each of these kinds.

    :param host: where they run.
    """
    training_jobs = Jobs(TrainingJob, host)
    return (
        Jobs(ProcessingJob, host),
        training_jobs,
        Jobs(TransformJob, host),
        Jobs(TuningJob, host, training_jobs),
    )
