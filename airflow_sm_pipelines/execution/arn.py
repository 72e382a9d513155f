"""Amazon resource names: of pipeline executions, and of the jobs and resources their steps make."""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_sm_pipelines.exceptions import PipelineExecutionError

_EXECUTION_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z\-]*):sagemaker:(?P<region>[a-z0-9\-]+):(?P<account_id>[0-9]{12}):"
    r"pipeline/(?P<pipeline_name>[^/\s]+)/execution/(?P<execution_id>[^/\s]+)"
)
"""As botocore's service model writes ``PipelineExecutionArn``, with the partition, region and name spelt out."""


@dataclass(frozen=True)
class PipelineExecutionArn:
    """The name of one pipeline execution, in its parts. ``str()`` gives the ARN back.

    :param partition: ``aws``, ``aws-cn``, ``aws-us-gov``, ...
    :param region: the region the execution runs in.
    :param account_id: twelve digits.
    :param pipeline_name: the pipeline's name as the ARN has it. Older executions have it in lower case,
        so do not compare it with the name that was created.
    :param execution_id: twelve lower-case letters and digits; also the first part of its jobs' names.
    """

    partition: str
    region: str
    account_id: str
    pipeline_name: str
    execution_id: str

    @classmethod
    def parse(cls, text: object) -> PipelineExecutionArn:
        """Take an ARN apart.

        :param text: ``arn:aws:sagemaker:<region>:<account>:pipeline/<name>/execution/<id>``; what an XCom holds may be
            anything.
        :raises PipelineExecutionError: for anything else. The message names the text and the expected form.
        """
        match = _EXECUTION_ARN.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise PipelineExecutionError(
                f"{text!r} is not the ARN of a pipeline execution; expected "
                "'arn:aws:sagemaker:<region>:<account>:pipeline/<pipeline name>/execution/<execution id>'"
            )
        return cls(**match.groupdict())

    @property
    def pipeline_arn(self) -> str:
        """The ARN of the pipeline that this is an execution of."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:pipeline/{self.pipeline_name}"

    def __str__(self) -> str:
        return f"{self.pipeline_arn}/execution/{self.execution_id}"


@dataclass(frozen=True)
class ResourceArn:
    """Any resource's name in its parts, such as the job that a step ran. ``str()`` gives the ARN back.

    :param partition: ``aws``, ``aws-cn``, ``aws-us-gov``, ...
    :param service: ``sagemaker``, ``lambda``, ``iam``, ...
    :param region: may be empty (IAM has none).
    :param account_id: may be empty (S3 has none), or ``aws`` for public content.
    :param resource_type: what stands before the first ``/`` or ``:``; empty where there is none.
    :param resource_id: what stands after it, with further ``/`` and ``:`` kept.
    :param separator: the character between the two; empty where there is no type.
    """

    partition: str
    service: str
    region: str
    account_id: str
    resource_type: str
    resource_id: str
    separator: str = "/"

    @classmethod
    def parse(cls, text: str) -> ResourceArn:
        """Take an ARN apart.

        Does not check that the service has such a resource type.

        :param text: ``arn:<partition>:<service>:<region>:<account>:<resource>``.
        :raises PipelineExecutionError: for anything else. The message names the text and the expected form.
        """
        parts = text.split(":", 5)
        if len(parts) != 6 or parts[0] != "arn" or not parts[1] or not parts[2] or not parts[5]:
            raise PipelineExecutionError(
                f"{text!r} is not an ARN; expected 'arn:<partition>:<service>:<region>:<account>:<resource>'"
            )
        _, partition, service, region, account_id, resource = parts
        match = re.search("[/:]", resource)
        if match is None:
            return cls(partition, service, region, account_id, "", resource, separator="")
        resource_type, resource_id = resource[: match.start()], resource[match.end() :]
        return cls(partition, service, region, account_id, resource_type, resource_id, match.group())

    def __str__(self) -> str:
        return (
            f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:"
            f"{self.resource_type}{self.separator}{self.resource_id}"
        )
