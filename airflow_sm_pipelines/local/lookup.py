"""Where expressions find their values while an execution runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.expressions import Reference, ReferenceKey
from airflow_sm_pipelines.definition.json_text import refuse_constant
from airflow_sm_pipelines.definition.steps import walk_body
from airflow_sm_pipelines.exceptions import EvaluationError
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.jobs.staging import S3Staging, StagingError
from airflow_sm_pipelines.local.store import ExecutionRecord, Iteration


class ExecutionLookup:
    """Values for the expressions of one step.

    :param execution: the execution.
    :param staging: to read property files with.
    :param job_names: ``TrainingJobName`` or ``ProcessingJobName``, where the step has one.
    :param iteration: the turn of a ForEach step that the step belongs to; it reads the steps of the same turn.
    """

    def __init__(
        self,
        execution: ExecutionRecord,
        staging: S3Staging,
        job_names: Mapping[str, str] | None = None,
        iteration: Iteration | None = None,
    ) -> None:
        self._execution = execution
        self._staging = staging
        self._job_names = job_names or {}
        self._iteration = iteration

    def reference(self, reference: Reference) -> Any:
        """The value of a parameter, an execution variable or a property of an earlier step.

        :param reference: what a ``Get`` points at.
        :raises EvaluationError: there is no such value.
        """
        name = reference.name or ""
        if reference.root == "Parameters" and name in self._execution.parameters:
            return self._execution.parameters[name]
        if reference.root == "Execution" and name in (variables := self._execution_variables()):
            return variables[name]
        if reference.root == "PipelineExperimentConfig":
            config = self._execution.version.definition.pipeline_experiment_config
            if isinstance(config, Mapping) and name in config:
                return evaluate(config[name], self)
        if reference.root == "Steps":
            return member_of(self._properties(name), reference, reference.keys[1:])
        if reference.root == "ForEach" and name == "CurrentItem" and self._iteration is not None:
            return self._current_item(self._iteration, reference)
        raise EvaluationError(f"'{reference.path}' has no value in this execution.")

    def property_file(self, step_name: str, property_file_name: str) -> Any:
        """The content of a property file, read from the S3 location of the output it lies in.

        :param step_name: the step that declares it.
        :param property_file_name: its name.
        :raises EvaluationError: it is not declared, not there, or no JSON.
        """
        definition = self._execution.version.definition
        steps = [each.step for located in definition.walk() for each in (located, *walk_body(located))]
        files = {file.name: file for step in steps if step.name == step_name for file in step.property_files}
        if property_file_name not in files:
            raise EvaluationError(f"Step '{step_name}' declares no property file '{property_file_name}'.")
        file = files[property_file_name]
        outputs = self._properties(step_name).get("ProcessingOutputConfig", {}).get("Outputs", ())
        for output in outputs:
            if output["OutputName"] == file.output_name:
                uri = file.uri_below(output["S3Output"]["S3Uri"])
                return self._json(uri, f"Property file '{property_file_name}' of step '{step_name}'", f" ({uri}).")
        raise EvaluationError(
            f"Property file '{property_file_name}' is in the output '{file.output_name}', which step '{step_name}'"
            " does not have."
        )

    def s3_json(self, uri: str) -> Any:
        """The content of a JSON file in S3.

        :param uri: ``s3://bucket/key``.
        :raises EvaluationError: it cannot be read or is not JSON.
        """
        return self._json(uri, uri)

    def _json(self, uri: str, called: str, place: str = "") -> Any:
        try:
            return json.loads(self._staging.read(uri), parse_constant=refuse_constant)
        except StagingError as error:
            raise EvaluationError(str(error).removeprefix("ClientError: ")) from error
        except ValueError as error:
            raise EvaluationError(f"{called} is not JSON: {error}{place}") from error

    def _execution_variables(self) -> dict[str, str]:
        arn = self._execution.arn
        return {
            "StartDateTime": _time(self._execution.creation_time),
            "CurrentDateTime": _time(now()),
            "PipelineName": arn.pipeline_name,
            "PipelineArn": arn.pipeline_arn,
            "PipelineExecutionId": arn.execution_id,
            "PipelineExecutionArn": str(arn),
            **self._job_names,
        }

    def _properties(self, step_name: str) -> Mapping[str, Any]:
        if self._iteration is not None and step_name in self._iteration.body:
            step_name = self._iteration.child(step_name)
        with self._execution.lock:
            record = self._execution.steps.get(step_name)
            if record is None or not record.properties:
                raise EvaluationError(f"Step '{step_name}' has no properties: it has not run to its end.")
            return record.properties

    @staticmethod
    def _current_item(iteration: Iteration, reference: Reference) -> Any:
        """The item; as text if it is not a scalar. Fields are read from the JSON that it is, or whose text it is."""
        if len(reference.keys) == 1:
            return iteration.text if isinstance(iteration.item, (Mapping, list)) else iteration.item
        item = iteration.item
        if isinstance(item, str):
            try:
                item = json.loads(item, parse_constant=refuse_constant)
            except ValueError as error:
                raise EvaluationError(f"'{reference.path}' has no value: the item {item!r} is not JSON.") from error
        return member_of(item, reference, reference.keys[1:])


def member_of(container: Any, reference: Reference, keys: Sequence[ReferenceKey]) -> Any:
    """What lies inside properties, or inside an item.

    :param container: where to begin.
    :param reference: what is read; named in the error.
    :param keys: the part of the reference that leads from there.
    :raises EvaluationError: there is nothing.
    """
    current = container
    for before, key in zip((None, *keys), keys, strict=False):
        found = _member(current, key)
        if found is None:
            if _METRICS in (before, key):
                raise EvaluationError(f"'{reference.path}' has no value: {_NO_METRIC}")
            raise EvaluationError(f"'{reference.path}' has no value: there is no {key!r} in {_shape(current)}.")
        current = found
    return _time(current) if isinstance(current, dt.datetime) else current


_METRICS = "FinalMetricDataList"
_NO_METRIC = (
    "the training job has no such metric. Name it in AlgorithmSpecification.MetricDefinitions, with a regular "
    "expression that finds its value in what the job prints."
)


def _time(moment: dt.datetime) -> str:
    """A time in UTC as an expression's value has it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _member(container: Any, key: str | int) -> Any:
    if isinstance(container, Mapping):
        return container.get(key)
    if isinstance(container, list):
        if isinstance(key, int):
            return container[key] if key < len(container) else None
        # Lists of named things are addressed by name: Outputs['train'] is the one whose OutputName is 'train'.
        for item in container:
            if isinstance(item, Mapping) and any(
                name.endswith("Name") and value == key for name, value in item.items()
            ):
                return item
    return None


def _shape(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"an object with the keys {', '.join(map(repr, value)) or '(none)'}"
    return f"a list of {len(value)}" if isinstance(value, list) else repr(value)
