"""The catalogue of step types. Every other table of them is made from it.

Plain data, so that everything may import it, also while a Dag file is parsed. Sources: the step classes and
``StepTypeEnum`` of the SageMaker SDK 3.27 (``sagemaker.mlops.workflow``), botocore's service model, AWS's JSON schema
of the definition, and the developer guide. Tests hold it against the first two, and find every hole without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

EACH: Final = "[]"
"""Stands for every item of a list, in a path into a step."""

STEPS: Final = "steps"
"""Stands for a service: the model of what is in steps and in no API (``requests.step_model``)."""


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
    :param console_page: its page in the SageMaker console; ``None`` where none is known.
    :param log_group: where it logs, in CloudWatch; ``None`` for what has no log.
    :param is_listed: whether ``List<api>s`` tells which of them run.
    :param ran: the members of its description that tell when it began and ended to run; ``None`` for what does not run.
    :param has_instances: it runs on its own instances, which are billable while it does.
    """

    type: str
    api: str
    console_page: str | None = None
    log_group: str | None = None
    is_listed: bool = False
    ran: tuple[str, str] | None = None
    has_instances: bool = False


@dataclass(frozen=True)
class StepType:
    """One type of step.

    :param name: ``Type`` in the document.
    :param metadata: the member of ``PipelineExecutionStepMetadata``; no other part of an answer tells the type.
    :param keys: the keys that the step may have besides those of every step.
    :param requests: what its parts are.
    :param properties: what other steps can read of it, as (service, shape): mostly the answer of a Describe operation.
    :param resource: what it makes.
    :param job_name: the execution variable that is the name of its job.
    :param required_keys: keys that it must have.
    :param check_types: the values that its ``CheckType`` may have.
    :param steps_inside: the arguments that hold further steps.
    :param needs_arguments: whether ``Arguments`` has to be there.
    :param retries_jobs: whether its retry policies may name the exceptions of jobs, besides those of every step.
    :param in_body: whether the body of a ForEach step may hold it.
    :param cache_attributes: the arguments that a cached result depends on; ``None`` for all of them.
    """

    name: str
    metadata: str
    keys: tuple[str, ...] = ()
    requests: tuple[RequestPart, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()
    resource: Resource | None = None
    job_name: str | None = None
    required_keys: tuple[str, ...] = ()
    check_types: tuple[str, ...] = ()
    steps_inside: tuple[str, ...] = ()
    needs_arguments: bool = True
    retries_jobs: bool = True
    in_body: bool = True
    cache_attributes: tuple[str, ...] | None = None


def _create(api: str, shape: str = "Request", waived: tuple[str, ...] | None = None) -> RequestPart:
    waived = (f"{api}Name",) if waived is None else waived
    return RequestPart("sagemaker", f"Create{api}{shape}", waived, called=f"Create{api}")


def _ours(name: str, what: str, inside: tuple[str, ...] = ("Arguments",), one_of: tuple[str, ...] = ()) -> RequestPart:
    return RequestPart(STEPS, f"{name}{what}", (), inside, f"{'an' if name[0] in 'AEIOU' else 'a'} {name} step", one_of)


def _made(name: str, metadata: str, resource: Resource, keys: tuple[str, ...], **cells: Any) -> StepType:
    """Return a type that is one create request; its properties are what describes the resource then."""
    api = resource.api
    cells = {"requests": (_create(api),), "properties": (("sagemaker", f"Describe{api}Response"),), **cells}
    return StepType(name, metadata, keys, resource=resource, **cells)


def _hosted(name: str, resource: Resource, keys: tuple[str, ...] = (), **cells: Any) -> StepType:
    """Return such a type of the API's older operations, whose structures end in Input and Output."""
    properties = (("sagemaker", f"Describe{resource.api}Output"),)
    cells = {"requests": (_create(resource.api, "Input"),), "properties": properties, **cells}
    return _made(name, name, resource, keys, **cells)


_RETRIED: Final = ("CacheConfig", "RetryPolicies")
_PROCESSING_JOB: Final = Resource(
    "processing-job",
    "ProcessingJob",
    "processing-jobs",
    "/aws/sagemaker/ProcessingJobs",
    is_listed=True,
    ran=("ProcessingStartTime", "ProcessingEndTime"),
    has_instances=True,
)


def _check(name: str, key: str, *check_types: str) -> StepType:
    keys = ("CheckType", "ModelPackageGroupName", "SkipCheck", "FailOnViolation", "RegisterNewBaseline")
    return _made(
        name,
        name,
        _PROCESSING_JOB,
        (*keys, "SuppliedBaselineConstraints", *_RETRIED, key),  # AWS's JSON schema has retry policies, the SDK none
        requests=(_create("ProcessingJob"), _ours(name, "Keys", ())),
        properties=(("sagemaker", f"{name}StepMetadata"),),
        job_name="ProcessingJobName",
        required_keys=("CheckType",),
        check_types=check_types,
    )


_ROWS: Final = (
    _made(
        "Processing",
        "ProcessingJob",
        _PROCESSING_JOB,
        (*_RETRIED, "PropertyFiles"),
        job_name="ProcessingJobName",
        cache_attributes=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    _made(
        "Training",
        "TrainingJob",
        Resource(
            "training-job",
            "TrainingJob",
            "jobs",
            "/aws/sagemaker/TrainingJobs",
            is_listed=True,
            ran=("TrainingStartTime", "TrainingEndTime"),
            has_instances=True,
        ),
        _RETRIED,
        job_name="TrainingJobName",
        cache_attributes=(
            *("AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations"),
            *("Environment", "HyperParameters", "InputDataConfig"),
        ),
    ),
    _made(
        "Tuning",
        "TuningJob",
        Resource(
            "hyper-parameter-tuning-job",
            "HyperParameterTuningJob",
            "hyper-tuning-jobs",
            ran=("CreationTime", "HyperParameterTuningEndTime"),
        ),
        _RETRIED,
        properties=(
            ("sagemaker", "DescribeHyperParameterTuningJobResponse"),
            ("sagemaker", "ListTrainingJobsForHyperParameterTuningJobResponse"),
        ),
    ),
    _made(
        "Transform",
        "TransformJob",
        Resource(
            "transform-job",
            "TransformJob",
            "transform-jobs",
            "/aws/sagemaker/TransformJobs",
            ran=("TransformStartTime", "TransformEndTime"),
            has_instances=True,
        ),
        _RETRIED,
        cache_attributes=("DataProcessing", "Environment", "ModelName", "TransformInput"),
    ),
    _made("AutoML", "AutoMLJob", Resource("automl-job", "AutoMLJob", ran=("CreationTime", "EndTime")), _RETRIED),
    _hosted("Model", Resource("model", "Model", "models"), ("RetryPolicies",), retries_jobs=False),
    _hosted(
        "RegisterModel",
        Resource("model-package", "ModelPackage"),
        ("RetryPolicies",),
        requests=(_create("ModelPackage", "Input", ()),),
        retries_jobs=False,
    ),
    StepType("Condition", "Condition", steps_inside=("IfSteps", "ElseSteps"), in_body=False),
    StepType("Fail", "Fail", in_body=False),
    StepType(
        "Lambda",
        "Lambda",
        ("FunctionArn", "OutputParameters", "CacheConfig"),
        (_ours("Lambda", "Keys", ()),),
        (("sagemaker", "LambdaStepMetadata"),),
        required_keys=("FunctionArn",),
        needs_arguments=False,
    ),
    StepType(
        "Callback",
        "Callback",
        ("SqsQueueUrl", "OutputParameters", "CacheConfig"),
        (_ours("Callback", "Keys", ()),),
        (("sagemaker", "CallbackStepMetadata"),),
        required_keys=("SqsQueueUrl",),
        needs_arguments=False,
    ),
    StepType(
        "EMR",
        "EMR",
        _RETRIED,  # the SDK 2 writes retry policies
        (
            _ours("EMR", "Arguments", one_of=("ClusterId", "ClusterConfig")),
            RequestPart(
                "emr", "HadoopJarStepConfig", (), ("Arguments", "StepConfig", "HadoopJarStep"), "an EMR HadoopJarStep"
            ),
            RequestPart("emr", "RunJobFlowInput", ("Name",), ("Arguments", "ClusterConfig"), "EMR RunJobFlow"),
        ),
        (("emr", "Step"), ("sagemaker", "EMRStepMetadata")),
        cache_attributes=("ClusterId", "StepConfig"),
    ),
    StepType(
        "EMRServerless",
        "EMRServerless",
        _RETRIED,
        (
            _ours("EMRServerless", "Arguments", one_of=("ApplicationId", "ApplicationConfig")),
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
    ),
    _check("QualityCheck", "SuppliedBaselineStatistics", "DATA_QUALITY", "MODEL_QUALITY"),
    _check("ClarifyCheck", "ModelName", "DATA_BIAS", "MODEL_BIAS", "MODEL_EXPLAINABILITY"),
    _hosted("EndpointConfig", Resource("endpoint-config", "EndpointConfig", "endpointConfig"), _RETRIED),
    _hosted("Endpoint", Resource("endpoint", "Endpoint", "endpoints"), ("CacheConfig",)),
    _hosted("InferenceComponent", Resource("inference-component", "InferenceComponent")),
    StepType(
        "Lineage",
        "Lineage",
        (),
        (
            _ours("Lineage", "Arguments"),
            *(
                RequestPart("sagemaker", f"Create{what}Request", (), ("Arguments", f"{what}s", EACH), f"Create{what}")
                for what in ("Action", "Artifact", "Context")
            ),
        ),
        ((STEPS, "LineageProperties"),),
    ),
    _made("Job", "Job", Resource("job", "Job", ran=("CreationTime", "EndTime")), _RETRIED),
    StepType("Cleanup", "Cleanup", (), (_ours("Cleanup", "Arguments"),), ((STEPS, "NoProperties"),)),
    StepType("ForEach", "ForEach", steps_inside=("ForEachBody",), in_body=False),
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
"""Members of ``PipelineExecutionStepMetadata`` that belong to no step type of the SDK; the type is called like them.

What such a step makes has no row in :data:`RESOURCES`: its ARN is shown, but has no page, log or list here."""

TYPES_BY_METADATA: Final[Mapping[str, str]] = MappingProxyType(
    {row.metadata: row.name for row in _ROWS} | {member: member for member in OTHER_METADATA}
)
"""The type of a step by the one member that its metadata has."""

RESOURCES: Final[Mapping[str, Resource]] = MappingProxyType(
    {row.resource.type: row.resource for row in _ROWS if row.resource}
)
"""What steps make, by the resource type of its ARN."""

_UNKNOWN: Final = StepType("", "")


def step_type(name: str) -> StepType:
    """Return what is known of a type; of one that is not in the catalogue, nothing.

    :param name: ``Type`` in a document.
    """
    return STEP_TYPES.get(name, _UNKNOWN)
