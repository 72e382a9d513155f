"""What was running when an endpoint ended has failed. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.jobs.training import SECONDARY_MESSAGES
from airflow_sm_pipelines.local.persistence.plain import from_plain, to_plain
from airflow_sm_pipelines.local.persistence.records import Document
from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord
from airflow_sm_pipelines.local.tuning.standings import objective_counters, training_job_counters

EXECUTION_REASON: Final = (
    "The local endpoint ended while the execution was running. RetryPipelineExecution runs what is left of it."
)
STEP_REASON: Final = "InternalServerError: the local endpoint ended while the step was running."
JOB_REASON: Final = "InternalServerError: the local endpoint ended while the job was running."

_RUNNING_JOBS: Final = ("InProgress", "Stopping")


def interrupt_execution(execution: ExecutionRecord, moment: dt.datetime) -> list[StepRecord]:
    """Have an execution failed that was running, with its steps that were.

    :param execution: the execution; changed. One that has ended stays as it is.
    :param moment: the time now.
    :return: the steps that have changed.
    """
    if execution.status.is_terminal:
        return []
    execution.status = ExecutionStatus.FAILED
    execution.failure_reason = EXECUTION_REASON
    execution.last_modified_time = moment
    running = [step for step in execution.steps.values() if not step.status.is_terminal]
    for step in running:
        step.status = StepStatus.FAILED
        step.failure_reason = STEP_REASON
        step.end_time = moment
    return running


def interrupted_job(document: Document, moment: dt.datetime) -> Document:
    """Return the document of a job that has failed, when it is that of one that was running; else the same.

    :param document: as :func:`~airflow_sm_pipelines.local.persistence.jobs.job_document` makes it.
    :param moment: the time now.
    """
    api: str = document["api"]
    described: dict[str, Any] = from_plain(document["description"])
    if described[f"{api}Status"] not in _RUNNING_JOBS:
        return document
    described |= {
        f"{api}Status": "Failed",
        "FailureReason": JOB_REASON,
        f"{api.removesuffix('Job')}EndTime": moment,
    }
    if "LastModifiedTime" in described:
        described["LastModifiedTime"] = moment
    if "SecondaryStatusTransitions" in described:
        described["SecondaryStatus"] = "Failed"
        *earlier, last = described["SecondaryStatusTransitions"]
        failed = {
            "Status": "Failed",
            "StartTime": moment,
            "EndTime": moment,
            "StatusMessage": SECONDARY_MESSAGES["Failed"],
        }
        described["SecondaryStatusTransitions"] = [*earlier, {**last, "EndTime": moment}, failed]
    summaries = [_interrupted_summary(each, moment) for each in from_plain(document["training_jobs"])]
    if "TrainingJobStatusCounters" in described:
        described["TrainingJobStatusCounters"] = training_job_counters(summaries)
        described["ObjectiveStatusCounters"] = objective_counters(summaries)
    return {
        **document,
        "description": to_plain(described),
        "modified_time": to_plain(moment),
        "training_jobs": to_plain(summaries),
    }


def _interrupted_summary(summary: Mapping[str, Any], moment: dt.datetime) -> dict[str, Any]:
    shown = dict(summary)
    if shown["TrainingJobStatus"] in _RUNNING_JOBS:
        shown |= {"TrainingJobStatus": "Failed", "FailureReason": JOB_REASON, "TrainingEndTime": moment}
    if shown["ObjectiveStatus"] == "Pending":
        shown["ObjectiveStatus"] = "Failed"
    return shown
