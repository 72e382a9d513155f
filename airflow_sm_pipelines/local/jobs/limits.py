"""What a create request may ask for and jobs do not do here.

Looked for when an execution is started, in what stands in the document, and when a job is made, with every value known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import is_expression
from airflow_sm_pipelines.definition.problems import Problem, error

Limits = Callable[[Mapping[str, Any]], Iterator[Problem]]
"""Yields what is not done here of what a create request asks for. Expressions in it may be anything, and pass."""

_MODES: Final = ("File", "FastFile")
"""FastFile shows the same files as File, so it is run as File."""


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
    parameters = _object(request, "HyperParameters")
    is_script = "sagemaker_program" in parameters and "sagemaker_submit_directory" in parameters
    if not is_script and not algorithm.get("ContainerEntrypoint"):
        image = algorithm.get("TrainingImage", algorithm.get("AlgorithmName", "(none)"))
        yield error(
            f"the local endpoint cannot run the algorithm inside the image {_plain(image)}. It runs script mode, that "
            "is the hyperparameters sagemaker_program and sagemaker_submit_directory, or "
            "AlgorithmSpecification.ContainerEntrypoint",
            ".AlgorithmSpecification",
        )
    yield from _instance_limits(_object(request, "ResourceConfig"), ".ResourceConfig")
    for index, channel in enumerate(_list(request, "InputDataConfig")):
        where, name = f".InputDataConfig[{index}]", channel.get("ChannelName")
        source = _object(channel, "DataSource").get("S3DataSource")
        if source is None:
            yield error(f"the channel {_shown(name)} has no S3DataSource; the local endpoint reads S3 only", where)
            continue
        mode = channel.get("InputMode", algorithm.get("TrainingInputMode", "File"))
        yield from _mode_limits(mode, source.get("S3DataType", "S3Prefix"), name, where)


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
        yield from _mode_limits(source.get("S3InputMode", "File"), source.get("S3DataType", "S3Prefix"), name, path)


def _mode_limits(mode: Any, data_type: Any, name: Any, path: str) -> Iterator[Problem]:
    mode_is_run = is_expression(mode) or mode in _MODES
    if not mode_is_run or not (is_expression(data_type) or data_type == "S3Prefix"):
        yield error(
            f"the input {_shown(name)} asks for {_plain(data_type)} in {_plain(mode)} mode; the local endpoint runs "
            "S3Prefix in File and FastFile mode",
            path,
        )


def _instance_limits(cluster: Mapping[str, Any], path: str) -> Iterator[Problem]:
    if cluster.get("InstanceGroups"):
        yield error("the job asks for groups of instances; the local endpoint runs jobs on one", path)
        return
    count = cluster.get("InstanceCount", 1)
    if not is_expression(count) and count != 1:
        yield error(
            f"the job asks for {count} instances; the local endpoint runs jobs on one. Set InstanceCount to 1",
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
