"""Which runner runs which type of step, and which kinds of jobs there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.jobs.processing import ProcessingJob
from airflow_sm_pipelines.local.jobs.training import TrainingJob
from airflow_sm_pipelines.local.runners.callback_steps import CallbackStepRunner
from airflow_sm_pipelines.local.runners.for_each_steps import ForEachStepRunner
from airflow_sm_pipelines.local.runners.instant_steps import (
    ConditionStepRunner,
    FailStepRunner,
    ModelStepRunner,
    RegisterModelStepRunner,
)
from airflow_sm_pipelines.local.runners.job_steps import JobStepRunner
from airflow_sm_pipelines.local.runners.step import StepRunner

RUNNERS: Final[Mapping[str, type[StepRunner]]] = {
    "Callback": CallbackStepRunner,
    "Condition": ConditionStepRunner,
    "Fail": FailStepRunner,
    "ForEach": ForEachStepRunner,
    "Model": ModelStepRunner,
    "Processing": JobStepRunner,
    "RegisterModel": RegisterModelStepRunner,
    "Training": JobStepRunner,
}
"""The runner of each step type that the local endpoint runs."""

JOBS: Final[tuple[type[Job], ...]] = (ProcessingJob, TrainingJob)
"""The kinds of jobs that the local endpoint runs."""
