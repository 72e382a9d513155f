"""Operations on jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from airflow_sm_pipelines.local.errors import ResourceNotFoundError, ValidationError
from airflow_sm_pipelines.local.jobs.ended import EndedJob
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.runners.registry import JOBS
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.listing import created_within, page

Operation = Callable[[Region, Request], Response]

_MORE_IN_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "ProcessingJob": ("FailureReason", "ExitMessage"),
    "HyperParameterTuningJob": (
        *("Strategy", "ResourceLimits"),
        *("TrainingJobStatusCounters", "ObjectiveStatusCounters"),
    ),
}
"""What lists of one kind of job show besides what all of them do."""


def jobs_of(region: Region, api: str) -> Jobs[Any]:
    """The jobs of one kind.

    :param region: the region.
    :param api: how the API calls the kind.
    """
    return next(jobs for jobs in region.services.jobs if jobs.resource.api == api)


def _create(api: str, region: Region, request: Request) -> Response:
    job: Job = jobs_of(region, api).create(request[f"{api}Name"], request)
    return {f"{api}Arn": job.arn}


def _describe(api: str, region: Region, request: Request) -> Response:
    job: Job | EndedJob = jobs_of(region, api).get(request[f"{api}Name"])
    return job.describe()


def _stop(api: str, region: Region, request: Request) -> Response:
    try:
        job: Job | EndedJob = jobs_of(region, api).get(request[f"{api}Name"])
    except ValidationError as error:
        raise ResourceNotFoundError(error.message) from error
    if not job.stop():
        kind = job.resource.type.replace("-", " ")
        raise ValidationError(f"The request was rejected because the {kind} is in status {job.status}.")
    return {}


def _list(api: str, region: Region, request: Request) -> Response:
    name, status, end = f"{api}Name", f"{api}Status", f"{api.removesuffix('Job')}EndTime"
    members = [name, f"{api}Arn", status, "CreationTime", "LastModifiedTime", end, *_MORE_IN_LISTS.get(api, ())]
    sort_key = {"Name": name, "Status": status}.get(request.get("SortBy", "CreationTime"), "CreationTime")
    described = [{**job.describe(), "LastModifiedTime": job.modified_time} for job in jobs_of(region, api).all()]
    shown, more = page(
        (
            job
            for job in described
            if request.get("NameContains", "") in job[name]
            and request.get("StatusEquals", job[status]) == job[status]
            and created_within(job["CreationTime"], request, "CreationTimeAfter", "CreationTimeBefore")
            and created_within(job["LastModifiedTime"], request, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
        ),
        request,
        key=lambda job: job[sort_key],
        identity=lambda job: job[name],
        default_size=10,
    )
    found = [{**job, **job.get("HyperParameterTuningJobConfig", {})} for job in shown]
    return {f"{api}Summaries": [{member: job[member] for member in members if member in job} for job in found], **more}


OPERATIONS: Mapping[str, Operation] = {
    f"{verb}{job.resource.api}{ending}": partial(operation, job.resource.api)
    for job in JOBS
    for verb, ending, operation in (
        ("Create", "", _create),
        ("Describe", "", _describe),
        ("List", "s", _list),
        ("Stop", "", _stop),
    )
}
"""The operations by name, for each kind of job that the local endpoint runs."""
