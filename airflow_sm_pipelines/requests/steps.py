"""Which API request each type of step makes, out of which part of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.model import StructureShape

from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.requests.service_model import STEPS, service

EACH: Final = "[]"
"""Stands for every item of a list, in a path into a step."""


@dataclass(frozen=True)
class RequestPart:
    """A part of a step that is a structure of some AWS API, or one of our own model of steps.

    :param service: as botocore names it; :data:`~airflow_sm_pipelines.requests.service_model.STEPS` for our own.
    :param shape_name: the structure.
    :param waived: members that the API requires and a step may leave out, as the pipeline or a default gives them.
    :param inside: the keys that lead from the step's document to the part; :data:`EACH` for every item of a list.
    :param called: how messages name the structure.
    :param one_of: members of which exactly one is set.
    """

    service: str
    shape_name: str
    waived: tuple[str, ...] = ()
    inside: tuple[str, ...] = ("Arguments",)
    called: str = ""
    one_of: tuple[str, ...] = ()

    @property
    def shape(self) -> StructureShape:
        """The structure in botocore's model."""
        shape = service(self.service).shape_for(self.shape_name)
        if not isinstance(shape, StructureShape):
            raise TypeError(f"{self.shape_name} of {self.service} is a {shape.type_name}, not a structure")
        return shape

    @property
    def is_open(self) -> bool:
        """Whether the structure is the step itself, which has other keys, too."""
        return not self.inside

    def find(self, step: Step, path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        """Yield the objects in a step that are this part, each with its place.

        :param step: the step.
        :param path: where it stands.
        """
        found: list[tuple[Any, str]] = [({**step.extra, "Arguments": step.arguments}, path)]
        for key in self.inside:
            if key == EACH:
                found = [
                    (item, f"{where}[{index}]")
                    for value, where in found
                    if isinstance(value, list)
                    for index, item in enumerate(value)
                ]
            else:
                found = [(value.get(key), f"{where}.{key}") for value, where in found if isinstance(value, Mapping)]
        for value, where in found:
            if isinstance(value, Mapping) and not is_expression(value):
                yield value, where


def _ours(
    shape_name: str, called: str, inside: tuple[str, ...] = ("Arguments",), one_of: tuple[str, ...] = ()
) -> RequestPart:
    return RequestPart(STEPS, shape_name, inside=inside, called=called, one_of=one_of)


def _create(what: str, *waived: str) -> tuple[RequestPart, ...]:
    return (RequestPart("sagemaker", f"Create{what}Request", waived or (f"{what}Name",), called=f"Create{what}"),)


_PROCESSING: Final = _create("ProcessingJob")
REQUESTS: Final[Mapping[str, tuple[RequestPart, ...]]] = {
    "Processing": _PROCESSING,
    "QualityCheck": (*_PROCESSING, _ours("QualityCheckKeys", "a QualityCheck step", ())),
    "ClarifyCheck": (*_PROCESSING, _ours("ClarifyCheckKeys", "a ClarifyCheck step", ())),
    "Lambda": (_ours("LambdaKeys", "a Lambda step", ()),),
    "Callback": (_ours("CallbackKeys", "a Callback step", ()),),
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
        _ours("EMRArguments", "an EMR step", one_of=("ClusterId", "ClusterConfig")),
        RequestPart(
            "emr", "HadoopJarStepConfig", (), ("Arguments", "StepConfig", "HadoopJarStep"), "an EMR HadoopJarStep"
        ),
        RequestPart("emr", "RunJobFlowInput", ("Name",), ("Arguments", "ClusterConfig"), "EMR RunJobFlow"),
    ),
    "EMRServerless": (
        _ours("EMRServerlessArguments", "an EMRServerless step", one_of=("ApplicationId", "ApplicationConfig")),
        RequestPart(
            "emr-serverless",
            "StartJobRunRequest",
            ("applicationId", "clientToken", "executionRoleArn"),
            ("Arguments", "JobConfig"),
            "EMR Serverless StartJobRun",
        ),
        RequestPart(
            "emr-serverless",
            "CreateApplicationRequest",
            ("clientToken",),
            ("Arguments", "ApplicationConfig"),
            "EMR Serverless CreateApplication",
        ),
    ),
    "Lineage": (
        _ours("LineageArguments", "a Lineage step"),
        *(
            RequestPart("sagemaker", f"Create{what}Request", (), ("Arguments", f"{what}s", EACH), f"Create{what}")
            for what in ("Action", "Artifact", "Context")
        ),
    ),
    "Cleanup": (_ours("CleanupArguments", "a Cleanup step"),),
}
"""The SDK makes the arguments of a step from these requests, less the name (``sagemaker.mlops.workflow``)."""
