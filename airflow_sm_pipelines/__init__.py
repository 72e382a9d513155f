"""The bridge between Airflow Dags and Amazon SageMaker Pipelines.

Importing this package imports neither Airflow nor boto3: every public name is loaded when it is first
used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    # "X as X" exports a name: type checkers take other imports for the package's own business. The sorting of imports,
    # which is off for these, would give each name a line of its own.
    # isort: off
    from airflow_sm_pipelines.definition.conditions import Condition as Condition, Not as Not, Or as Or
    from airflow_sm_pipelines.definition.expressions import Join as Join
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook as SageMakerPipelineHook
    from airflow_sm_pipelines.operators.executions.existing import (
        SageMakerRetryPipelineExecutionOperator as SageMakerRetryPipelineExecutionOperator,
        SageMakerStopPipelineExecutionOperator as SageMakerStopPipelineExecutionOperator,
    )
    from airflow_sm_pipelines.operators.executions.metric_branch import (
        SageMakerMetricBranchOperator as SageMakerMetricBranchOperator,
    )
    from airflow_sm_pipelines.operators.executions.metrics import Metric as Metric
    from airflow_sm_pipelines.operators.executions.pipeline import (
        SageMakerPipelineOperator as SageMakerPipelineOperator,
    )
    from airflow_sm_pipelines.operators.steps.automl import SageMakerAutoMLStepOperator as SageMakerAutoMLStepOperator
    from airflow_sm_pipelines.operators.steps.checks import (
        SageMakerClarifyCheckStepOperator as SageMakerClarifyCheckStepOperator,
        SageMakerQualityCheckStepOperator as SageMakerQualityCheckStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.decisions import (
        SageMakerConditionStepOperator as SageMakerConditionStepOperator,
        SageMakerFailStepOperator as SageMakerFailStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.emr import (
        SageMakerEMRServerlessStepOperator as SageMakerEMRServerlessStepOperator,
        SageMakerEMRStepOperator as SageMakerEMRStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator as SageMakerStepOperator
    from airflow_sm_pipelines.operators.steps.hosting import (
        SageMakerEndpointConfigStepOperator as SageMakerEndpointConfigStepOperator,
        SageMakerEndpointStepOperator as SageMakerEndpointStepOperator,
        SageMakerInferenceComponentStepOperator as SageMakerInferenceComponentStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.lambda_and_callback import (
        SageMakerCallbackStepOperator as SageMakerCallbackStepOperator,
        SageMakerLambdaStepOperator as SageMakerLambdaStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.model import (
        SageMakerModelStepOperator as SageMakerModelStepOperator,
        SageMakerRegisterModelStepOperator as SageMakerRegisterModelStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.processing import (
        SageMakerProcessingStepOperator as SageMakerProcessingStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.training import (
        SageMakerTrainingStepOperator as SageMakerTrainingStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.transform import (
        SageMakerTransformStepOperator as SageMakerTransformStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.tuning import SageMakerTuningStepOperator as SageMakerTuningStepOperator
    from airflow_sm_pipelines.sensors.execution import (
        SageMakerPipelineExecutionSensor as SageMakerPipelineExecutionSensor,
    )
    from airflow_sm_pipelines.sensors.step import SageMakerPipelineStepSensor as SageMakerPipelineStepSensor
    from airflow_sm_pipelines.task_groups.pipeline import SageMakerPipelineTaskGroup as SageMakerPipelineTaskGroup
    from airflow_sm_pipelines.translation.typed_parameters import (
        ParameterBoolean as ParameterBoolean,
        ParameterFloat as ParameterFloat,
        ParameterInteger as ParameterInteger,
        ParameterString as ParameterString,
    )

_NAMES = {
    "definition.conditions": ["Condition", "Not", "Or"],
    "definition.expressions": ["Join"],
    "hooks.pipeline": ["SageMakerPipelineHook"],
    "operators.executions.existing": [
        "SageMakerRetryPipelineExecutionOperator",
        "SageMakerStopPipelineExecutionOperator",
    ],
    "operators.executions.metric_branch": ["SageMakerMetricBranchOperator"],
    "operators.executions.metrics": ["Metric"],
    "operators.executions.pipeline": ["SageMakerPipelineOperator"],
    "operators.steps.automl": ["SageMakerAutoMLStepOperator"],
    "operators.steps.checks": ["SageMakerClarifyCheckStepOperator", "SageMakerQualityCheckStepOperator"],
    "operators.steps.decisions": ["SageMakerConditionStepOperator", "SageMakerFailStepOperator"],
    "operators.steps.emr": ["SageMakerEMRServerlessStepOperator", "SageMakerEMRStepOperator"],
    "operators.steps.generic": ["SageMakerStepOperator"],
    "operators.steps.hosting": [
        "SageMakerEndpointConfigStepOperator",
        "SageMakerEndpointStepOperator",
        "SageMakerInferenceComponentStepOperator",
    ],
    "operators.steps.lambda_and_callback": ["SageMakerCallbackStepOperator", "SageMakerLambdaStepOperator"],
    "operators.steps.model": ["SageMakerModelStepOperator", "SageMakerRegisterModelStepOperator"],
    "operators.steps.processing": ["SageMakerProcessingStepOperator"],
    "operators.steps.training": ["SageMakerTrainingStepOperator"],
    "operators.steps.transform": ["SageMakerTransformStepOperator"],
    "operators.steps.tuning": ["SageMakerTuningStepOperator"],
    "sensors.execution": ["SageMakerPipelineExecutionSensor"],
    "sensors.step": ["SageMakerPipelineStepSensor"],
    "task_groups.pipeline": ["SageMakerPipelineTaskGroup"],
    "translation.typed_parameters": ["ParameterBoolean", "ParameterFloat", "ParameterInteger", "ParameterString"],
}
"""The public names, by the module that has them. A test holds the imports above equal to it."""

_MODULES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = ["__version__"]
__all__ += list(_MODULES)


if not TYPE_CHECKING:  # To type checkers a name that is not there is an error.

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
