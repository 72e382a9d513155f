"""What jobs leave in S3, as the service describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MODEL_ARTIFACTS: Final = "model_artifacts"
"""What the model of a training job is called among its outputs."""

PREDICTIONS: Final = "predictions"
"""What the output of a transform job is called."""


def outputs_of(job: Mapping[str, Any]) -> dict[str, str]:
    """Return the S3 URIs of a processing job's outputs by name, of a training job's model, of a transform job's output.

    :param job: the response of the job's Describe operation.
    """
    artifacts = job.get("ModelArtifacts", {}).get("S3ModelArtifacts")
    outputs = job.get("ProcessingOutputConfig", {}).get("Outputs", [])
    places = {output["OutputName"]: output["S3Output"]["S3Uri"] for output in outputs if "S3Output" in output}
    of_its_kind = {MODEL_ARTIFACTS: artifacts, PREDICTIONS: job.get("TransformOutput", {}).get("S3OutputPath")}
    return {**{name: uri for name, uri in of_its_kind.items() if uri}, **places}
