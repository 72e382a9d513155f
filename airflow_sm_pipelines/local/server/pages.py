"""Pages for people, which Airflow's links lead to: an execution with its steps, a job, a job's log. Text, read only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn
from airflow_sm_pipelines.execution.logs import log_location
from airflow_sm_pipelines.execution.pages import LOG_PAGES, PAGES
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.local.errors import ResourceNotFoundError
from airflow_sm_pipelines.local.region import Region, Regions
from airflow_sm_pipelines.local.server import executions, jobs


def page_at(path: str, regions: Regions) -> str:
    """Return the text of a page.

    :param path: of the request; begins with :data:`~airflow_sm_pipelines.execution.pages.PAGES`.
    :param regions: what there is.
    :raises ServiceError: when there is no such execution or job.
    """
    is_log = path.startswith(LOG_PAGES)
    arn = path.removeprefix(LOG_PAGES if is_log else PAGES)
    try:
        region = next((each for each in regions.all() if each.name == ResourceArn.parse(arn).region), None)
        if region is None:
            raise ResourceNotFoundError(f"The local endpoint has nothing in the region of {arn}.")
        if is_log:
            lines: Iterator[str] = _log(region, arn)
        elif "/execution/" in arn:
            lines = _execution(region, PipelineExecutionArn.parse(arn))
        else:
            lines = _job(region, ResourceArn.parse(arn))
        return "\n".join(lines) + "\n"
    except PipelineExecutionError as error:
        raise ResourceNotFoundError(str(error)) from None


def _execution(region: Region, arn: PipelineExecutionArn) -> Iterator[str]:
    asked = {"PipelineExecutionArn": str(arn), "SortOrder": "Ascending", "MaxResults": 100}
    steps: list[Mapping[str, Any]] = []
    while True:
        answer = executions.list_pipeline_execution_steps(region, asked)
        steps.extend(answer["PipelineExecutionSteps"])
        if "NextToken" not in answer:
            break
        asked["NextToken"] = answer["NextToken"]
    snapshot = ExecutionSnapshot.from_responses(executions.describe_pipeline_execution(region, asked), steps)
    yield f"Execution {arn}"
    yield f"is {snapshot.status}" + (f": {snapshot.failure_reason}" if snapshot.failure_reason else "")
    for step in snapshot.steps.values():
        yield ""
        yield from _step(step)


def _step(step: StepSnapshot) -> Iterator[str]:
    yield f"{step.name} ({step.type or 'step'}) is {step.status}" + (f": {step.reason}" if step.reason else "")
    for label, time in (("started", step.start_time), ("ended", step.end_time)):
        if time is not None:
            yield f"    {label} {time.isoformat(timespec='seconds')}"
    if step.condition_outcome is not None:
        yield f"    outcome {step.condition_outcome}"
    if step.job_arn:
        yield f"    {step.job_arn}"
        if log_location(step.job_arn) is not None:
            yield f"    its description is at {PAGES}{step.job_arn}"
            yield f"    its log is at {LOG_PAGES}{step.job_arn}"


def _job(region: Region, arn: ResourceArn) -> Iterator[str]:
    resource = RESOURCES.get(arn.resource_type)
    describe = None if resource is None else jobs.OPERATIONS.get(f"Describe{resource.api}")
    if resource is None or describe is None:
        raise ResourceNotFoundError(f"The local endpoint has no page for {arn.resource_type}.")
    answer = describe(region, {f"{resource.api}Name": arn.resource_id})
    yield json.dumps(answer, indent=2, default=str)


def _log(region: Region, job_arn: str) -> Iterator[str]:
    location = log_location(job_arn)
    if location is None:
        raise ResourceNotFoundError(f"{job_arn} has no log.")
    client = region.services.clients["logs"]
    streams = client.get_paginator("describe_log_streams").paginate(
        logGroupName=location.group, logStreamNamePrefix=location.stream_prefix
    )
    for stream in (stream for page in streams for stream in page["logStreams"]):
        asked = {"logGroupName": location.group, "logStreamName": stream["logStreamName"], "startFromHead": True}
        while True:
            answer = client.get_log_events(**asked)
            yield from (event["message"] for event in answer["events"])
            if not answer["events"] or answer["nextForwardToken"] == asked.get("nextToken"):
                break
            asked["nextToken"] = answer["nextForwardToken"]
