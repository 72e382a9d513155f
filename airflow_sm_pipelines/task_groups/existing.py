"""The TaskGroup of a pipeline that was defined elsewhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import MISSING, PipelineParameter, to_start_value
from airflow_sm_pipelines.definition.validation import did_you_mean, require_valid
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, PipelineParameterError, TranslationError
from airflow_sm_pipelines.operators.existing import (
    SageMakerExistingConditionStepOperator,
    SageMakerExistingStepOperator,
)
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from airflow_sm_pipelines.translation.existing import existing_steps
from airflow_sm_pipelines.translation.nodes import RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.typed_parameters import TypedParameter


@runtime_checkable
class SdkPipeline(Protocol):
    """What a ``Pipeline`` object of the SageMaker SDK offers; the SDK itself is not needed here."""

    def definition(self) -> str:
        """Return the document as JSON text."""


class ExistingPipelineTaskGroup(BasePipelineTaskGroup):
    """
    A TaskGroup that runs a given pipeline definition, untouched: one task for each step, named as the step.

    Made by :meth:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup.from_definition`. Complete when
    made; takes no further tasks. A ForEach step is one task, whatever it iterates over.

    :param group_id: the group's id.
    :param definition: a path, JSON text, the parsed document, or the SDK's ``Pipeline``.
    :param parameters: values by pipeline parameter.
    """

    def __init__(
        self,
        group_id: str,
        *,
        definition: str | Path | Mapping[str, Any] | SdkPipeline,
        parameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, **kwargs)
        self._text = self._read(definition)
        subject = f"{self._subject}, pipeline '{self.settings.pipeline_name}'"
        try:
            self._definition = PipelineDefinition.from_json(self._text)
        except PipelineDefinitionError as error:
            raise PipelineDefinitionError(error.problems, subject) from None
        require_valid(self._definition, subject)
        self._values = {name: self._value_of(name, value) for name, value in (parameters or {}).items()}
        self._check_values()
        self._keep_the_launch_task_apart()
        with self:
            self._add_steps()

    def compile(self) -> CompiledPipeline:
        """Return the given document and the parameters' values. Changes nothing."""
        return CompiledPipeline(self._definition, self._text, self._values)

    def _keep_the_launch_task_apart(self) -> None:
        """Give the launch task another id where a step is named like it: tasks are named as their steps."""
        names = {located.step.name for located in self._definition.walk()}
        while self.launch_label in names:
            self.launch_label += "_"
        task_id = str(self.child_id(self.launch_label))  # type: ignore[no-untyped-call]
        self.settings = dataclasses.replace(self.settings, launch_task_id=task_id)

    def _add_steps(self) -> None:
        existing = existing_steps(self._definition)
        tasks: dict[str, SageMakerExistingStepOperator] = {}
        for each in existing:
            operator_class = (
                SageMakerExistingConditionStepOperator
                if each.step.type == "Condition"
                else SageMakerExistingStepOperator
            )
            tasks[each.step.name] = operator_class(
                task_id=each.step.name,
                step=each.step,
                step_branches=each.branches,
                trigger_rule=each.trigger_rule,
                task_group=self,
                dag=self.dag,
            )
        for each in existing:
            task = tasks[each.step.name]
            for owner in each.skipped_by:
                condition = tasks[owner.condition]
                if isinstance(condition, SageMakerExistingConditionStepOperator):
                    condition.lead_to(*(([task], []) if owner.outcome else ([], [task])))
            for name in each.upstream:
                if tasks[name].task_id not in task.upstream_task_ids:
                    tasks[name].set_downstream(task)

    def _check_values(self) -> None:
        declared = {parameter.name: parameter for parameter in self._definition.parameters}
        for name, value in self._values.items():
            if name not in declared:
                raise TranslationError(
                    f"{self._subject}: the definition declares no pipeline parameter '{name}'"
                    f"{did_you_mean(name, declared) or '.'} It declares "
                    f"{', '.join(map(repr, declared)) or 'none'}."
                )
            self._check_value(declared[name], value)
        missing = [
            name
            for name, parameter in declared.items()
            if parameter.default_value is MISSING and name not in self._values
        ]
        if missing:
            raise TranslationError(
                f"{self._subject}: the definition has no default for {', '.join(map(repr, missing))}. "
                "Give a value in parameters={...}."
            )

    def _value_of(self, name: str, given: Any) -> Any:
        """Return a parameter's value; one with a type is taken for its value, where it has the type declared."""
        if not isinstance(given, TypedParameter):
            return given
        declared = {parameter.name: parameter.type for parameter in self._definition.parameters}.get(name)
        if declared not in (None, given.type):
            raise TranslationError(
                f"{self._subject}: pipeline parameter '{name}' is {declared} in the definition, and is given "
                f"{given!r}. Give Parameter{declared}(...), or the value alone."
            )
        if given.default_value is not None or getattr(given, "enum_values", None) is not None:
            raise TranslationError(
                f"{self._subject}: pipeline parameter '{name}' is given {given!r}. Defaults and allowed values stand "
                "in the definition, which is not changed. Give the value alone."
            )
        return given.value

    def _check_value(self, parameter: PipelineParameter, value: Any) -> None:
        if isinstance(to_runtime_value(value), RuntimeValue):
            return  # checked by the launch task, once rendered
        try:
            parameter.parse(to_start_value(value))
        except PipelineParameterError as error:
            raise TranslationError(f"{self._subject}: {error}") from None

    def _read(self, definition: str | Path | Mapping[str, Any] | SdkPipeline) -> str:
        if isinstance(definition, Mapping):
            try:
                return json.dumps(definition, separators=(",", ":"), ensure_ascii=False)
            except (TypeError, ValueError) as error:
                raise TranslationError(f"{self._subject}: the definition is no JSON: {error}.") from None
        if isinstance(definition, str) and definition.lstrip().startswith("{"):
            return definition
        if isinstance(definition, (str, Path)):
            return self._read_file(definition)
        if isinstance(definition, SdkPipeline):
            return definition.definition()
        raise TranslationError(
            f"{self._subject}: definition={definition!r} is no pipeline definition. Give the path of a JSON file, JSON "
            "text, a dict, or a Pipeline object of the SageMaker SDK."
        )

    def _read_file(self, definition: str | Path) -> str:
        path = Path(self.dag.folder, definition)
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TranslationError(
                f"{self._subject}: cannot read the definition '{definition}' (looked for {path}): {error}. A relative "
                "path starts at the Dag file's directory; what lies in S3 has to be brought there first."
            ) from None
