"""What moto gets wrong in entries that it keeps for SageMaker, put right before it is asked.

Where it would lose something without a word, the request is refused; where the service refuses, so do we, in its words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request

Preparation = Callable[[Region, Request], Request]
"""Returns the request that moto is asked with, or refuses it. No other creation or change is made meanwhile."""

_NOT_UPDATED: Final = (
    "InferenceSpecification",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
    "SourceUri",
)


def _create_endpoint_config(region: Region, request: Request) -> Request:
    """CreateEndpointConfig: moto would put the new configuration in the place of one that has the name."""
    name = request["EndpointConfigName"]
    if _is_there(region.host.clients["sagemaker"].describe_endpoint_config, EndpointConfigName=name):
        raise ValidationError(f"Cannot create already existing endpoint configuration '{name}'.")
    return request


def _create_model_package_group(region: Region, request: Request) -> Request:
    """CreateModelPackageGroup: the same of a group."""
    name = request["ModelPackageGroupName"]
    if _is_there(region.host.clients["sagemaker"].describe_model_package_group, ModelPackageGroupName=name):
        arn = resource_arn(region.name, "model-package-group", name)
        raise ValidationError(f"Model Package Group already exists: {arn}")
    return request


def _update_model_package(region: Region, request: Request) -> Request:
    """UpdateModelPackage: moto forgets what the request does not name, and does not say what it cannot change."""
    lost = [member for member in _NOT_UPDATED if member in request]
    if lost:
        raise ValidationError(f"The local endpoint does not update {', '.join(lost)} of model packages.")
    try:
        there = region.host.clients["sagemaker"].describe_model_package(ModelPackageName=request["ModelPackageArn"])
    except ClientError:
        return request  # moto has the words for it
    stays: dict[str, Any] = {key: there[key] for key in ("ModelApprovalStatus", "ApprovalDescription") if key in there}
    changed = {**stays, **request}
    removed = changed.pop("CustomerMetadataPropertiesToRemove", ())
    properties = {**there.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
    changed["CustomerMetadataProperties"] = {key: value for key, value in properties.items() if key not in removed}
    return changed


PREPARATIONS: Final[Mapping[str, Preparation]] = {
    "CreateEndpointConfig": _create_endpoint_config,
    "CreateModelPackageGroup": _create_model_package_group,
    "UpdateModelPackage": _update_model_package,
}
"""What is done before moto is asked, by operation."""


def _is_there(describe: Callable[..., Any], **name: str) -> bool:
    try:
        describe(**name)
    except ClientError:
        return False
    return True
