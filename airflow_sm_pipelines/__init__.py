"""The bridge between Airflow Dags and Amazon SageMaker Pipelines.

Importing this package imports neither Airflow nor boto3: every public name is loaded when it is first
used (PEP 562).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from airflow_sm_pipelines.definition.conditions import Condition, Not, Or
    from airflow_sm_pipelines.definition.expressions import Join
    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
    from airflow_sm_pipelines.operators.automl import SageMakerAutoMLStepOperator
    from airflow_sm_pipelines.operators.checks import (
        SageMakerClarifyCheckStepOperator,
        SageMakerQualityCheckStepOperator,
    )
    from airflow_sm_pipelines.operators.condition import SageMakerConditionStepOperator
    from airflow_sm_pipelines.operators.emr import SageMakerEMRServerlessStepOperator, SageMakerEMRStepOperator
    from airflow_sm_pipelines.operators.endpoint import (
        SageMakerEndpointConfigStepOperator,
        SageMakerEndpointStepOperator,
        SageMakerInferenceComponentStepOperator,
    )
    from airflow_sm_pipelines.operators.execution import SageMakerPipelineOperator
    from airflow_sm_pipelines.operators.fail import SageMakerFailStepOperator
    from airflow_sm_pipelines.operators.messages import SageMakerCallbackStepOperator, SageMakerLambdaStepOperator
    from airflow_sm_pipelines.operators.metric_branch import SageMakerMetricBranchOperator
    from airflow_sm_pipelines.operators.metrics import Metric
    from airflow_sm_pipelines.operators.model import SageMakerModelStepOperator, SageMakerRegisterModelStepOperator
    from airflow_sm_pipelines.operators.processing import SageMakerProcessingStepOperator
    from airflow_sm_pipelines.operators.retry import SageMakerRetryPipelineExecutionOperator
    from airflow_sm_pipelines.operators.step import SageMakerStepOperator
    from airflow_sm_pipelines.operators.stop import SageMakerStopPipelineExecutionOperator
    from airflow_sm_pipelines.operators.training import SageMakerTrainingStepOperator
    from airflow_sm_pipelines.operators.transform import SageMakerTransformStepOperator
    from airflow_sm_pipelines.operators.tuning import SageMakerTuningStepOperator
    from airflow_sm_pipelines.sensors.execution import SageMakerPipelineExecutionSensor
    from airflow_sm_pipelines.sensors.step import SageMakerPipelineStepSensor
    from airflow_sm_pipelines.task_groups.pipeline import SageMakerPipelineTaskGroup
    from airflow_sm_pipelines.translation.typed_parameters import (
        ParameterBoolean,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )

_MODULES = {
    "Condition": "definition.conditions",
    "Join": "definition.expressions",
    "Metric": "operators.metrics",
    "Not": "definition.conditions",
    "Or": "definition.conditions",
    "ParameterBoolean": "translation.typed_parameters",
    "ParameterFloat": "translation.typed_parameters",
    "ParameterInteger": "translation.typed_parameters",
    "ParameterString": "translation.typed_parameters",
    "SageMakerAutoMLStepOperator": "operators.automl",
    "SageMakerCallbackStepOperator": "operators.messages",
    "SageMakerClarifyCheckStepOperator": "operators.checks",
    "SageMakerConditionStepOperator": "operators.condition",
    "SageMakerEMRServerlessStepOperator": "operators.emr",
    "SageMakerEMRStepOperator": "operators.emr",
    "SageMakerEndpointConfigStepOperator": "operators.endpoint",
    "SageMakerEndpointStepOperator": "operators.endpoint",
    "SageMakerFailStepOperator": "operators.fail",
    "SageMakerInferenceComponentStepOperator": "operators.endpoint",
    "SageMakerLambdaStepOperator": "operators.messages",
    "SageMakerMetricBranchOperator": "operators.metric_branch",
    "SageMakerModelStepOperator": "operators.model",
    "SageMakerPipelineExecutionSensor": "sensors.execution",
    "SageMakerPipelineHook": "hooks.pipeline",
    "SageMakerPipelineOperator": "operators.execution",
    "SageMakerPipelineStepSensor": "sensors.step",
    "SageMakerPipelineTaskGroup": "task_groups.pipeline",
    "SageMakerProcessingStepOperator": "operators.processing",
    "SageMakerQualityCheckStepOperator": "operators.checks",
    "SageMakerRegisterModelStepOperator": "operators.model",
    "SageMakerRetryPipelineExecutionOperator": "operators.retry",
    "SageMakerStepOperator": "operators.step",
    "SageMakerStopPipelineExecutionOperator": "operators.stop",
    "SageMakerTrainingStepOperator": "operators.training",
    "SageMakerTransformStepOperator": "operators.transform",
    "SageMakerTuningStepOperator": "operators.tuning",
}

__all__ = [
    "Condition",
    "Join",
    "Metric",
    "Not",
    "Or",
    "ParameterBoolean",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "SageMakerAutoMLStepOperator",
    "SageMakerCallbackStepOperator",
    "SageMakerClarifyCheckStepOperator",
    "SageMakerConditionStepOperator",
    "SageMakerEMRServerlessStepOperator",
    "SageMakerEMRStepOperator",
    "SageMakerEndpointConfigStepOperator",
    "SageMakerEndpointStepOperator",
    "SageMakerFailStepOperator",
    "SageMakerInferenceComponentStepOperator",
    "SageMakerLambdaStepOperator",
    "SageMakerMetricBranchOperator",
    "SageMakerModelStepOperator",
    "SageMakerPipelineExecutionSensor",
    "SageMakerPipelineHook",
    "SageMakerPipelineOperator",
    "SageMakerPipelineStepSensor",
    "SageMakerPipelineTaskGroup",
    "SageMakerProcessingStepOperator",
    "SageMakerQualityCheckStepOperator",
    "SageMakerRegisterModelStepOperator",
    "SageMakerRetryPipelineExecutionOperator",
    "SageMakerStepOperator",
    "SageMakerStopPipelineExecutionOperator",
    "SageMakerTrainingStepOperator",
    "SageMakerTransformStepOperator",
    "SageMakerTuningStepOperator",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
