"""Where the jobs of steps write their logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from airflow_sm_pipelines.execution.arn import ResourceArn

#: By the resource type of the job's ARN; as AWS's guide "Log groups and streams that SageMaker sends to
#: CloudWatch Logs" has them.
_LOG_GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "processing-job": "/aws/sagemaker/ProcessingJobs",
        "training-job": "/aws/sagemaker/TrainingJobs",
        "transform-job": "/aws/sagemaker/TransformJobs",
    }
)


#: CloudWatch Logs gives no more in one answer (GetLogEvents).
MOST_LOG_LINES: Final = 10_000


@dataclass(frozen=True)
class LogLocation:
    """The CloudWatch Logs streams of one job.

    :param group: the log group.
    :param stream_prefix: what the names of the job's streams begin with (one stream for each instance).
    """

    group: str
    stream_prefix: str


def log_lines_problem(log_lines: object) -> str | None:
    """Say what is wrong with a number of lines to show of a job's log; ``None`` when nothing is.

    :param log_lines: the number.
    """
    is_number = isinstance(log_lines, int) and not isinstance(log_lines, bool)
    if is_number and 0 <= log_lines <= MOST_LOG_LINES:  # type: ignore[operator]  # a number by then
        return None
    return f"log_lines={log_lines!r} is no whole number from 0 to {MOST_LOG_LINES}."


def log_location(job_arn: str) -> LogLocation | None:
    """Say where a job logs.

    :param job_arn: the ARN of a job, as a step's metadata gives it.
    :return: ``None`` for a resource that has no log, such as a model package.
    :raises PipelineExecutionError: when the text is no ARN.
    """
    arn = ResourceArn.parse(job_arn)
    group = _LOG_GROUPS.get(arn.resource_type)
    return None if group is None else LogLocation(group, f"{arn.resource_id}/")
