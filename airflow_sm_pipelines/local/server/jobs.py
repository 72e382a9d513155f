"""Operations on Processing and Training jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_sm_pipelines.local.errors import ResourceNotFoundError, ValidationError
from airflow_sm_pipelines.local.jobs.job import Job
from airflow_sm_pipelines.local.jobs.service import Jobs
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server.listing import created_within, page

Request = Mapping[str, Any]
Response = dict[str, Any]
Operation = Callable[[Region, Request], Response]


def _processing(region: Region) -> Jobs[Any]:
    return region.processing_jobs


def _training(region: Region) -> Jobs[Any]:
    return region.training_jobs


def _create(jobs_of: Callable[[Region], Jobs[Any]], kind: str) -> Operation:
    def create(region: Region, request: Request) -> Response:
        job: Job = jobs_of(region).create(request[f"{kind}JobName"], request)
        with region.store.lock:
            region.store.tags[job.arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        return {f"{kind}JobArn": job.arn}

    return create


def _describe(jobs_of: Callable[[Region], Jobs[Any]], kind: str) -> Operation:
    def describe(region: Region, request: Request) -> Response:
        job: Job = jobs_of(region).get(request[f"{kind}JobName"])
        return job.describe()

    return describe


def _stop(jobs_of: Callable[[Region], Jobs[Any]], kind: str) -> Operation:
    def stop(region: Region, request: Request) -> Response:
        name = request[f"{kind}JobName"]
        try:
            job: Job = jobs_of(region).get(name)
        except ValidationError as error:
            raise ResourceNotFoundError(error.message) from error
        if not job.stop():
            raise ValidationError(f"The request was rejected because the {kind.lower()} job is in status {job.status}.")
        return {}

    return stop


def _list(jobs_of: Callable[[Region], Jobs[Any]], kind: str) -> Operation:
    members: tuple[str, ...] = (
        f"{kind}JobName",
        f"{kind}JobArn",
        f"{kind}JobStatus",
        "CreationTime",
        "LastModifiedTime",
        f"{kind}EndTime",
    )
    if kind == "Processing":
        members += ("FailureReason", "ExitMessage")

    def list_(region: Region, request: Request) -> Response:
        sort_key = {"Name": f"{kind}JobName", "Status": f"{kind}JobStatus"}.get(
            request.get("SortBy", "CreationTime"), "CreationTime"
        )
        described = [job.describe() for job in jobs_of(region).all()]
        shown, more = page(
            (
                job
                for job in described
                if request.get("NameContains", "") in job[f"{kind}JobName"]
                and request.get("StatusEquals", job[f"{kind}JobStatus"]) == job[f"{kind}JobStatus"]
                and created_within(job["CreationTime"], request, "CreationTimeAfter", "CreationTimeBefore")
                and created_within(job["LastModifiedTime"], request, "LastModifiedTimeAfter", "LastModifiedTimeBefore")
            ),
            request,
            key=lambda job: job[sort_key],
            identity=lambda job: job[f"{kind}JobName"],
            default_size=10,
        )
        return {
            f"{kind}JobSummaries": [{member: job[member] for member in members if member in job} for job in shown],
            **more,
        }

    return list_


OPERATIONS: Mapping[str, Operation] = {
    "CreateProcessingJob": _create(_processing, "Processing"),
    "DescribeProcessingJob": _describe(_processing, "Processing"),
    "ListProcessingJobs": _list(_processing, "Processing"),
    "StopProcessingJob": _stop(_processing, "Processing"),
    "CreateTrainingJob": _create(_training, "Training"),
    "DescribeTrainingJob": _describe(_training, "Training"),
    "ListTrainingJobs": _list(_training, "Training"),
    "StopTrainingJob": _stop(_training, "Training"),
}
