"""Steps that compare data and models with a baseline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.expressions import PropertyReference
from airflow_sm_pipelines.operators.steps.processing import PROCESSING_DIRECTORY, SageMakerProcessingStepOperator


class _CheckStepOperator(SageMakerProcessingStepOperator):
    """A processing job that compares with a baseline; the classes below say what its keywords mean."""

    def __init__(
        self,
        *,
        check_type: str,
        model_package_group_name: Any = None,
        skip_check: Any = False,
        fail_on_violation: Any = True,
        register_new_baseline: Any = False,
        supplied_baseline_constraints: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.check_type = check_type
        self.model_package_group_name = model_package_group_name
        self.skip_check = skip_check
        self.fail_on_violation = fail_on_violation
        self.register_new_baseline = register_new_baseline
        self.supplied_baseline_constraints = supplied_baseline_constraints

    @property
    def calculated_baseline_constraints(self) -> PropertyReference:
        """The S3 URI of the constraints this step calculated, for other steps."""
        return self.properties.CalculatedBaselineConstraints

    @property
    def baseline_used_for_drift_check_constraints(self) -> PropertyReference:
        """The S3 URI of the constraints this step compared with, for other steps."""
        return self.properties.BaselineUsedForDriftCheckConstraints

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, those of the check among them."""
        return {
            **super().extra(),
            "CheckType": self.check_type,
            "ModelPackageGroupName": self.model_package_group_name,
            "SkipCheck": self.skip_check,
            "FailOnViolation": self.fail_on_violation,
            "RegisterNewBaseline": self.register_new_baseline,
            "SuppliedBaselineConstraints": self.supplied_baseline_constraints,
        }


class SageMakerQualityCheckStepOperator(_CheckStepOperator):
    """
    A check of the quality of data or of a model, as a step of a pipeline. Takes a processing step's other keywords.

    :param dataset: the S3 URI of what is checked.
    :param dataset_format: such as ``{"csv": {"header": True}}``.
    :param check_type: ``DATA_QUALITY`` or ``MODEL_QUALITY``. What the latter needs to know about the columns goes into
        ``environment``: ``problem_type``, ``ground_truth_attribute``, ``inference_attribute``, ...
    :param image_uri: the image of SageMaker Model Monitor in the pipeline's region.
    :param supplied_baseline_statistics: the S3 URI of statistics to compare with instead.
    :param model_package_group_name: the group whose approved model's baseline is compared with.
    :param skip_check: make a baseline only.
    :param fail_on_violation: fail the step when something deviates.
    :param register_new_baseline: let the result be the new baseline.
    :param supplied_baseline_constraints: the S3 URI of constraints to compare with instead.
    """

    def __init__(
        self,
        *,
        dataset: Any,
        dataset_format: Mapping[str, Any] | None = None,
        check_type: str = "DATA_QUALITY",
        supplied_baseline_statistics: Any = None,
        environment: Mapping[str, Any] | None = None,
        step_type: str = "QualityCheck",
        **kwargs: Any,
    ) -> None:
        variables = {
            "output_path": f"{PROCESSING_DIRECTORY}/output",
            "publish_cloudwatch_metrics": "Disabled",
            "dataset_format": json.dumps(dataset_format or {"csv": {"header": True}}),
            "dataset_source": f"{PROCESSING_DIRECTORY}/input/baseline_dataset_input",
        }
        if check_type == "MODEL_QUALITY":
            variables["analysis_type"] = "MODEL_QUALITY"
        super().__init__(
            check_type=check_type,
            inputs={"baseline_dataset_input": dataset},
            outputs={"quality_check_output": f"{PROCESSING_DIRECTORY}/output"},
            environment={**variables, **(environment or {})},
            step_type=step_type,
            **kwargs,
        )
        self.supplied_baseline_statistics = supplied_baseline_statistics

    @property
    def calculated_baseline_statistics(self) -> PropertyReference:
        """The S3 URI of the statistics this step calculated, for other steps."""
        return self.properties.CalculatedBaselineStatistics

    @property
    def baseline_used_for_drift_check_statistics(self) -> PropertyReference:
        """The S3 URI of the statistics this step compared with, for other steps."""
        return self.properties.BaselineUsedForDriftCheckStatistics

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, those of the check among them."""
        return {**super().extra(), "SuppliedBaselineStatistics": self.supplied_baseline_statistics}


class SageMakerClarifyCheckStepOperator(_CheckStepOperator):
    """
    A check of bias or explainability with SageMaker Clarify, as a step. Takes a processing step's other keywords.

    :param dataset: the S3 URI of what is checked.
    :param analysis_config: the S3 URI of Clarify's ``analysis_config.json``.
    :param check_type: ``DATA_BIAS``, ``MODEL_BIAS`` or ``MODEL_EXPLAINABILITY``.
    :param model_name: the model, such as ``model.model_name``; not for ``DATA_BIAS``.
    :param image_uri: the image of SageMaker Clarify in the pipeline's region.
    :param model_package_group_name: the group whose approved model's baseline is compared with.
    :param skip_check: make a baseline only.
    :param fail_on_violation: fail the step when something deviates.
    :param register_new_baseline: let the result be the new baseline.
    :param supplied_baseline_constraints: the S3 URI of constraints to compare with instead.
    """

    def __init__(
        self,
        *,
        dataset: Any,
        analysis_config: Any,
        check_type: str = "DATA_BIAS",
        model_name: Any = None,
        step_type: str = "ClarifyCheck",
        **kwargs: Any,
    ) -> None:
        directory = f"{PROCESSING_DIRECTORY}/input"
        super().__init__(
            check_type=check_type,
            inputs={
                "analysis_config": {"S3Uri": analysis_config, "LocalPath": f"{directory}/config"},
                "dataset": {"S3Uri": dataset, "LocalPath": f"{directory}/data"},
            },
            outputs={"analysis_result": f"{PROCESSING_DIRECTORY}/output"},
            step_type=step_type,
            **kwargs,
        )
        self.model_name = model_name

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, those of the check among them."""
        extra = super().extra()
        return extra if self.model_name is None else {**extra, "ModelName": self.model_name}
