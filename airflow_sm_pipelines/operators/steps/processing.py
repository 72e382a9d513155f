"""Processing steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Final

from airflow_sm_pipelines.definition.expressions import Get, Join, JsonGet, PropertyReference
from airflow_sm_pipelines.definition.steps import PropertyFile
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.operators.steps.generic import SageMakerStepOperator
from airflow_sm_pipelines.operators.steps.keywords import (
    as_command_line,
    optional,
    refuse_without_effect,
    require_dict,
    require_given,
    require_list,
    require_names,
    require_path,
)
from airflow_sm_pipelines.operators.steps.references import NamedReferences
from airflow_sm_pipelines.translation.nodes import CodeUpload

PROCESSING_DIRECTORY: Final = "/opt/ml/processing"
CODE_INPUT_NAME: Final = "code"


class SageMakerProcessingStepOperator(SageMakerStepOperator):
    """
    A processing job as a step of a pipeline.

    :param image_uri: the container image.
    :param instance_type: such as ``ml.m5.xlarge``.
    :param instance_count: how many instances; by default 1.
    :param volume_size_in_gb: of each instance's storage; by default 30.
    :param code: the script to run: a local file beside the Dag, a local directory (with ``entry_point``), or an
        ``s3://`` URI of a file. It arrives at ``/opt/ml/processing/input/code``. Without code the image's own
        entry point runs.
    :param entry_point: the script in the directory.
    :param command: what runs the script; by default ``["python3"]``.
    :param job_arguments: command line arguments of the script: text, numbers, references, Jinja, XComArgs.
    :param inputs: what to read, by name: an S3 URI, a pipeline parameter or a reference to another step. Arrives
        at ``/opt/ml/processing/input/<name>``. For another path:
        ``{"S3Uri": ..., "LocalPath": ...}``, with any other key of boto3's ``S3Input``.
    :param outputs: names of what is written: everything the script leaves in
        ``/opt/ml/processing/output/<name>``. A dict gives another local path or S3 place:
        ``{"train": "/opt/ml/processing/train"}`` or ``{"train": {"LocalPath": ..., "S3Uri": ...}}``. Without
        ``S3Uri`` it goes to ``<artifact_uri>/<execution id>/<step name>/<name>``.
    :param property_files: JSON files among the outputs that conditions can look into: name and path,
        ``{"metrics": "evaluation/metrics.json"}`` being the file ``metrics.json`` of output ``evaluation``.
    :param environment: environment variables.
    :param max_runtime_in_seconds: after which SageMaker stops the job.
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
        command: Sequence[str] | None = None,
        job_arguments: Sequence[Any] | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[str] | Mapping[str, Any] = (),
        property_files: Mapping[str, str] | None = None,
        environment: Mapping[str, Any] | None = None,
        max_runtime_in_seconds: Any = None,
        step_type: str = "Processing",
        **kwargs: Any,
    ) -> None:
        # Read by declared_property_files, which Airflow asks for as soon as the base class is initialised.
        self._property_files: dict[str, str] = {}
        super().__init__(step_type=step_type, **kwargs)
        self._property_files = require_dict(self, "property_files", property_files)
        require_given(self, "image_uri", image_uri, "AppSpecification", "ImageUri")
        require_given(self, "instance_type", instance_type, "ProcessingResources", "ClusterConfig", "InstanceType")
        self.image_uri = image_uri
        self.instance_type = instance_type
        self.instance_count = instance_count
        self.volume_size_in_gb = volume_size_in_gb
        self.code = require_path(self, "code", code)
        self.entry_point = entry_point
        self.command = optional(require_list, self, "command", command)
        self._refuse_what_only_code_needs()
        self.job_arguments = optional(require_list, self, "job_arguments", job_arguments)
        self.inputs = require_dict(self, "inputs", inputs)
        require_names(self, "inputs", self.inputs)
        if self.code is not None and CODE_INPUT_NAME in self.inputs:
            raise self.error(f"inputs has the name '{CODE_INPUT_NAME}', which is reserved for the code. Rename it.")
        self.declared_outputs: dict[str, Any] = (
            dict(outputs) if isinstance(outputs, Mapping) else dict.fromkeys(require_list(self, "outputs", outputs))
        )
        require_names(self, "outputs", self.declared_outputs)
        for name, place in self.declared_outputs.items():
            if isinstance(place, str) and place.startswith("s3://"):
                raise self.error(
                    f"output '{name}' is given '{place}', which is not a path in the container. Write "
                    f"outputs={{'{name}': {{'S3Uri': '{place}'}}}}."
                )
        self.environment = optional(require_dict, self, "environment", environment)
        self.max_runtime_in_seconds = max_runtime_in_seconds
        for name, path in self._property_files.items():
            output, _, file_path = path.partition("/")
            if not file_path or output not in self._output_names():
                there = self._output_names()
                raise self.error(
                    f"property file '{name}' is given as '{path}'; write '<output name>/<path in it>'. The step's "
                    f"outputs are {', '.join(map(repr, there)) or '(none)'}"
                    f"{'' if output in there else did_you_mean(output, there)}"
                )

    def _refuse_what_only_code_needs(self) -> None:
        if self.code is None:
            image_runs = "without code the image runs its own entry point. Give code=..., or "
            own = "AppSpecification.ContainerEntrypoint in arguments."
            refuse_without_effect(self, "command", self.command, image_runs + own)
            refuse_without_effect(self, "entry_point", self.entry_point, image_runs + own)
        elif self.code.startswith("s3://"):
            script = self.code.rsplit("/", 1)[1]
            refuse_without_effect(
                self,
                "entry_point",
                self.entry_point if self.entry_point != script else None,
                f"code='{self.code}' is one file in S3, which is what runs. Leave it out.",
            )

    @property
    def outputs(self) -> NamedReferences[PropertyReference]:
        """The S3 URIs of the outputs, for other steps: ``prepare.outputs["train"]``."""
        outputs = self.properties.ProcessingOutputConfig.Outputs
        references = {name: outputs[name].S3Output.S3Uri for name in self._output_names()}
        return NamedReferences(references, f"{self.subject} has no output")

    @property
    def property_files(self) -> NamedReferences[Join]:
        """The S3 URIs of the property files, for other steps: ``evaluate.property_files["metrics"]``."""
        references = {
            file.name: Join("/", [self.outputs[file.output_name], file.file_path])
            for file in self.declared_property_files
        }
        return NamedReferences(references, f"{self.subject} has no property file")

    def metric(self, property_file: str, json_path: str) -> JsonGet:
        """Return a value out of a property file, for conditions: ``evaluate.metric("metrics", "accuracy.value")``.

        :param property_file: a name declared in ``property_files``.
        :param json_path: where in the file.
        :raises TranslationError: when no such property file is declared.
        """
        if self.runs_for_each_item:
            raise self.error(
                "metric(...) reads a property file by the name of its step, but in a pipeline the runs of a mapped "
                "step have no names. Read the file in a later step: inputs={'metrics': ...property_files['name']}."
            )
        if property_file not in self._property_files:
            hint = did_you_mean(property_file, self._property_files) or "."
            raise self.error(
                f"there is no property file '{property_file}'{hint} "
                f"Declare it: property_files={{'{property_file}': '<output name>/<file>.json'}}."
            )
        return JsonGet(self.step_name, property_file, json_path, step_task_id=self.task_id)

    @property
    def declared_property_files(self) -> tuple[PropertyFile, ...]:
        """The step's property files."""
        places = {name: path.partition("/") for name, path in self._property_files.items()}
        return tuple(PropertyFile(name, output, file_path) for name, (output, _, file_path) in places.items())

    def default_arguments(self) -> dict[str, Any]:
        """Return what the CreateProcessingJob request has by default."""
        return {
            "RoleArn": self.settings.role_arn,
            "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 30}},
        }

    def keyword_arguments(self) -> dict[str, Any]:
        """Return the CreateProcessingJob request that the keywords make."""
        entry_point = None
        if self.code is not None:
            script = self._script(self.code)[1]
            command = ["python3"] if self.command is None else self.command
            entry_point = [*command, f"{PROCESSING_DIRECTORY}/input/{CODE_INPUT_NAME}/{script}"]
        outputs, limit = list(self._outputs()), self.max_runtime_in_seconds
        return {
            "RoleArn": self.role_arn,
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceType": self.instance_type,
                    "InstanceCount": self.instance_count,
                    "VolumeSizeInGB": self.volume_size_in_gb,
                }
            },
            "AppSpecification": {
                "ImageUri": self.image_uri,
                "ContainerEntrypoint": entry_point,
                "ContainerArguments": self.job_arguments and as_command_line(self.job_arguments),
            },
            "ProcessingInputs": list(self._inputs()) or None,
            "ProcessingOutputConfig": {"Outputs": outputs} if outputs else None,
            "Environment": self.environment,
            "StoppingCondition": None if limit is None else {"MaxRuntimeInSeconds": limit},
        }

    @property
    def _own_part(self) -> tuple[Get, ...]:
        """What tells the outputs of one item's job from those of the others; SageMaker does so for models only."""
        return (Get("Execution.ProcessingJobName"),) if self.runs_for_each_item else ()

    def extra(self) -> dict[str, Any]:
        """Return the step's further keys, property files among them."""
        extra = super().extra()
        if self._property_files:
            extra["PropertyFiles"] = [file.to_document() for file in self.declared_property_files]
        return extra

    def uploads(self) -> tuple[CodeUpload, ...]:
        """Return the step's local code."""
        if self.code is None or self.code.startswith("s3://"):
            return ()
        return self.read_code(self.code, self.entry_point).as_files(self.code_uri)[1]

    def _output_names(self) -> list[str]:
        return [*self.declared_outputs, *(output["OutputName"] for output in self._given_outputs())]

    def _given_outputs(self) -> list[dict[str, Any]]:
        return self.given_list(self.arguments.get("ProcessingOutputConfig") or {}, "Outputs")

    def _script(self, code: str) -> tuple[str, str]:
        """Return where the code lies in S3, and the script's path below it."""
        if code.startswith("s3://"):
            return code, code.rsplit("/", 1)[1]
        local = self.read_code(code, self.entry_point)
        return local.as_files(self.code_uri)[0], local.entry_point

    def _inputs(self) -> Iterator[dict[str, Any]]:
        for name, source in self.inputs.items():
            given = source if isinstance(source, Mapping) else {"S3Uri": source}
            if given.get("S3Uri") is None:
                raise self.error(f"input '{name}' is a dict without 'S3Uri'. Say where the data is.")
            yield _processing_input(name, given)
        if self.code is not None:
            yield _processing_input(CODE_INPUT_NAME, {"S3Uri": self._script(self.code)[0]})
        yield from self.given_list(self.arguments, "ProcessingInputs")

    def _outputs(self) -> Iterator[dict[str, Any]]:
        for name, place in self.declared_outputs.items():
            yield {
                "OutputName": name,
                "AppManaged": False,
                "S3Output": {
                    "S3Uri": Join("/", [*self.own_place, *self._own_part, name]),
                    "LocalPath": output_path(name, place),
                    "S3UploadMode": "EndOfJob",
                    **(place if isinstance(place, Mapping) else {}),
                },
            }
        yield from self._given_outputs()


def _processing_input(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "InputName": name,
        "AppManaged": False,
        "S3Input": {
            "LocalPath": input_path(name, given),
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
            "S3CompressionType": "None",
            **given,
        },
    }


def input_path(name: str, given: Any) -> Any:
    """Return where in the container an input arrives.

    :param name: the input's.
    :param given: as ``inputs`` of the operator have it.
    """
    path = given.get("LocalPath") if isinstance(given, Mapping) else None
    return f"{PROCESSING_DIRECTORY}/input/{name}" if path is None else path


def output_path(name: str, place: Any) -> Any:
    """Return where in the container an output is written.

    :param name: the output's.
    :param place: as ``outputs`` of the operator have it; ``None`` where they are a list.
    """
    path = place.get("LocalPath") if isinstance(place, Mapping) else place
    return f"{PROCESSING_DIRECTORY}/output/{name}" if path in (None, "") else path
