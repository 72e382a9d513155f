"""Which API request each type of step makes, out of which part of its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from botocore.model import StructureShape

from airflow_sm_pipelines.requests.service_model import service


@dataclass(frozen=True)
class RequestPart:
    """A part of a step's arguments that is a structure of some AWS API.

    :param service: as botocore names it.
    :param shape_name: the structure.
    :param waived: members that the API requires and a step may leave out, as the pipeline or a default gives them.
    :param inside: the keys that lead to the part; empty for the arguments as a whole.
    :param called: how messages name the structure.
    """

    service: str
    shape_name: str
    waived: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    called: str = ""

    @property
    def shape(self) -> StructureShape:
        """The structure in botocore's model."""
        shape = service(self.service).shape_for(self.shape_name)
        if not isinstance(shape, StructureShape):
            raise TypeError(f"{self.shape_name} of {self.service} is a {shape.type_name}, not a structure")
        return shape


def _create(what: str, *waived: str) -> tuple[RequestPart, ...]:
    return (RequestPart("sagemaker", f"Create{what}Request", waived or (f"{what}Name",), called=f"Create{what}"),)


_PROCESSING: Final = _create("ProcessingJob")
REQUESTS: Final[Mapping[str, tuple[RequestPart, ...]]] = {
    "Processing": _PROCESSING,
    "QualityCheck": _PROCESSING,
    "ClarifyCheck": _PROCESSING,
    "Training": _create("TrainingJob"),
    "Tuning": _create("HyperParameterTuningJob"),
    "Transform": _create("TransformJob"),
    "AutoML": _create("AutoMLJob"),
    "Model": (RequestPart("sagemaker", "CreateModelInput", ("ModelName",), called="CreateModel"),),
    "RegisterModel": (RequestPart("sagemaker", "CreateModelPackageInput", (), called="CreateModelPackage"),),
    "EndpointConfig": (
        RequestPart("sagemaker", "CreateEndpointConfigInput", ("EndpointConfigName",), called="CreateEndpointConfig"),
    ),
    "Endpoint": (RequestPart("sagemaker", "CreateEndpointInput", ("EndpointName",), called="CreateEndpoint"),),
    "InferenceComponent": (
        RequestPart(
            "sagemaker", "CreateInferenceComponentInput", ("InferenceComponentName",), called="CreateInferenceComponent"
        ),
    ),
    "Job": _create("Job"),
    "EMR": (
        RequestPart("emr", "HadoopJarStepConfig", (), ("StepConfig", "HadoopJarStep"), "an EMR HadoopJarStep"),
        RequestPart("emr", "RunJobFlowInput", ("Name",), ("ClusterConfig",), "EMR RunJobFlow"),
    ),
    "EMRServerless": (
        RequestPart(
            "emr-serverless",
            "StartJobRunRequest",
            ("applicationId", "clientToken", "executionRoleArn"),
            ("JobConfig",),
            "EMR Serverless StartJobRun",
        ),
        RequestPart(
            "emr-serverless",
            "CreateApplicationRequest",
            ("clientToken",),
            ("ApplicationConfig",),
            "EMR Serverless CreateApplication",
        ),
    ),
}
"""The SDK makes the arguments of a step from these requests, less the name (``sagemaker.mlops.workflow``)."""
