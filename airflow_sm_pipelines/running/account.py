"""Pipelines of an AWS account, and objects in its S3, read with the credentials of the environment.

Also those of an endpoint on this machine, by its URL. Changes nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from airflow_sm_pipelines.command_line import CommandError
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import PipelineDefinitionError

LARGEST_OBJECT: Final = 512 * 1024 * 1024
"""Code of more bytes is not read."""

_NAMED: Final = re.compile(r"(?P<name>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,255})(?:@(?P<version>[1-9][0-9]{0,9}))?")


@dataclass(frozen=True)
class NamedPipeline:
    """A pipeline by its name.

    :param name: the name.
    :param version: one of its versions; ``None`` for the latest.
    """

    name: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> NamedPipeline:
        """Read ``name`` or ``name@version``.

        :param text: what was written.
        :raises CommandError: when it is something else.
        """
        match = _NAMED.fullmatch(text)
        if match is None:
            raise CommandError(
                f"{text!r} is neither an existing file nor a pipeline name. A pipeline name has letters, digits and "
                "hyphens; add '@3' for version 3"
            )
        return cls(match["name"], None if match["version"] is None else int(match["version"]))

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}@{self.version}"


class Account:
    """What is read of an account.

    :param region: its region; ``None`` leaves it to boto3.
    :param endpoint_url: an endpoint that is asked in place of AWS.
    """

    def __init__(self, region: str | None = None, endpoint_url: str | None = None) -> None:
        self._region = region
        self._endpoint_url = endpoint_url

    def pipeline(self, named: NamedPipeline) -> dict[str, Any]:
        """Return the response of DescribePipeline.

        :param named: the pipeline.
        :raises CommandError: in the service's words.
        """
        version = {} if named.version is None else {"PipelineVersionId": named.version}
        with service_words():
            response: dict[str, Any] = self.client("sagemaker").describe_pipeline(PipelineName=named.name, **version)
        return response

    def definition(self, named: NamedPipeline) -> PipelineDefinition:
        """Return the definition of a pipeline.

        :param named: the pipeline.
        :raises CommandError: in the service's words, and when the definition cannot be read.
        """
        text = str(self.pipeline(named)["PipelineDefinition"])
        try:
            return PipelineDefinition.from_json(text)
        except PipelineDefinitionError as error:
            raise CommandError(f"pipeline {named}: {error}") from None

    def keys(self, bucket: str, prefix: str) -> list[str]:
        """Return the keys of all objects under an S3 prefix, sorted.

        :param bucket: the bucket.
        :param prefix: the prefix.
        :raises CommandError: in S3's words.
        """
        with service_words():
            pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return sorted(entry["Key"] for page in pages for entry in page.get("Contents", ()))

    def read(self, bucket: str, key: str) -> bytes:
        """Return the content of an object.

        :param bucket: its bucket.
        :param key: its key.
        :raises CommandError: in S3's words, and when it is larger than :data:`LARGEST_OBJECT`.
        """
        with service_words():
            response = self.client("s3").get_object(Bucket=bucket, Key=key)
            with response["Body"] as body:
                if response["ContentLength"] > LARGEST_OBJECT:
                    raise CommandError(
                        f"s3://{bucket}/{key} has {response['ContentLength']} bytes. Code of more than "
                        f"{LARGEST_OBJECT} bytes is not read"
                    )
                return bytes(body.read())

    def client(self, service: str) -> Any:
        """Return a boto3 client.

        :param service: such as ``sagemaker``.
        :raises CommandError: boto3 cannot make one, such as without a region.
        """
        if service not in self._clients:
            with service_words():
                self._clients[service] = self._session.client(service, endpoint_url=self._endpoint_url)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session(region_name=self._region)


@contextmanager
def service_words() -> Iterator[None]:
    """Report an error of a service, or of its client, as a CommandError in the service's words."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        details = error.response.get("Error", {})
        words = f"{details.get('Code', 'Unknown')}: {details.get('Message', error)}"
        raise CommandError(f"{error.operation_name} failed: {words}") from None
    except BotoCoreError as error:
        raise CommandError(str(error)) from None
