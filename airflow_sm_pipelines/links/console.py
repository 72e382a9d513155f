"""Addresses of pages about executions, jobs and logs: in the AWS console, or of the local endpoint.

Plain text in, plain text out. No link is better than a wrong one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from airflow_sm_pipelines.definition.step_types import RESOURCES
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn
from airflow_sm_pipelines.execution.logs import log_location
from airflow_sm_pipelines.execution.pages import LOG_PAGES, PAGES

_CONSOLE: Mapping[str, str] = MappingProxyType(
    {
        "aws": "console.aws.amazon.com",
        "aws-cn": "console.amazonaws.cn",
        "aws-us-gov": "console.amazonaws-us-gov.com",
        "aws-eusc": "console.amazonaws-eusc.eu",
    }
)
"""The console's host by partition. The isolated partitions (aws-iso and others) have no public console."""

_AWS: Final = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn")
"""What the hosts of AWS's own endpoints end with, VPC endpoints among them."""


def is_aws(endpoint_url: str) -> bool:
    """Say whether an endpoint is AWS's own, so that the console shows what it is asked for.

    :param endpoint_url: what a client calls.
    """
    return (urlsplit(endpoint_url).hostname or "").endswith(_AWS)


@dataclass(frozen=True)
class Console:
    """Who shows what an endpoint is asked about.

    :param studio_domain_id: the SageMaker Studio domain in which people look at pipelines, such as ``d-ndkfwlyrojeq``.
    :param endpoint_url: the endpoint, where it is not AWS's own.
    :param has_pages: the endpoint is the local one, which has its own pages.
    """

    studio_domain_id: str | None = None
    endpoint_url: str | None = None
    has_pages: bool = False

    def execution_url(self, pipeline_execution_arn: str, created_by_domain: str | None = None) -> str | None:
        """The page of a pipeline execution.

        Executions are shown in SageMaker Studio, whose address holds the id of a Studio domain. Without one the link
        goes to the pipeline's page in the console.

        :param pipeline_execution_arn: the execution.
        :param created_by_domain: the Studio domain that DescribePipelineExecution names, for executions that were
            started from Studio. The console's own goes before it.
        :return: ``None`` where there is no such page.
        :raises PipelineExecutionError: when the text is not the ARN of a pipeline execution.
        """
        arn = PipelineExecutionArn.parse(pipeline_execution_arn)
        host = _CONSOLE.get(arn.partition)
        if self.endpoint_url is not None:
            return self._page(PAGES, str(arn))
        if host is None:
            return None
        pipeline = quote(arn.pipeline_name, safe="")
        domain = self.studio_domain_id or created_by_domain
        if domain and arn.partition == "aws":
            return (
                f"https://studio-{domain}.studio.{arn.region}.sagemaker.aws/pipelines/view/"
                f"{pipeline}/executions/{quote(arn.execution_id, safe='')}/graph"
            )
        return f"https://{host}/sagemaker/home?region={arn.region}#/pipelines/{pipeline}"

    def job_url(self, job_arn: str) -> str | None:
        """The page of the job, model or endpoint that a step made.

        :param job_arn: the resource.
        :return: ``None`` for a resource without such a page (model packages are shown in Studio only), and where
            nobody shows it.
        :raises PipelineExecutionError: when the text is not an ARN.
        """
        arn = ResourceArn.parse(job_arn)
        resource = RESOURCES.get(arn.resource_type) if arn.service == "sagemaker" else None
        if self.endpoint_url is not None:
            return self._page(PAGES, job_arn) if resource is not None and resource.is_listed else None
        host = _CONSOLE.get(arn.partition)
        if host is None or resource is None or resource.console_page is None:
            return None
        page = f"{resource.console_page}/{quote(arn.resource_id, safe='')}"
        return f"https://{host}/sagemaker/home?region={arn.region}#/{page}"

    def log_url(self, job_arn: str) -> str | None:
        """The log streams of a job in CloudWatch.

        :param job_arn: the job.
        :return: ``None`` for a resource without a log, and where nobody shows it.
        :raises PipelineExecutionError: when the text is not an ARN.
        """
        arn = ResourceArn.parse(job_arn)
        location = log_location(job_arn)
        if location is None:
            return None
        if self.endpoint_url is not None:
            return self._page(LOG_PAGES, job_arn)
        host = _CONSOLE.get(arn.partition)
        if host is None:
            return None
        return (
            f"https://{host}/cloudwatch/home?region={arn.region}#logsV2:log-groups/log-group/"
            f"{_fragment(location.group)}{_fragment('?logStreamNameFilter=', times=1)}"
            f"{_fragment(location.stream_prefix)}"
        )

    def _page(self, where: str, arn: str) -> str | None:
        return f"{str(self.endpoint_url).rstrip('/')}{where}{arn}" if self.has_pages else None


def _fragment(text: str, times: int = 2) -> str:
    """Quote as the CloudWatch console wants it after ``#``: values twice, syntax once, ``$`` for ``%``."""
    for _ in range(times):
        text = quote(text, safe="")
    return text.replace("%", "$")
