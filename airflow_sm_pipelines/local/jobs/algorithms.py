"""Built-in algorithms that jobs run here, each by a program in the job's interpreter that does what its image does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.local.containers import xgboost_training
from airflow_sm_pipelines.local.images import XGBOOST, Image

_NUMBER: Final = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"


@dataclass(frozen=True)
class Algorithm:
    """A built-in algorithm of one image.

    :param image: the image.
    :param program: the file that trains.
    :param metrics: the built-in metric definitions: regular expressions by the metrics' names.
    :param variables: what its program gets in its environment.
    """

    image: Image
    program: Path
    metrics: Mapping[str, str]
    variables: Mapping[str, str]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The program's arguments: which version of its container it is to act as."""
        return ("--image-version", ".".join(str(part) for part in self.image.version))


_XGBOOST_METRICS: Final = {
    f"{data}:{metric}": f"#011{data}-{metric}:{_NUMBER}"
    for data in ("train", "validation")
    for metric in xgboost_training.METRICS
}
"""AWS shows them in a job's MetricDefinitions. Here they are not shown: they are more than the API's model allows."""


def algorithm_of(image: str) -> Algorithm | None:
    """Return the algorithm that an image has inside, when it is one that is run here.

    :param image: the image's URI.
    """
    parsed = Image.parse(image)
    if parsed.framework != XGBOOST:
        return None
    # Several jobs share the cores here. Threads that wait actively would take them from one another.
    variables = {"OMP_WAIT_POLICY": "PASSIVE"}
    return Algorithm(parsed, Path(xgboost_training.__file__), _XGBOOST_METRICS, variables)


def algorithm_asked_for(request: Mapping[str, Any]) -> Algorithm | None:
    """Return the algorithm that a training job runs; ``None`` for a script, an entry point, and what is not run here.

    :param request: as CreateTrainingJob gets it.
    """
    image = request.get("AlgorithmSpecification", {}).get("TrainingImage", "")
    return algorithm_of(image) if asks_for_algorithm(request) else None


def asks_for_algorithm(request: Mapping[str, Any]) -> bool:
    """Whether a training job runs what is inside its image: it has neither a script nor an entry point.

    :param request: as CreateTrainingJob gets it.
    """
    parameters = request.get("HyperParameters", {})
    is_script = "sagemaker_program" in parameters and "sagemaker_submit_directory" in parameters
    return not is_script and not request.get("AlgorithmSpecification", {}).get("ContainerEntrypoint")
