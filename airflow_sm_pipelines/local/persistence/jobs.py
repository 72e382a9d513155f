"""Jobs as documents, and back as jobs that have ended. Pure."""

from __future__ import annotations

from typing import Any

from airflow_sm_pipelines.local.jobs.ended import EndedJob
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.persistence.plain import from_plain, to_plain
from airflow_sm_pipelines.local.persistence.records import Document
from airflow_sm_pipelines.local.tuning.job import TuningJob


def job_key(region: str, api: str, name: str) -> str:
    """What tells the document of a job from all others.

    :param region: the job's.
    :param api: how the API calls its kind.
    :param name: its name.
    """
    return f"{region}/{api}/{name}"


def job_document(job: Job | EndedJob) -> Document:
    """A job, as the API describes it now.

    :param job: the job.
    """
    summaries = job.summaries() if isinstance(job, (TuningJob, EndedJob)) else []
    kept: dict[str, Any] = {
        "api": job.resource.api,
        "name": job.name,
        "arn": job.arn,
        "tags": job.request.get("Tags", []),
        "description": job.describe(),
        "modified_time": job.modified_time,
        "training_jobs": summaries,
    }
    return {name: to_plain(value) for name, value in kept.items()}


def job_of(document: Document) -> EndedJob:
    """The job of a document.

    :param document: as :func:`job_document` makes it, of a job that has ended.
    """
    return EndedJob(**from_plain(document))
