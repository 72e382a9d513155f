# The public names, each once. "X as X" exports a name; sorting the imports would give each name a line of its own.
# isort: off
from airflow_sm_pipelines.definition.conditions import Condition as Condition, Not as Not, Or as Or
from airflow_sm_pipelines.definition.expressions import CURRENT_ITEM as CURRENT_ITEM, Join as Join
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook as SageMakerPipelineHook
from airflow_sm_pipelines.operators.executions.existing import (
    SageMakerRetryPipelineExecutionOperator as SageMakerRetryPipelineExecutionOperator,
    SageMakerStopPipelineExecutionOperator as SageMakerStopPipelineExecutionOperator,
)
from airflow_sm_pipelines.operators.executions.metric_branch import (
    SageMakerMetricBranchOperator as SageMakerMetricBranchOperator,
)
from airflow_sm_pipelines.operators.executions.metrics import Metric as Metric
from airflow_sm_pipelines.operators.executions.pipeline import SageMakerPipelineOperator as SageMakerPipelineOperator
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
from airflow_sm_pipelines.operators.steps.decorators import (
    sagemaker_processing as sagemaker_processing,
    sagemaker_training as sagemaker_training,
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
from airflow_sm_pipelines.operators.steps.training import SageMakerTrainingStepOperator as SageMakerTrainingStepOperator
from airflow_sm_pipelines.operators.steps.transform import (
    SageMakerTransformStepOperator as SageMakerTransformStepOperator,
)
from airflow_sm_pipelines.operators.steps.tuning import SageMakerTuningStepOperator as SageMakerTuningStepOperator
from airflow_sm_pipelines.sensors.execution import SageMakerPipelineExecutionSensor as SageMakerPipelineExecutionSensor
from airflow_sm_pipelines.sensors.step import SageMakerPipelineStepSensor as SageMakerPipelineStepSensor
from airflow_sm_pipelines.task_groups.pipeline import SageMakerPipelineTaskGroup as SageMakerPipelineTaskGroup
from airflow_sm_pipelines.translation.typed_parameters import (
    ParameterBoolean as ParameterBoolean,
    ParameterFloat as ParameterFloat,
    ParameterInteger as ParameterInteger,
    ParameterString as ParameterString,
)

__version__: str
_MODULES: dict[str, str]
