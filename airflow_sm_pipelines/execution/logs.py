"""Where the jobs of steps write their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

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


@dataclass(frozen=True)
class LogEvent:
    """A line of a log.

    :param time: when it was written.
    :param message: the line, without its end.
    """

    time: datetime
    message: str

    @classmethod
    def from_response(cls, event: Mapping[str, Any]) -> LogEvent:
        """Read one of the ``events`` of GetLogEvents.

        :param event: as boto3 returns it.
        """
        time = datetime.fromtimestamp(event["timestamp"] / 1000, timezone.utc)
        return cls(time, str(event["message"]).rstrip("\n"))


def log_location(job_arn: str) -> LogLocation | None:
    """Say where a job logs.

    :param job_arn: the ARN of a job, as a step's metadata gives it.
    :return: ``None`` for a resource that has no log, such as a model package.
    :raises PipelineExecutionError: when the text is not an ARN.
    """
    arn = ResourceArn.parse(job_arn)
    resource = RESOURCES.get(arn.resource_type)
    if resource is None or resource.log_group is None:
        return None
    return LogLocation(resource.log_group, f"{arn.resource_id}/")
