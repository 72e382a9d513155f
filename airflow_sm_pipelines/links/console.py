"""Addresses of pages in the AWS console. Plain text in, plain text out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import quote

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn
from airflow_sm_pipelines.execution.logs import log_location

_CONSOLE: Mapping[str, str] = MappingProxyType(
    {
        "aws": "console.aws.amazon.com",
        "aws-cn": "console.amazonaws.cn",
        "aws-us-gov": "console.amazonaws-us-gov.com",
        "aws-eusc": "console.amazonaws-eusc.eu",
    }
)
"""The console's host by partition. The isolated partitions (aws-iso and others) have no public console: no link is
better than a wrong one."""


def execution_url(pipeline_execution_arn: str, studio_domain: str | None = None) -> str | None:
    """The page of a pipeline execution.

    Pipelines are shown in SageMaker Studio only, whose address holds the id of a Studio domain. Without one
    the link goes to the console's door to Studio; there the pipeline is found by name.

    :param pipeline_execution_arn: the execution.
    :param studio_domain: such as ``d-ndkfwlyrojeq``; DescribePipelineExecution names it for executions that
        were started from Studio.
    :return: ``None`` where the partition has no public console.
    :raises PipelineExecutionError: when the text is not the ARN of a pipeline execution.
    """
    arn = PipelineExecutionArn.parse(pipeline_execution_arn)
    host = _CONSOLE.get(arn.partition)
    if host is None:
        return None
    if studio_domain and arn.partition == "aws":
        return (
            f"https://studio-{studio_domain}.studio.{arn.region}.sagemaker.aws/pipelines/view/"
            f"{quote(arn.pipeline_name, safe='')}/executions/{quote(arn.execution_id, safe='')}/graph"
        )
    return f"https://{host}/sagemaker/home?region={arn.region}#/studio-landing"


def job_url(job_arn: str) -> str | None:
    """The page of the job, model or endpoint that a step made.

    :param job_arn: the resource.
    :return: ``None`` for a resource without such a page (model packages are shown in Studio only), and
        where the partition has no public console.
    :raises PipelineExecutionError: when the text is no ARN.
    """
    arn = ResourceArn.parse(job_arn)
    host = _CONSOLE.get(arn.partition)
    resource = RESOURCES.get(arn.resource_type) if arn.service == "sagemaker" else None
    if host is None or resource is None or resource.console_page is None:
        return None
    page = f"{resource.console_page}/{quote(arn.resource_id, safe='')}"
    return f"https://{host}/sagemaker/home?region={arn.region}#/{page}"


def log_url(job_arn: str) -> str | None:
    """The log streams of a job in CloudWatch.

    :param job_arn: the job.
    :return: ``None`` for a resource without a log, and where the partition has no public console.
    :raises PipelineExecutionError: when the text is no ARN.
    """
    arn = ResourceArn.parse(job_arn)
    host = _CONSOLE.get(arn.partition)
    location = log_location(job_arn)
    if host is None or location is None:
        return None
    return (
        f"https://{host}/cloudwatch/home?region={arn.region}#logsV2:log-groups/log-group/"
        f"{_fragment(location.group)}{_fragment('?logStreamNameFilter=', times=1)}"
        f"{_fragment(location.stream_prefix)}"
    )


def _fragment(text: str, times: int = 2) -> str:
    """Quote as the CloudWatch console wants it after ``#``: values twice, syntax once, ``$`` for ``%``."""
    for _ in range(times):
        text = quote(text, safe="")
    return text.replace("%", "$")
