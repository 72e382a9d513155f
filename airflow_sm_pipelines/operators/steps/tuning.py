"""Steps that tune hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.definition.expressions import Join, ParameterReference, PropertyReference
from airflow_sm_pipelines.definition.parameters import type_of
from airflow_sm_pipelines.operators.steps.training import SageMakerTrainingStepOperator
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value


class SageMakerTuningStepOperator(SageMakerTrainingStepOperator):
    """
    A hyperparameter tuning job as a step of a pipeline. Takes all keywords of a training step, for its training jobs.

    :param hyperparameter_ranges: what is tried, by name: ``(1, 10)`` for whole numbers, ``(0.1, 0.9)`` for numbers,
        ``["a", "b"]`` for a choice. Pipeline parameters, Jinja and XComArgs may be ends and choices.
    :param objective_metric_name: the metric that is tuned for.
    :param objective_type: ``Maximize``, as by default, or ``Minimize``.
    :param metric_definitions: how metrics are found in the log, by name: a regular expression.
    :param strategy: ``Bayesian``, as by default, ``Random``, ``Hyperband`` or ``Grid``.
    :param max_jobs: how many training jobs in all; by default 1.
    :param max_parallel_jobs: how many at once; by default 1.
    """

    def __init__(
        self,
        *,
        hyperparameter_ranges: Mapping[str, tuple[Any, Any] | Sequence[Any]],
        objective_metric_name: Any,
        objective_type: str | None = None,
        metric_definitions: Mapping[str, str] | None = None,
        strategy: str | None = None,
        max_jobs: Any = None,
        max_parallel_jobs: Any = None,
        step_type: str = "Tuning",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.hyperparameter_ranges = dict(hyperparameter_ranges)
        self.objective_metric_name = objective_metric_name
        self.objective_type = objective_type
        self.metric_definitions = metric_definitions
        self.strategy = strategy
        self.max_jobs = max_jobs
        self.max_parallel_jobs = max_parallel_jobs

    @property
    def has_role(self) -> bool:
        """Its training jobs have one."""
        return True

    @property
    def best_training_job(self) -> PropertyReference:
        """The name of the best training job, for other steps."""
        return self.properties.BestTrainingJob.TrainingJobName

    @property
    def model_artifacts(self) -> Join:
        """The S3 URI of the best model, for other steps."""
        return self.top_model(0)

    def top_model(self, k: int) -> Join:
        """Return the S3 URI of one of the best models, for other steps.

        :param k: 0 for the best, up to 49.
        """
        job_name = self.properties.TrainingJobSummaries[k].TrainingJobName
        output_uri = self.training_output_uri
        if isinstance(output_uri, Join) and output_uri.on == "/":
            return Join("/", [*output_uri.values, job_name, "output/model.tar.gz"])
        if isinstance(output_uri, str):
            output_uri = output_uri.rstrip("/")
        return Join("/", [output_uri, job_name, "output/model.tar.gz"])

    @property
    def training_arguments(self) -> Mapping[str, Any]:
        """The part of ``arguments`` that is about the training jobs."""
        arguments: Mapping[str, Any] = self.arguments.get("TrainingJobDefinition", {})
        return arguments

    def _given_resources(self) -> Mapping[str, Any]:
        return {**super()._given_resources(), **self.training_arguments.get("HyperParameterTuningResourceConfig", {})}

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateHyperParameterTuningJob request has by default."""
        definition = super().default_arguments()
        resources = definition.pop("ResourceConfig")
        if "ResourceConfig" not in self.training_arguments:
            definition["HyperParameterTuningResourceConfig"] = resources
        return {
            "HyperParameterTuningJobConfig": {
                "Strategy": "Bayesian",
                "HyperParameterTuningJobObjective": {"Type": "Maximize"},
                "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
            },
            "TrainingJobDefinition": definition,
        }

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateHyperParameterTuningJob request that the keywords make."""
        definition = super().keyword_arguments()
        resources = definition.pop("ResourceConfig")
        if any(value is not None for value in resources.values()):
            definition["HyperParameterTuningResourceConfig"] = resources
        definition["StaticHyperParameters"] = definition.pop("HyperParameters")
        if self.metric_definitions is not None:
            definition["AlgorithmSpecification"]["MetricDefinitions"] = [
                {"Name": name, "Regex": regex} for name, regex in self.metric_definitions.items()
            ]
        return {
            "HyperParameterTuningJobConfig": {
                "Strategy": self.strategy,
                "HyperParameterTuningJobObjective": {
                    "Type": self.objective_type,
                    "MetricName": self.objective_metric_name,
                },
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": self.max_jobs,
                    "MaxParallelTrainingJobs": self.max_parallel_jobs,
                },
                "ParameterRanges": self._ranges(),
            },
            "TrainingJobDefinition": definition,
        }

    def _ranges(self) -> dict[str, list[dict[str, Any]]]:
        ranges: dict[str, list[dict[str, Any]]] = {}
        for name, given in self.hyperparameter_ranges.items():
            if isinstance(given, list):
                choice = {"Name": name, "Values": [_text(value) for value in given]}
                ranges.setdefault("CategoricalParameterRanges", []).append(choice)
                continue
            if not isinstance(given, tuple) or len(given) != 2:
                raise self.error(
                    f"hyperparameter_ranges['{name}'] is {given!r}. Give (lowest, highest), or a list of values."
                )
            types = {_type_of(end) for end in given} - {None}
            kind = "Integer" if types == {"Integer"} else "Continuous"
            limits = {"Name": name, "MinValue": _text(given[0]), "MaxValue": _text(given[1])}
            ranges.setdefault(f"{kind}ParameterRanges", []).append(limits)
        return ranges


def _type_of(end: Any) -> str | None:
    """Return the type of an end of a range; ``None`` for Jinja and XComArgs, which take after the other end."""
    lifted = to_runtime_value(end)
    return lifted.type if isinstance(lifted, (RuntimeValue, ParameterReference)) else type_of(end)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) else value
