"""What each type of step is: the one catalogue, of which every other table is a view.

Plain data, so that everything may import it, also while a Dag file is parsed. Sources: the step classes and
``StepTypeEnum`` of the SageMaker SDK 3.27 (``sagemaker.mlops.workflow``), botocore's service model, AWS's JSON schema
of the definition, and the developer guide. Tests hold it against the first two, and find every hole without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

EACH: Final = "[]"
"""Stands for every item of a list, in a path into a step."""

STEPS: Final = "steps"
"""Stands for a service: the model of what stands in steps and in no API (``requests.step_model``)."""


@dataclass(frozen=True)
class RequestPart:
    """A part of a step that is a structure of some AWS API, or one of our own model of steps.

    :param service: as botocore names it, or :data:`STEPS`.
    :param shape_name: the structure.
    :param waived: members that the API requires and a step may leave out, as the pipeline or a default gives them.
    :param inside: the keys that lead from the step's document to the part; :data:`EACH` for every item of a list.
    :param called: how messages name the structure; of the request of an operation it is the operation.
    :param one_of: members of which exactly one is set.
    """

    service: str
    shape_name: str
    waived: tuple[str, ...] = ()
    inside: tuple[str, ...] = ("Arguments",)
    called: str = ""
    one_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resource:
    """What a step makes.

    :param type: the resource type of its ARN.
    :param api: how the API's operations call it: ``Describe<api>``, ``<api>Name``.
    :param console_page: its page in the SageMaker console; ``None`` where only Studio shows it.
    :param log_group: where it logs, in CloudWatch; ``None`` for what has no log.
    :param is_listed: whether ``List<api>s`` tells which of them run.
    """

    type: str
    api: str
    console_page: str | None = None
    log_group: str | None = None
    is_listed: bool = False


@dataclass(frozen=True)
class StepType:
    """One type of step.

    :param name: ``Type`` in the document.
    :param keys: the keys that the step may have besides those of every step.
    :param requests: what its parts are.
    :param properties: what other steps can read of it, as (service, shape): mostly the answer of a Describe operation.
    :param metadata: the member of ``PipelineExecutionStepMetadata``; no other part of an answer tells the type.
    :param resource: what it makes.
    :param job_name: the execution variable that is the name of its job.
    :param required_keys: keys that it must have.
    :param check_types: the values that its ``CheckType`` may have.
    :param steps_inside: the arguments that hold further steps.
    :param needs_arguments: whether ``Arguments`` has to be there.
    :param retries_jobs: whether its retry policies may name the exceptions of jobs, besides those of every step.
    :param cache_attributes: the arguments that a cached result depends on; ``None``, where the guide names none, for
        all of them.
    """

    name: str
    keys: tuple[str, ...] = ()
    requests: tuple[RequestPart, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    metadata: str | None = None
    resource: Resource | None = None
    job_name: str | None = None
    required_keys: tuple[str, ...] = ()
    check_types: tuple[str, ...] = ()
    steps_inside: tuple[str, ...] = ()
    needs_arguments: bool = True
    retries_jobs: bool = True
    cache_attributes: tuple[str, ...] | None = None


def _create(what: str, shape_name: str = "", *waived: str) -> RequestPart:
    return RequestPart(
        "sagemaker", shape_name or f"Create{what}Request", waived or (f"{what}Name",), called=f"Create{what}"
    )


def _ours(
    shape_name: str, called: str, inside: tuple[str, ...] = ("Arguments",), one_of: tuple[str, ...] = ()
) -> RequestPart:
    return RequestPart(STEPS, shape_name, inside=inside, called=called, one_of=one_of)


def _properties(*shape_names: str) -> tuple[tuple[str, str], ...]:
    return tuple(("sagemaker", name) for name in shape_names)


_PROCESSING_JOB: Final = Resource(
    "processing-job", "ProcessingJob", "processing-jobs", "/aws/sagemaker/ProcessingJobs", is_listed=True
)
_TRAINING_JOB: Final = Resource("training-job", "TrainingJob", "jobs", "/aws/sagemaker/TrainingJobs", is_listed=True)
_RETRIED: Final = ("CacheConfig", "RetryPolicies")
_CHECKED: Final = (
    "CheckType",
    "ModelPackageGroupName",
    "SkipCheck",
    "FailOnViolation",
    "RegisterNewBaseline",
    "SuppliedBaselineConstraints",
    *_RETRIED,  # the SDK writes none, AWS's JSON schema of the definition has them
)

_ROWS: Final = (
    StepType(
        "Processing",
        (*_RETRIED, "PropertyFiles"),
        (_create("ProcessingJob"),),
        _properties("DescribeProcessingJobResponse"),
        "ProcessingJob",
        _PROCESSING_JOB,
        job_name="ProcessingJobName",
        cache_attributes=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    StepType(
        "Training",
        _RETRIED,
        (_create("TrainingJob"),),
        _properties("DescribeTrainingJobResponse"),
        "TrainingJob",
        _TRAINING_JOB,
        job_name="TrainingJobName",
        cache_attributes=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
    ),
    StepType(
        "Tuning",
        _RETRIED,
        (_create("HyperParameterTuningJob"),),
        _properties("DescribeHyperParameterTuningJobResponse", "ListTrainingJobsForHyperParameterTuningJobResponse"),
        "TuningJob",
        Resource("hyper-parameter-tuning-job", "HyperParameterTuningJob", "hyper-tuning-jobs"),
    ),
    StepType(
        "Transform",
        _RETRIED,
        (_create("TransformJob"),),
        _properties("DescribeTransformJobResponse"),
        "TransformJob",
        Resource("transform-job", "TransformJob", "transform-jobs", "/aws/sagemaker/TransformJobs"),
    ),
    StepType(
        "AutoML",
        _RETRIED,
        (_create("AutoMLJob"),),
        _properties("DescribeAutoMLJobResponse"),
        "AutoMLJob",
        Resource("automl-job", "AutoMLJob"),
    ),
    StepType(
        "Model",
        ("RetryPolicies",),
        (_create("Model", "CreateModelInput"),),
        _properties("DescribeModelOutput"),
        "Model",
        Resource("model", "Model", "models"),
        retries_jobs=False,
    ),
    StepType(
        "RegisterModel",
        ("RetryPolicies",),
        (RequestPart("sagemaker", "CreateModelPackageInput", (), called="CreateModelPackage"),),
        _properties("DescribeModelPackageOutput"),
        "RegisterModel",
        Resource("model-package", "ModelPackage"),
        retries_jobs=False,
    ),
    StepType("Condition", metadata="Condition", steps_inside=("IfSteps", "ElseSteps")),
    StepType("Fail", metadata="Fail"),
    StepType(
        "Lambda",
        ("FunctionArn", "OutputParameters", "CacheConfig"),
        (_ours("LambdaKeys", "a Lambda step", ()),),
        _properties("LambdaStepMetadata"),
        "Lambda",
        required_keys=("FunctionArn",),
        needs_arguments=False,
    ),
    StepType(
        "Callback",
        ("SqsQueueUrl", "OutputParameters", "CacheConfig"),
        (_ours("CallbackKeys", "a Callback step", ()),),
        _properties("CallbackStepMetadata"),
        "Callback",
        required_keys=("SqsQueueUrl",),
        needs_arguments=False,
    ),
    StepType(
        "EMR",
        _RETRIED,  # the SDK 2 writes retry policies
        (
            _ours("EMRArguments", "an EMR step", one_of=("ClusterId", "ClusterConfig")),
            RequestPart(
                "emr", "HadoopJarStepConfig", (), ("Arguments", "StepConfig", "HadoopJarStep"), "an EMR HadoopJarStep"
            ),
            RequestPart("emr", "RunJobFlowInput", ("Name",), ("Arguments", "ClusterConfig"), "EMR RunJobFlow"),
        ),
        (("emr", "Step"), *_properties("EMRStepMetadata")),
        "EMR",
    ),
    StepType(
        "EMRServerless",
        _RETRIED,
        (
            _ours("EMRServerlessArguments", "an EMRServerless step", one_of=("ApplicationId", "ApplicationConfig")),
            RequestPart(
                "emr-serverless",
                "StartJobRunRequest",
                ("applicationId", "clientToken", "executionRoleArn"),
                ("Arguments", "JobConfig"),
                "EMR Serverless StartJobRun",
            ),
            RequestPart(
                "emr-serverless",
                "CreateApplicationRequest",
                ("clientToken",),
                ("Arguments", "ApplicationConfig"),
                "EMR Serverless CreateApplication",
            ),
        ),
        (("emr-serverless", "GetJobRunResponse"),),
        "EMRServerless",
    ),
    StepType(
        "QualityCheck",
        (*_CHECKED, "SuppliedBaselineStatistics"),
        (_create("ProcessingJob"), _ours("QualityCheckKeys", "a QualityCheck step", ())),
        _properties("QualityCheckStepMetadata"),
        "QualityCheck",
        _PROCESSING_JOB,
        job_name="ProcessingJobName",
        required_keys=("CheckType",),
        check_types=("DATA_QUALITY", "MODEL_QUALITY"),
    ),
    StepType(
        "ClarifyCheck",
        (*_CHECKED, "ModelName"),
        (_create("ProcessingJob"), _ours("ClarifyCheckKeys", "a ClarifyCheck step", ())),
        _properties("ClarifyCheckStepMetadata"),
        "ClarifyCheck",
        _PROCESSING_JOB,
        job_name="ProcessingJobName",
        required_keys=("CheckType",),
        check_types=("DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
    ),
    StepType(
        "EndpointConfig",
        _RETRIED,
        (_create("EndpointConfig", "CreateEndpointConfigInput"),),
        _properties("DescribeEndpointConfigOutput"),
        "EndpointConfig",
        Resource("endpoint-config", "EndpointConfig", "endpointConfig"),
    ),
    StepType(
        "Endpoint",
        ("CacheConfig",),
        (_create("Endpoint", "CreateEndpointInput"),),
        _properties("DescribeEndpointOutput"),
        "Endpoint",
        Resource("endpoint", "Endpoint", "endpoints"),
    ),
    StepType(
        "InferenceComponent",
        (),
        (_create("InferenceComponent", "CreateInferenceComponentInput"),),
        _properties("DescribeInferenceComponentOutput"),
        "InferenceComponent",
        Resource("inference-component", "InferenceComponent"),
    ),
    StepType(
        "Lineage",
        (),
        (
            _ours("LineageArguments", "a Lineage step"),
            *(
                RequestPart("sagemaker", f"Create{what}Request", (), ("Arguments", f"{what}s", EACH), f"Create{what}")
                for what in ("Action", "Artifact", "Context")
            ),
        ),
        ((STEPS, "LineageProperties"),),
        "Lineage",
    ),
    StepType(
        "Job",
        _RETRIED,
        (_create("Job"),),
        _properties("DescribeJobResponse"),
        "Job",
        Resource("job", "Job"),
    ),
    StepType("Cleanup", (), (_ours("CleanupArguments", "a Cleanup step"),), ((STEPS, "NoProperties"),), "Cleanup"),
    StepType("ForEach", metadata="ForEach", steps_inside=("ForEachBody",)),
)

STEP_TYPES: Final[Mapping[str, StepType]] = MappingProxyType({row.name: row for row in _ROWS})
"""The step types of the SageMaker SDK 3.27, by name."""

OTHER_METADATA: Final = (
    "BedrockCustomModel",
    "BedrockCustomModelDeployment",
    "BedrockProvisionedModelThroughput",
    "BedrockModelImport",
    "Athena",
    "HubContent",
)
"""Members of ``PipelineExecutionStepMetadata`` that belong to no step type of the SDK; the type is called like them."""

TYPES_BY_METADATA: Final[Mapping[str, str]] = MappingProxyType(
    {row.metadata: row.name for row in _ROWS if row.metadata} | {member: member for member in OTHER_METADATA}
)
"""The type of a step by the one member that its metadata has."""

RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {row.resource.type: row.resource for row in _ROWS if row.resource}
)
"""What steps make, by the resource type of its ARN."""

_UNKNOWN: Final = StepType("")


def step_type(name: str) -> StepType:
    """Return what is known of a type; of one that is not in the catalogue, nothing.

    :param name: ``Type`` in a document.
    """
    return STEP_TYPES.get(name, _UNKNOWN)
