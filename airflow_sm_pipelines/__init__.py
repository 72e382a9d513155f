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
    from airflow_sm_pipelines.operators.executions.metric_branch import SageMakerMetricBranchOperator
    from airflow_sm_pipelines.operators.executions.metrics import Metric
    from airflow_sm_pipelines.operators.executions.pipeline import SageMakerPipelineOperator
    from airflow_sm_pipelines.operators.executions.retry import SageMakerRetryPipelineExecutionOperator
    from airflow_sm_pipelines.operators.executions.stop import SageMakerStopPipelineExecutionOperator
    from airflow_sm_pipelines.operators.steps.automl import SageMakerAutoMLStepOperator
    from airflow_sm_pipelines.operators.steps.checks import (
        SageMakerClarifyCheckStepOperator,
        SageMakerQualityCheckStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.condition import SageMakerConditionStepOperator
    from airflow_sm_pipelines.operators.steps.emr import SageMakerEMRServerlessStepOperator, SageMakerEMRStepOperator
    from airflow_sm_pipelines.operators.steps.fail import SageMakerFailStepOperator
    from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
    from airflow_sm_pipelines.operators.steps.hosting import (
        SageMakerEndpointConfigStepOperator,
        SageMakerEndpointStepOperator,
        SageMakerInferenceComponentStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.lambda_and_callback import (
        SageMakerCallbackStepOperator,
        SageMakerLambdaStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.model import (
        SageMakerModelStepOperator,
        SageMakerRegisterModelStepOperator,
    )
    from airflow_sm_pipelines.operators.steps.processing import SageMakerProcessingStepOperator
    from airflow_sm_pipelines.operators.steps.training import SageMakerTrainingStepOperator
    from airflow_sm_pipelines.operators.steps.transform import SageMakerTransformStepOperator
    from airflow_sm_pipelines.operators.steps.tuning import SageMakerTuningStepOperator
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
    "Metric": "operators.executions.metrics",
    "Not": "definition.conditions",
    "Or": "definition.conditions",
    "ParameterBoolean": "translation.typed_parameters",
    "ParameterFloat": "translation.typed_parameters",
    "ParameterInteger": "translation.typed_parameters",
    "ParameterString": "translation.typed_parameters",
    "SageMakerAutoMLStepOperator": "operators.steps.automl",
    "SageMakerCallbackStepOperator": "operators.steps.lambda_and_callback",
    "SageMakerClarifyCheckStepOperator": "operators.steps.checks",
    "SageMakerConditionStepOperator": "operators.steps.condition",
    "SageMakerEMRServerlessStepOperator": "operators.steps.emr",
    "SageMakerEMRStepOperator": "operators.steps.emr",
    "SageMakerEndpointConfigStepOperator": "operators.steps.hosting",
    "SageMakerEndpointStepOperator": "operators.steps.hosting",
    "SageMakerFailStepOperator": "operators.steps.fail",
    "SageMakerInferenceComponentStepOperator": "operators.steps.hosting",
    "SageMakerLambdaStepOperator": "operators.steps.lambda_and_callback",
    "SageMakerMetricBranchOperator": "operators.executions.metric_branch",
    "SageMakerModelStepOperator": "operators.steps.model",
    "SageMakerPipelineExecutionSensor": "sensors.execution",
    "SageMakerPipelineHook": "hooks.pipeline",
    "SageMakerPipelineOperator": "operators.executions.pipeline",
    "SageMakerPipelineStepSensor": "sensors.step",
    "SageMakerPipelineTaskGroup": "task_groups.pipeline",
    "SageMakerProcessingStepOperator": "operators.steps.processing",
    "SageMakerQualityCheckStepOperator": "operators.steps.checks",
    "SageMakerRegisterModelStepOperator": "operators.steps.model",
    "SageMakerRetryPipelineExecutionOperator": "operators.executions.retry",
    "SageMakerStepOperator": "operators.steps.generic",
    "SageMakerStopPipelineExecutionOperator": "operators.executions.stop",
    "SageMakerTrainingStepOperator": "operators.steps.training",
    "SageMakerTransformStepOperator": "operators.steps.transform",
    "SageMakerTuningStepOperator": "operators.steps.tuning",
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
