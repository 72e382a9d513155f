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


_JobsOf = Callable[[Region], Jobs[Any]]


def _create(jobs_of: _JobsOf, kind: str) -> Operation:
    def create(region: Region, request: Request) -> Response:
        job: Job = jobs_of(region).create(request[f"{kind}JobName"], request)
        with region.store.lock:
            region.store.tags[job.arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        return {f"{kind}JobArn": job.arn}

    return create


def _describe(jobs_of: _JobsOf, kind: str) -> Operation:
    def describe(region: Region, request: Request) -> Response:
        job: Job = jobs_of(region).get(request[f"{kind}JobName"])
        return job.describe()

    return describe


def _stop(jobs_of: _JobsOf, kind: str) -> Operation:
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


def _list(jobs_of: _JobsOf, kind: str) -> Operation:
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


def _operations(jobs_of: _JobsOf, kind: str) -> dict[str, Operation]:
    return {
        f"Create{kind}Job": _create(jobs_of, kind),
        f"Describe{kind}Job": _describe(jobs_of, kind),
        f"List{kind}Jobs": _list(jobs_of, kind),
        f"Stop{kind}Job": _stop(jobs_of, kind),
    }


OPERATIONS: Mapping[str, Operation] = {
    **_operations(lambda region: region.processing_jobs, "Processing"),
    **_operations(lambda region: region.training_jobs, "Training"),
}
