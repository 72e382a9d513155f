"""Where the jobs of steps write their logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.execution.arn import ResourceArn

MOST_LOG_LINES: Final = 10_000
"""CloudWatch Logs gives no more in one answer (GetLogEvents)."""


@dataclass(frozen=True)
class LogLocation:
    """The CloudWatch Logs streams of one job.

    :param group: the log group.
    :param stream_prefix: what the names of the job's streams begin with (one stream for each instance).
    """

    group: str
    stream_prefix: str


def log_location(job_arn: str) -> LogLocation | None:
    """Say where a job logs.

    :param job_arn: the ARN of a job, as a step's metadata gives it.
    :return: ``None`` for a resource that has no log, such as a model package.
    :raises PipelineExecutionError: when the text is no ARN.
    """
    arn = ResourceArn.parse(job_arn)
    resource = RESOURCES.get(arn.resource_type)
    if resource is None or resource.log_group is None:
        return None
    return LogLocation(resource.log_group, f"{arn.resource_id}/")
