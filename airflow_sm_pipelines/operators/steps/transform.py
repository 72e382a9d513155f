"""Steps that make batch predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.expressions import Join, PropertyReference
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import optional, require_dict, require_given


class SageMakerTransformStepOperator(SageMakerStepOperator):
    """
    A batch transform job as a step of a pipeline.

    :param model_name: the model, such as ``model.model_name``.
    :param data: the S3 URI of what is predicted from.
    :param instance_type: such as ``ml.m5.xlarge``.
    :param instance_count: how many instances; by default 1.
    :param content_type: the MIME type of the data.
    :param split_type: ``None``, ``Line``, ``RecordIO`` or ``TFRecord``.
    :param accept: the MIME type of the predictions.
    :param assemble_with: ``None`` or ``Line``.
    :param batch_strategy: ``MultiRecord`` or ``SingleRecord``.
    :param output_uri: where predictions go; by default ``<artifact_uri>/<execution id>/<step name>``.
    :param environment: environment variables of the container.
    """

    def __init__(
        self,
        *,
        model_name: Any = None,
        data: Any = None,
        instance_type: Any = None,
        instance_count: Any = None,
        content_type: Any = None,
        split_type: Any = None,
        accept: Any = None,
        assemble_with: Any = None,
        batch_strategy: Any = None,
        output_uri: Any = None,
        environment: Mapping[str, Any] | None = None,
        step_type: str = "Transform",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.model_name = model_name
        self.data = data
        self.instance_type = instance_type
        self.instance_count = instance_count
        self.content_type = content_type
        self.split_type = split_type
        self.accept = accept
        self.assemble_with = assemble_with
        self.batch_strategy = batch_strategy
        self.output_uri = output_uri
        self.environment = optional(require_dict, self, "environment", environment)
        require_given(self, "model_name", model_name, "ModelName")
        require_given(self, "data", data, "TransformInput", "DataSource")
        require_given(self, "instance_type", instance_type, "TransformResources", "InstanceType")

    @property
    def predictions(self) -> PropertyReference:
        """The S3 URI of the predictions, for other steps."""
        return self.properties.TransformOutput.S3OutputPath

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateTransformJob request has by default."""
        return {
            "TransformOutput": {"S3OutputPath": Join("/", self.own_place)},
            "TransformResources": {"InstanceCount": 1},
        }

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateTransformJob request that the keywords make."""
        source = None if self.data is None else {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.data}}
        return {
            "ModelName": self.model_name,
            "BatchStrategy": self.batch_strategy,
            "Environment": self.environment,
            "TransformInput": {"DataSource": source, "ContentType": self.content_type, "SplitType": self.split_type},
            "TransformOutput": {
                "S3OutputPath": self.output_uri,
                "Accept": self.accept,
                "AssembleWith": self.assemble_with,
            },
            "TransformResources": {"InstanceType": self.instance_type, "InstanceCount": self.instance_count},
        }
