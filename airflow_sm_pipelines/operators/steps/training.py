"""Training steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

from airflow_sm_pipelines.definition.code_references import PROGRAM, SUBMIT_DIRECTORY
from airflow_sm_pipelines.definition.expressions import Join, PropertyReference
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.hyperparameters import hyperparameter
from airflow_sm_pipelines.operators.steps.keywords import (
    optional,
    refuse_without_effect,
    require_dict,
    require_names,
    require_path,
)
from airflow_sm_pipelines.translation.nodes import CodeUpload


class SageMakerTrainingStepOperator(SageMakerStepOperator):
    """
    A training job as a step of a pipeline.

    :param image_uri: the container image.
    :param instance_type: such as ``ml.m5.xlarge``.
    :param instance_count: how many instances; by default 1.
    :param volume_size_in_gb: of each instance's storage; by default 30.
    :param code: the script to train with, in script mode as AWS's framework images run it: a local file beside
        the Dag, a local directory (with ``entry_point``), or the ``s3://`` URI of a ``.tar.gz`` (with
        ``entry_point``). Without code the image's own algorithm runs.
    :param entry_point: the script in the directory or archive.
    :param inputs: channels by name: an S3 URI, a pipeline parameter or a reference to another step. Arrives at
        ``/opt/ml/input/data/<name>``, and its path in ``SM_CHANNEL_<NAME>``. For more:
        ``{"S3Uri": ..., "ContentType": ..., "InputMode": ...}``.
    :param content_type: the MIME type of what the channels hold, such as ``text/csv``; a channel's own
        ``ContentType`` overrides it.
    :param hyperparameters: by name; in script mode they are the script's command line arguments. Values are
        written as JSON, which script mode reads back; without code, text is written as it is, as SageMaker's built-in
        algorithms want it.
    :param output_uri: ``S3OutputPath``; by default ``<artifact_uri>/<execution id>/<step name>``. The model is
        written to ``<output_uri>/<job name>/output/model.tar.gz``.
    :param environment: environment variables.
    :param max_runtime_in_seconds: after which SageMaker stops the job; by default a day.
    """

    def __init__(
        self,
        *,
        image_uri: Any = None,
        instance_type: Any = None,
        instance_count: Any = None,
        volume_size_in_gb: Any = None,
        code: str | PathLike[str] | None = None,
        entry_point: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        content_type: Any = None,
        hyperparameters: Mapping[str, Any] | None = None,
        output_uri: Any = None,
        environment: Mapping[str, Any] | None = None,
        max_runtime_in_seconds: Any = None,
        step_type: str = "Training",
        **kwargs: Any,
    ) -> None:
        super().__init__(step_type=step_type, **kwargs)
        self.image_uri = image_uri
        self.instance_type = instance_type
        self.instance_count = instance_count
        self.volume_size_in_gb = volume_size_in_gb
        self.code = require_path(self, "code", code)
        self.entry_point = entry_point
        self.inputs = require_dict(self, "inputs", inputs)
        require_names(self, "inputs", self.inputs)
        self.content_type = content_type
        self.hyperparameters = require_dict(self, "hyperparameters", hyperparameters)
        self.output_uri = output_uri
        self.environment = optional(require_dict, self, "environment", environment)
        self.max_runtime_in_seconds = max_runtime_in_seconds
        self._require_machine()
        if self.code is None:
            refuse_without_effect(
                self, "entry_point", entry_point, "without code the image's own algorithm runs. Give code=..., too."
            )
        if not self.inputs:
            refuse_without_effect(
                self,
                "content_type",
                content_type,
                "it belongs to the channels in inputs, and there are none. A channel in arguments has its own "
                "ContentType.",
            )
        if self.code is not None and self.code.startswith("s3://") and entry_point is None:
            raise self.error(f"code='{code}' is an archive. Say which script in it to run: entry_point='...'.")

    def _require_machine(self) -> None:
        specification = self.training_arguments.get("AlgorithmSpecification", {})
        if self.image_uri is None and not {"TrainingImage", "AlgorithmName"} & set(specification):
            raise self.error("image_uri is missing. Give image_uri=..., or AlgorithmSpecification in arguments.")
        resources = self._given_resources()
        if self.instance_type is None and not {"InstanceType", "InstanceGroups"} & set(resources):
            raise self.error("instance_type is missing. Give instance_type=..., or ResourceConfig in arguments.")

    def _given_resources(self) -> Mapping[str, Any]:
        resources: Mapping[str, Any] = self.training_arguments.get("ResourceConfig", {})
        return resources

    @property
    def model_artifacts(self) -> PropertyReference | Join:
        """The S3 URI of the trained ``model.tar.gz``, for other steps."""
        return self.properties.ModelArtifacts.S3ModelArtifacts

    @property
    def training_output_uri(self) -> Any:
        """Where models are written below."""
        if self.output_uri is not None:
            return self.output_uri
        given = self.training_arguments.get("OutputDataConfig", {}).get("S3OutputPath")
        return Join("/", self.own_place) if given is None else given

    @property
    def training_arguments(self) -> Mapping[str, Any]:
        """The part of ``arguments`` that is about the training job."""
        return self.arguments

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateTrainingJob request has by default."""
        groups = "InstanceGroups" in self.training_arguments.get("ResourceConfig", {})
        return {
            "RoleArn": self.settings.role_arn,
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "ResourceConfig": {"VolumeSizeInGB": 30, **({} if groups else {"InstanceCount": 1})},
            "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
            "OutputDataConfig": {"S3OutputPath": self.training_output_uri},
        }

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateTrainingJob request that the keywords make."""
        return {
            "RoleArn": self.role_arn,
            "AlgorithmSpecification": {"TrainingImage": self.image_uri},
            "ResourceConfig": {
                "InstanceType": self.instance_type,
                "InstanceCount": self.instance_count,
                "VolumeSizeInGB": self.volume_size_in_gb,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": self.max_runtime_in_seconds},
            "OutputDataConfig": {"S3OutputPath": self.output_uri},
            "InputDataConfig": list(self._channels()) or None,
            "HyperParameters": self._all_hyperparameters() or None,
            "Environment": self.environment,
        }

    def uploads(self) -> tuple[CodeUpload, ...]:
        """Return the step's local code, as script mode's archive."""
        if self.code is None or self.code.startswith("s3://"):
            return ()
        return self.read_code(self.code, self.entry_point).as_archive(self.code_uri)[1]

    def _channels(self) -> Iterator[dict[str, Any]]:
        for name, source in self.inputs.items():
            given = dict(source) if isinstance(source, Mapping) else {"S3Uri": source}
            data_source = {
                "S3DataType": given.pop("S3DataType", "S3Prefix"),
                "S3Uri": given.pop("S3Uri", None),
                "S3DataDistributionType": given.pop("S3DataDistributionType", "FullyReplicated"),
            }
            if data_source["S3Uri"] is None:
                raise self.error(f"input '{name}' is a dict without 'S3Uri'. Say where the channel's data is.")
            if self.content_type is not None:
                given.setdefault("ContentType", self.content_type)
            yield {"ChannelName": name, "DataSource": {"S3DataSource": data_source}, **given}
        yield from self.given_list(self.training_arguments, "InputDataConfig")

    def as_hyperparameter(self, name: str, value: Any) -> Any:
        """Return a hyperparameter as the request has it.

        :param name: its name.
        :param value: as the author gave it.
        """
        del name
        return hyperparameter(value, script_mode=self.code is not None)

    def _all_hyperparameters(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for name, value in self.hyperparameters.items():
            try:
                given[name] = self.as_hyperparameter(name, value)
            except TranslationError as error:
                raise self.error(f"hyperparameters['{name}'] is {value!r}: {error}.") from None
        if self.code is None:
            return given
        if self.code.startswith("s3://"):
            return {**given, PROGRAM: str(self.entry_point), SUBMIT_DIRECTORY: self.code}
        local = self.read_code(self.code, self.entry_point)
        return {**given, PROGRAM: local.entry_point, SUBMIT_DIRECTORY: local.as_archive(self.code_uri)[0]}
