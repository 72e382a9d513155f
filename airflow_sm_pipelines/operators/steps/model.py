"""Steps that make models and register them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.definition.expressions import PropertyReference
from airflow_sm_pipelines.operators.steps.base import merge_arguments
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import (
    optional,
    refuse_without_effect,
    require_dict,
    require_list,
)


class SageMakerModelStepOperator(SageMakerStepOperator):
    """
    A SageMaker model, as a step of a pipeline.

    For several containers give ``arguments={"Containers": [...]}``.

    :param image_uri: the inference container's image.
    :param model_data: the S3 URI of the model, such as ``train.model_artifacts``.
    :param environment: environment variables of the container.
    """

    def __init__(
        self,
        *,
        image_uri: Any = None,
        model_data: Any = None,
        environment: Mapping[str, Any] | None = None,
        step_type: str = "Model",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.image_uri = image_uri
        self.model_data = model_data
        self.environment = optional(require_dict, self, "environment", environment)

    @property
    def model_name(self) -> PropertyReference:
        """The model's name, for other steps."""
        return self.properties.ModelName

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateModel request has by default."""
        return {"ExecutionRoleArn": self.settings.role_arn}

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateModel request that the keywords make."""
        container = {"Image": self.image_uri, "ModelDataUrl": self.model_data, "Environment": self.environment}
        return {"ExecutionRoleArn": self.role_arn, "PrimaryContainer": merge_arguments({}, container) or None}


class SageMakerRegisterModelStepOperator(SageMakerStepOperator):
    """
    A model package in the model registry, as a step of a pipeline.

    ``job_arn`` in the XCom ``step_report`` is the model package's ARN.

    :param model_package_group_name: the group the package is registered in.
    :param image_uri: the inference container's image.
    :param model_data: the S3 URI of the model, such as ``train.model_artifacts``.
    :param content_types: MIME types the container takes; by default ``["text/csv"]``.
    :param response_types: MIME types the container answers with; by default ``["text/csv"]``.
    :param inference_instances: instance types it may be hosted on.
    :param transform_instances: instance types it may run batch transforms on.
    :param approval_status: ``PendingManualApproval``, as by default, ``Approved`` or ``Rejected``.
    :param model_metrics: the S3 URI of a JSON file with the model's quality metrics, shown in the registry, such as
        ``evaluate.property_files["metrics"]``.
    :param model_package_description: shown in the registry. ``description`` is the step's own.
    """

    def __init__(
        self,
        *,
        model_package_group_name: Any,
        image_uri: Any = None,
        model_data: Any = None,
        content_types: Sequence[str] | None = None,
        response_types: Sequence[str] | None = None,
        inference_instances: Sequence[str] | None = None,
        transform_instances: Sequence[str] | None = None,
        approval_status: Any = None,
        model_metrics: Any = None,
        model_package_description: Any = None,
        step_type: str = "RegisterModel",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.model_package_group_name = model_package_group_name
        self.image_uri = image_uri
        self.model_data = model_data
        self.content_types = optional(require_list, self, "content_types", content_types)
        self.response_types = optional(require_list, self, "response_types", response_types)
        self.inference_instances = optional(require_list, self, "inference_instances", inference_instances)
        self.transform_instances = optional(require_list, self, "transform_instances", transform_instances)
        self.approval_status = approval_status
        self.model_metrics = model_metrics
        self.model_package_description = model_package_description
        if image_uri is None:
            refuse_without_effect(
                self,
                "model_data",
                model_data,
                "it belongs to the container that image_uri names. Give image_uri=..., too, or ModelDataUrl with the "
                "containers in arguments.",
            )

    @property
    def model_package_arn(self) -> PropertyReference:
        """The ARN of the registered model package, for other steps."""
        return self.properties.ModelPackageArn

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateModelPackage request has by default."""
        request: dict[str, Any] = {"ModelApprovalStatus": "PendingManualApproval"}
        if self.image_uri is not None or "InferenceSpecification" in self.arguments:
            types = ["text/csv"]
            request["InferenceSpecification"] = {"SupportedContentTypes": types, "SupportedResponseMIMETypes": types}
        return request

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateModelPackage request that the keywords make."""
        request: dict[str, Any] = {
            "ModelPackageGroupName": self.model_package_group_name,
            "ModelApprovalStatus": self.approval_status,
            "ModelPackageDescription": self.model_package_description,
        }
        container = {"Image": self.image_uri, "ModelDataUrl": self.model_data}
        specification = {
            "Containers": None if self.image_uri is None else [merge_arguments({}, container)],
            "SupportedContentTypes": self.content_types,
            "SupportedResponseMIMETypes": self.response_types,
            "SupportedRealtimeInferenceInstanceTypes": self.inference_instances,
            "SupportedTransformInstanceTypes": self.transform_instances,
        }
        if any(value is not None for value in specification.values()):
            request["InferenceSpecification"] = specification
        if self.model_metrics is not None:
            statistics = {"ContentType": "application/json", "S3Uri": self.model_metrics}
            request["ModelMetrics"] = {"ModelQuality": {"Statistics": statistics}}
        return request
