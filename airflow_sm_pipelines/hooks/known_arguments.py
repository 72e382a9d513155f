"""Arguments of requests that need a newer boto3 than the oldest supported one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import boto3

from airflow_sm_pipelines.exceptions import SageMakerServiceError

SINCE: Final[Mapping[str, str]] = {
    "PipelineVersionId": "1.39.5",
    "MlflowExperimentName": "1.42.2",
    "PipelineVersionAlias": "1.43.127",
}
"""The first boto3 that knows them, read off botocore's models of the releases."""


def require_known(operation: Any, arguments: Iterable[str]) -> None:
    """Raise where the installed botocore would refuse a request since it is too old for it.

    :param operation: botocore's model of the operation.
    :param arguments: the names of the request's arguments.
    :raises SageMakerServiceError: names the boto3 to install.
    """
    known = operation.input_shape.members if operation.input_shape else {}
    for name in arguments:
        if name not in known and name in SINCE:
            raise SageMakerServiceError(
                f"{operation.name} takes {name} from boto3 {SINCE[name]} on, and {boto3.__version__} is installed. "
                f"Install boto3>={SINCE[name]}, or leave the argument out"
            )
