"""What is told about a step that is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_sm_pipelines.execution.status import StepStatus


@dataclass(frozen=True)
class UpsertResult:
    """What :meth:`SageMakerPipelineHook.upsert_pipeline` did.

    :param pipeline_arn: the pipeline.
    :param action: ``created``, ``updated`` or ``unchanged``.
    """

    pipeline_arn: str
    action: str


@dataclass(frozen=True)
class StepResult:
    """What a step left behind.

    :param status: how it ended.
    :param job_arn: the job that ran it, or the model (package) that it made.
    :param outputs: S3 URIs. Processing outputs by their names; ``model_artifacts`` of a training job.
    :param property_files: the parsed contents of the property files by their names.
    """

    status: StepStatus
    job_arn: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    property_files: Mapping[str, Any] = field(default_factory=dict)

    def xcoms(self) -> dict[str, Any]:
        """The XComs that tell downstream tasks: ``step_status, job_arn, outputs, property_files``."""
        return {
            "step_status": self.status.value,
            "job_arn": self.job_arn,
            "outputs": dict(self.outputs),
            "property_files": dict(self.property_files),
        }
