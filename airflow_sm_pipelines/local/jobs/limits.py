"""What a create request may ask for and jobs do not do here.

Looked for when an execution is started, in what is in the document, and when a job is made, with every value known.

Source: what the local endpoint is made to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.problems import Problem, error
from airflow_sm_pipelines.local.containers.xgboost_training import OTHER_CONTENT_TYPES
from airflow_sm_pipelines.local.jobs.algorithms import algorithm_of, asks_for_algorithm
from airflow_sm_pipelines.local.jobs.instances import MOST_INSTANCES

Limits = Callable[[Mapping[str, Any]], Iterator[Problem]]
"""Yields what is not done here of what a create request asks for. Expressions in it may be anything, and pass."""

_RUN: Final[Mapping[str, tuple[str, ...]]] = {
    "File": ("S3Prefix", "ManifestFile"),
    "FastFile": ("S3Prefix",),
    "Pipe": ("S3Prefix", "ManifestFile", "AugmentedManifestFile"),
}
"""The types of data that are read in each mode, as AWS does. FastFile shows the same files as File, and is run so."""

_OF_PIPES: Final = {"CompressionType": "Gzip", "RecordWrapperType": "RecordIO"}
"""What AWS does with a channel in Pipe mode only."""

_TUNING_RESOURCES: Final = "HyperParameterTuningResourceConfig"
_OF_SEVERAL_KINDS: Final = ("InstanceConfigs", "AllocationStrategy")


def no_limits(_request: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield nothing.

    :param _request: whatever it is.
    """
    return iter(())


def processing_limits(request: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what CreateProcessingJob asks for and is not done here.

    What an application manages itself is left to it, as on AWS.

    :param request: the request; expressions in it may be anything, and pass.
    """
    application = _object(request, "AppSpecification")
    if not application.get("ContainerEntrypoint"):
        yield error(
            f"the local endpoint cannot run the entry point of the image {_plain(application.get('ImageUri'))}. Give "
            'AppSpecification.ContainerEntrypoint, such as ["python3", "/opt/ml/processing/input/code/script.py"]',
            ".AppSpecification",
        )
    cluster = _object(_object(request, "ProcessingResources"), "ClusterConfig")
    yield from _instance_limits(cluster, ".ProcessingResources.ClusterConfig")
    for index, item in enumerate(_list(request, "ProcessingInputs")):
        yield from _input_limits(item, f".ProcessingInputs[{index}]")
    for index, item in enumerate(_list(_object(request, "ProcessingOutputConfig"), "Outputs")):
        output = item.get("S3Output")
        if not item.get("AppManaged") and (output is None or "S3Uri" not in output or "LocalPath" not in output):
            yield error(
                f"the processing output {_shown(item.get('OutputName'))} has no S3Output with S3Uri and LocalPath; the "
                "local endpoint writes to S3 only",
                f".ProcessingOutputConfig.Outputs[{index}]",
            )


def training_limits(request: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what CreateTrainingJob asks for and is not done here.

    :param request: the request; expressions in it may be anything, and pass.
    """
    algorithm = _object(request, "AlgorithmSpecification")
    if asks_for_algorithm(
        {"AlgorithmSpecification": algorithm, "HyperParameters": _object(request, "HyperParameters")}
    ):
        yield from _algorithm_limits(request, algorithm)
    yield from _instance_limits(_object(request, "ResourceConfig"), ".ResourceConfig")
    for index, channel in enumerate(_list(request, "InputDataConfig")):
        where, name = f".InputDataConfig[{index}]", channel.get("ChannelName")
        source = _object(channel, "DataSource").get("S3DataSource")
        if source is None:
            yield error(f"the channel {_shown(name)} has no S3DataSource; the local endpoint reads S3 only", where)
            continue
        mode = channel.get("InputMode", algorithm.get("TrainingInputMode", "File"))
        data_type = source.get("S3DataType", "S3Prefix")
        yield from _mode_limits(mode, data_type, name, where)
        if data_type == "AugmentedManifestFile" and not source.get("AttributeNames"):
            yield error(f"the channel {_shown(name)} is an augmented manifest without AttributeNames", where)
        for argument, value in _OF_PIPES.items():
            if not is_expression(mode) and mode != "Pipe" and channel.get(argument) == value:
                yield error(f"the channel {_shown(name)} asks for {argument} {value}, which is for Pipe mode", where)


def tuning_limits(request: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what CreateHyperParameterTuningJob asks for and is not done here, in its training jobs included.

    :param request: the request; expressions in it may be anything, and pass.
    """
    if request.get("WarmStartConfig") is not None:
        yield error(
            "the tuning job asks for a warm start; the local endpoint starts every search from the beginning. Leave it "
            "out",
            ".WarmStartConfig",
        )
    if request.get("Autotune") is not None:
        yield error(
            "the tuning job asks for Autotune; the local endpoint chooses neither ranges nor limits itself. Leave it "
            "out, and give ParameterRanges and ResourceLimits",
            ".Autotune",
        )
    config = _object(request, "HyperParameterTuningJobConfig")
    convergence = _object(_object(config, "TuningJobCompletionCriteria"), "ConvergenceDetected")
    if convergence.get("CompleteOnConvergence", "Disabled") == "Enabled":
        yield error(
            "the tuning job is to end when SageMaker detects convergence, whose rule is not published; the local "
            "endpoint does not detect it. Give TargetObjectiveMetricValue or BestObjectiveNotImproving",
            ".HyperParameterTuningJobConfig.TuningJobCompletionCriteria.ConvergenceDetected",
        )
    yield from _range_limits(config, "ParameterRanges", ".HyperParameterTuningJobConfig")
    several = enumerate(_list(request, "TrainingJobDefinitions"))
    definitions = [(f".TrainingJobDefinitions[{index}]", each) for index, each in several]
    if _object(request, "TrainingJobDefinition"):
        definitions.append((".TrainingJobDefinition", _object(request, "TrainingJobDefinition")))
    for path, definition in definitions:
        yield from _range_limits(definition, "HyperParameterRanges", path)
        for limit in training_limits(as_training_request(definition)):
            where = limit.path
            if _TUNING_RESOURCES in definition:
                where = where.replace(".ResourceConfig", f".{_TUNING_RESOURCES}")
            yield error(limit.message, f"{path}{where}")


def as_training_request(definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition of training jobs, as a tuning job has it, with the members that CreateTrainingJob has.

    The hyperparameters are the static ones; of several kinds of instances it is the one that comes first.

    :param definition: the definition; the members that only a tuning job knows stay in it.
    """
    request = {**definition, "HyperParameters": definition.get("StaticHyperParameters", {})}
    resources = definition.get(_TUNING_RESOURCES)
    if isinstance(resources, Mapping):
        first = next(iter(_list(resources, "InstanceConfigs")), {})
        others = {key: value for key, value in resources.items() if key not in _OF_SEVERAL_KINDS}
        request["ResourceConfig"] = {**others, **first}
    return request


def _range_limits(around: Mapping[str, Any], member: str, path: str) -> Iterator[Problem]:
    if _object(around, member).get("AutoParameters"):
        yield error(
            "the tuning job has AutoParameters, for which Autotune chooses the ranges; the local endpoint does not. "
            "Give their ranges",
            f"{path}.{member}.AutoParameters",
        )


def _algorithm_limits(request: Mapping[str, Any], algorithm: Mapping[str, Any]) -> Iterator[Problem]:
    image = algorithm.get("TrainingImage", "")
    if is_expression(image):
        return
    if algorithm_of(image) is None:
        where = f"inside the image {image}" if image else _plain(algorithm.get("AlgorithmName", "(none)"))
        yield error(
            f"the local endpoint cannot run the algorithm {where}. It runs XGBoost's (the images "
            "sagemaker-xgboost), script mode, that is the hyperparameters sagemaker_program and "
            "sagemaker_submit_directory, and AlgorithmSpecification.ContainerEntrypoint",
            ".AlgorithmSpecification",
        )
        return
    parameters = _object(request, "HyperParameters")
    for name in ("_kfold", "_num_cv_round"):
        if name in parameters:
            yield error(
                f"the hyperparameter {name} asks for cross-validation; the local endpoint trains XGBoost without",
                f".HyperParameters.{name}",
            )
    if parameters.get("use_dask_gpu_training") == "true":
        yield error(
            "the hyperparameter use_dask_gpu_training asks for GPUs; the local endpoint trains XGBoost without",
            ".HyperParameters.use_dask_gpu_training",
        )
    count = _object(request, "ResourceConfig").get("InstanceCount", 1)
    if not is_expression(count) and count != 1:
        yield error(
            f"the job asks for {count} instances; the local endpoint trains XGBoost on one. Set InstanceCount to 1",
            ".ResourceConfig.InstanceCount",
        )
    for index, channel in enumerate(_list(request, "InputDataConfig")):
        if channel.get("InputMode", algorithm.get("TrainingInputMode")) == "Pipe":
            yield error(
                f"the channel {_shown(channel.get('ChannelName'))} is read in Pipe mode; the local endpoint trains "
                "XGBoost in File and FastFile mode",
                f".InputDataConfig[{index}]",
            )
        if channel.get("ContentType") in OTHER_CONTENT_TYPES:
            yield error(
                f"the channel {_shown(channel.get('ChannelName'))} has the ContentType "
                f"{_shown(channel['ContentType'])}; the local endpoint trains XGBoost with text/csv and text/libsvm",
                f".InputDataConfig[{index}].ContentType",
            )


def transform_limits(request: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what CreateTransformJob asks for and is not done here.

    More instances than one only share the objects among themselves: the outputs are the same.

    :param request: the request; expressions in it may be anything, and pass.
    """
    # What reads JSONPath is loaded where there are transform jobs only.
    from airflow_sm_pipelines.local.jobs.data_processing import data_processing_problems

    source = _object(request, "TransformInput")
    data_type = _object(_object(source, "DataSource"), "S3DataSource").get("S3DataType", "S3Prefix")
    if not is_expression(data_type) and data_type != "S3Prefix":
        yield error(
            f"the transform job reads {data_type}; the local endpoint reads S3Prefix",
            ".TransformInput.DataSource.S3DataSource.S3DataType",
        )
    split_type = source.get("SplitType", "None")
    if split_type in ("RecordIO", "TFRecord"):
        yield error(
            f"the transform job splits its input as {split_type}; the local endpoint knows Line and None",
            ".TransformInput.SplitType",
        )
    if request.get("DataCaptureConfig") is not None:
        yield error("the transform job captures data; the local endpoint does not", ".DataCaptureConfig")
    for message, path in data_processing_problems(request):
        yield error(message, path)


def _input_limits(item: Mapping[str, Any], path: str) -> Iterator[Problem]:
    name, source = item.get("InputName"), item.get("S3Input")
    if item.get("DatasetDefinition") is not None:
        yield error(
            f"the processing input {_shown(name)} is a DatasetDefinition, which Athena or Redshift answers; the local "
            "endpoint reads from S3 only",
            path,
        )
    elif item.get("AppManaged"):
        return
    elif source is None:
        yield error(f"the processing input {_shown(name)} has no S3Input; the local endpoint reads from S3 only", path)
    else:
        mode = source.get("S3InputMode", "File")
        if mode == "Pipe":
            yield error(
                f"the processing input {_shown(name)} asks for Pipe mode; the local endpoint runs File mode", path
            )
            return
        yield from _mode_limits(mode, source.get("S3DataType", "S3Prefix"), name, path)
        if source.get("S3CompressionType") == "Gzip":
            yield error(
                f"the processing input {_shown(name)} asks for S3CompressionType Gzip, which is for Pipe mode", path
            )


def _mode_limits(mode: Any, data_type: Any, name: Any, path: str) -> Iterator[Problem]:
    if is_expression(mode):
        return
    types = _RUN.get(mode, ())
    if not is_expression(data_type) and data_type not in types:
        known = f"{' and '.join(types)} in that mode" if types else f"the modes {', '.join(_RUN)}"
        yield error(
            f"the input {_shown(name)} asks for {_plain(data_type)} in {_plain(mode)} mode; the local endpoint runs "
            f"{known}",
            path,
        )


def _instance_limits(cluster: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if cluster.get("InstanceGroups"):
        yield error("the job asks for groups of instances; the local endpoint runs instances of one type", path)
        return
    count = cluster.get("InstanceCount", 1)
    if not is_expression(count) and count > MOST_INSTANCES:
        yield error(
            f"the job asks for {count} instances; the local endpoint runs at most {MOST_INSTANCES} of a job. Set "
            f"InstanceCount to {MOST_INSTANCES} or less",
            f"{path}.InstanceCount",
        )


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) and not is_expression(inner) else {}


def _list(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    inner = value.get(key)
    return [each for each in inner if isinstance(each, Mapping)] if isinstance(inner, list) else []


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    return "that the run decides on" if is_expression(value) else str(value)
