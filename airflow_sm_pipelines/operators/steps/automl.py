"""Steps that find a model by themselves."""

from __future__ import annotations

from typing import Any

from airflow_sm_pipelines.definition.expressions import Join, PropertyReference
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator


class SageMakerAutoMLStepOperator(SageMakerStepOperator):
    """
    An AutoML job (mode ENSEMBLING, the only one pipelines take) as a step of a pipeline.

    :param data: the S3 URI of the training data.
    :param target_attribute_name: the column to predict.
    :param problem_type: ``BinaryClassification``, ``MulticlassClassification`` or ``Regression``.
    :param objective_metric_name: the metric to optimise; needs ``problem_type``.
    :param output_uri: ``S3OutputPath``; by default ``<artifact_uri>/<execution id>/<step name>``.
    """

    def __init__(
        self,
        *,
        data: Any,
        target_attribute_name: Any,
        problem_type: Any = None,
        objective_metric_name: Any = None,
        output_uri: Any = None,
        step_type: str = "AutoML",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.data = data
        self.target_attribute_name = target_attribute_name
        self.problem_type = problem_type
        self.objective_metric_name = objective_metric_name
        self.output_uri = output_uri

    @property
    def best_candidate(self) -> PropertyReference:
        """The best candidate, for other steps: ``step.best_candidate.InferenceContainers[0].ModelDataUrl``."""
        return self.properties.BestCandidate

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateAutoMLJob request has by default."""
        return {
            "OutputDataConfig": {"S3OutputPath": Join("/", self.own_place)},
            "AutoMLJobConfig": {"Mode": "ENSEMBLING"},
            "RoleArn": self.settings.role_arn,
        }

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateAutoMLJob request that the keywords make."""
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": self.data}}
        objective = None if self.objective_metric_name is None else {"MetricName": self.objective_metric_name}
        return {
            "InputDataConfig": [{"DataSource": source, "TargetAttributeName": self.target_attribute_name}],
            "OutputDataConfig": {"S3OutputPath": self.output_uri},
            "RoleArn": self.role_arn,
            "ProblemType": self.problem_type,
            "AutoMLJobObjective": objective,
        }
