"""Steps that put a model behind an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.expressions import PropertyReference
from airflow_sm_pipelines.operators.steps.base import merge_arguments
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import refuse_without_effect


class SageMakerEndpointConfigStepOperator(SageMakerStepOperator):
    """
    An endpoint configuration with one variant, as a step of a pipeline.

    For several variants give ``arguments={"ProductionVariants": [...]}``.

    :param endpoint_config_name: its name. Names are unique; ``Join`` in the execution's id for one each run.
    :param model_name: the model, such as ``model.model_name``.
    :param instance_type: such as ``ml.m5.xlarge``.
    :param initial_instance_count: how many instances; by default 1.
    :param variant_name: the variant's name; by default ``AllTraffic``.
    """

    def __init__(
        self,
        *,
        endpoint_config_name: Any,
        model_name: Any = None,
        instance_type: Any = None,
        initial_instance_count: Any = None,
        variant_name: Any = None,
        step_type: str = "EndpointConfig",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self._endpoint_config_name = endpoint_config_name
        self.model_name = model_name
        self.instance_type = instance_type
        self.initial_instance_count = initial_instance_count
        self.variant_name = variant_name
        if "ProductionVariants" in self.arguments:
            for keyword in ("model_name", "instance_type", "initial_instance_count", "variant_name"):
                refuse_without_effect(
                    self,
                    keyword,
                    getattr(self, keyword),
                    "arguments already give the ProductionVariants. Give it there, or leave them out.",
                )

    @property
    def endpoint_config_name(self) -> PropertyReference:
        """The configuration's name, for other steps."""
        return self.properties.EndpointConfigName

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateEndpointConfig request that the keywords make."""
        request: dict[str, Any] = {"EndpointConfigName": self._endpoint_config_name, "ExecutionRoleArn": self.role_arn}
        if "ProductionVariants" not in self.arguments:
            variant = {
                "VariantName": "AllTraffic" if self.variant_name is None else self.variant_name,
                "ModelName": self.model_name,
                "InstanceType": self.instance_type,
                "InitialInstanceCount": 1 if self.initial_instance_count is None else self.initial_instance_count,
            }
            request["ProductionVariants"] = [merge_arguments({}, variant)]
        return request


class SageMakerEndpointStepOperator(SageMakerStepOperator):
    """
    An endpoint as a step of a pipeline; one that exists is updated.

    :param endpoint_name: its name.
    :param endpoint_config_name: the configuration, such as ``config.endpoint_config_name``.
    """

    def __init__(
        self, *, endpoint_name: Any, endpoint_config_name: Any = None, step_type: str = "Endpoint", **kwargs: Any
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self._endpoint_name = endpoint_name
        self.endpoint_config_name = endpoint_config_name

    @property
    def endpoint_name(self) -> PropertyReference:
        """The endpoint's name, for other steps."""
        return self.properties.EndpointName

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateEndpoint request that the keywords make."""
        return {"EndpointName": self._endpoint_name, "EndpointConfigName": self.endpoint_config_name}


class SageMakerInferenceComponentStepOperator(SageMakerStepOperator):
    """
    A model that shares an endpoint's instances with others, as a step of a pipeline.

    :param inference_component_name: its name.
    :param endpoint_name: the endpoint, such as ``endpoint.endpoint_name``.
    :param variant_name: the endpoint's variant; by default ``AllTraffic``.
    :param model_name: the model, such as ``model.model_name``.
    :param compute_resource_requirements: as boto3 has it, such as ``{"MinMemoryRequiredInMb": 1024}``.
    :param copy_count: how many copies run; by default 1.
    """

    def __init__(
        self,
        *,
        inference_component_name: Any,
        endpoint_name: Any = None,
        variant_name: Any = None,
        model_name: Any = None,
        compute_resource_requirements: Mapping[str, Any] | None = None,
        copy_count: Any = None,
        step_type: str = "InferenceComponent",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self._inference_component_name = inference_component_name
        self.endpoint_name = endpoint_name
        self.variant_name = variant_name
        self.model_name = model_name
        self.compute_resource_requirements = compute_resource_requirements
        self.copy_count = copy_count

    @property
    def inference_component_name(self) -> PropertyReference:
        """The component's name, for other steps."""
        return self.properties.InferenceComponentName

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateInferenceComponent request has by default."""
        return {"VariantName": "AllTraffic", "RuntimeConfig": {"CopyCount": 1}}

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateInferenceComponent request that the keywords make."""
        return {
            "InferenceComponentName": self._inference_component_name,
            "EndpointName": self.endpoint_name,
            "VariantName": self.variant_name,
            "Specification": {
                "ModelName": self.model_name,
                "ComputeResourceRequirements": self.compute_resource_requirements,
            },
            "RuntimeConfig": {"CopyCount": self.copy_count},
        }
