"""What is told about a step that is over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_sm_pipelines.execution.status import StepStatus

LARGEST_XCOM: Final = 48 * 1024
"""Characters of a property file as an XCom. XComs are for small values: Airflow had this very limit for years, since
MySQL's columns took no more, and each is read whole wherever it is shown."""


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
    :param property_files: the parsed contents of the property files by their names, whatever their size.
    :param property_file_uris: where each of them lies in S3.
    """

    status: StepStatus
    job_arn: str | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    property_files: Mapping[str, Any] = field(default_factory=dict)
    property_file_uris: Mapping[str, str] = field(default_factory=dict)

    def xcoms(self) -> dict[str, Any]:
        """The XComs that tell downstream tasks: ``step_status, job_arn, outputs, property_files``.

        A property file that is larger than an XCom should be is not among ``property_files``; see :meth:`left_in_s3`.
        """
        large = self._sizes()
        return {
            "step_status": self.status.value,
            # Airflow 3.0 takes no XCom that is None.
            **({} if self.job_arn is None else {"job_arn": self.job_arn}),
            "outputs": dict(self.outputs),
            "property_files": {name: content for name, content in self.property_files.items() if name not in large},
        }

    def left_in_s3(self) -> list[str]:
        """A sentence for the task's log about each property file that is too large for an XCom."""
        return [
            f"Property file '{name}' is left in S3: as JSON it has {size} characters, and an XCom takes at most "
            f"{LARGEST_XCOM}. Read {self.property_file_uris[name]}"
            for name, size in self._sizes().items()
        ]

    def _sizes(self) -> dict[str, int]:
        """The sizes of those property files that are too large."""
        sizes = {name: len(json.dumps(content)) for name, content in self.property_files.items()}
        return {name: size for name, size in sizes.items() if size > LARGEST_XCOM}
