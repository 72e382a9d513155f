"""Values of conditions that are compared outside a pipeline: from an execution that ran, S3 or the model registry."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import Reference
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.ending import Awaited
from airflow_sm_pipelines.execution.outcome import StepTarget
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.hooks.selection import step_place


class MetricLookup:
    """
    Looks up property files, JSON files in S3, and the parameters and variables of an execution.

    A :class:`~airflow_sm_pipelines.definition.evaluation.Lookup`. Each file is read once. Properties of steps are not
    looked up: they are known while the pipeline runs only.

    :param hook: where.
    :param pipeline_execution_arn: the execution; ``None`` where only S3 and the registry are asked.
    :param snapshot: the execution, where it was looked at already.
    """

    def __init__(
        self,
        hook: SageMakerPipelineHook,
        pipeline_execution_arn: str | None,
        snapshot: ExecutionSnapshot | None = None,
    ) -> None:
        self._hook = hook
        self._arn = pipeline_execution_arn
        self._seen = snapshot
        self._files: dict[object, Any] = {}

    def reference(self, reference: Reference) -> Any:
        """The value of a pipeline parameter or of an execution variable.

        :param reference: what a ``Get`` points at.
        :raises EvaluationError: when it has no value outside the pipeline.
        """
        name = reference.name or ""
        if reference.root == "Parameters" and name in self._parameters:
            return self._parameters[name]
        variables = self._variables()
        if reference.root == "Execution" and name in variables:
            return variables[name]
        raise EvaluationError(
            f"'{reference.path}' has no value outside the pipeline. Compare metrics with pipeline parameters, "
            f"{', '.join(f'Execution.{each}' for each in variables)}, and values of Airflow."
        )

    def property_file(self, step_name: str, property_file_name: str) -> Any:
        """The content of a property file of the execution.

        :param step_name: the step that writes it.
        :param property_file_name: its name in the execution's definition.
        :raises PipelineExecutionError: when there is none, saying why.
        """
        key = (step_name, property_file_name)
        if key not in self._files:
            self._files[key] = self._property_file(step_name, property_file_name)
        return self._files[key]

    def s3_json(self, uri: str) -> Any:
        """The content of a JSON file.

        :param uri: ``s3://bucket/key``.
        :raises PipelineExecutionError: when it cannot be read or is not JSON.
        """
        if uri not in self._files:
            self._files[uri] = self._hook.read_json(uri)
        return self._files[uri]

    def model_package_of(self, step_name: str) -> str:
        """Return the model package that a RegisterModel step of the execution made.

        :param step_name: the step.
        :raises PipelineExecutionError: when the step did not succeed, or made none.
        """
        arn = self._succeeded(step_name)
        if arn is None or ":model-package/" not in arn:
            raise PipelineExecutionError(
                f"step '{step_name}' of {self._arn} made no model package{f', but {arn}' if arn else ''}. Name a "
                "RegisterModel step, or the property file of a Processing step: property_file='...'"
            )
        return arn

    def statistics_uri(self, model_package_arn: str, model_metrics: str) -> str:
        """Return where a model package's metrics lie.

        :param model_package_arn: the model package.
        :param model_metrics: which of its ``ModelMetrics``, such as ``ModelQuality.Statistics``.
        :raises PipelineExecutionError: when the model package has no such metrics; names those it has.
        """
        package = self._hook.call("sagemaker", "describe_model_package", ModelPackageName=model_package_arn)
        there = {
            f"{area}.{kind}": str(source["S3Uri"])
            for area, kinds in package.get("ModelMetrics", {}).items()
            for kind, source in kinds.items()
        }
        if model_metrics not in there:
            raise PipelineExecutionError(
                f"model package {model_package_arn} has no metrics '{model_metrics}'"
                f"{did_you_mean(model_metrics, there) or '.'} It has {', '.join(map(repr, there)) or 'none'}"
            )
        return there[model_metrics]

    def _property_file(self, step_name: str, name: str) -> Any:
        awaited = step_place(self._hook, self._execution, Awaited(StepTarget(step_name)))
        places = {file.name: file for file in awaited.property_files}
        if name not in places:
            raise PipelineExecutionError(
                f"step '{step_name}' of {self._arn} has no property file '{name}'"
                f"{did_you_mean(name, places) or '.'} It has {', '.join(map(repr, places)) or 'none'}"
            )
        self._succeeded(step_name)
        result = self._hook.collect_step_result(self._snapshot.steps[step_name], [places[name]])
        return result.property_files[name]

    def _succeeded(self, step_name: str) -> str | None:
        """Raise unless the step succeeded; return the ARN of what it made."""
        step = self._snapshot.steps.get(step_name)
        if step is None or step.status is not StepStatus.SUCCEEDED:
            state = "has not run" if step is None else f"is {step.status}"
            raise PipelineExecutionError(
                f"step '{step_name}' of {self._arn} {state}, so it has no metrics. The execution is "
                f"{self._snapshot.status}"
            )
        return step.job_arn

    @property
    def definition(self) -> PipelineDefinition:
        """The definition that the execution runs.

        :raises SageMakerServiceError: in the service's words.
        """
        return self._hook.parsed_definition(self._execution)

    @property
    def _execution(self) -> str:
        if self._arn is None:
            raise PipelineExecutionError("no execution is given to read values from. Give pipeline_execution_arn=...")
        return self._arn

    @cached_property
    def _snapshot(self) -> ExecutionSnapshot:
        return self._hook.snapshot(self._execution) if self._seen is None else self._seen

    def _variables(self) -> Mapping[str, str]:
        if self._arn is None:
            return {}
        arn = PipelineExecutionArn.parse(self._arn)
        return {
            "PipelineName": arn.pipeline_name,
            "PipelineArn": arn.pipeline_arn,
            "PipelineExecutionId": arn.execution_id,
            "PipelineExecutionArn": str(arn),
        }

    @cached_property
    def _parameters(self) -> dict[str, Any]:
        definition = self.definition
        given = self._hook.execution_parameters(self._execution)
        return {
            each.name: each.parse(given[each.name]) if each.name in given else each.default_value
            for each in definition.parameters
            if each.name in given or each.default_value is not MISSING
        }
