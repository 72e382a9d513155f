"""The TaskGroup of a pipeline that was defined elsewhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from airflow_sm_pipelines.compatibility.mapped import mapped_task_group
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import ParameterReference
from airflow_sm_pipelines.definition.items import items_parameter, known_items
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.operators.steps.existing import (
    SageMakerExistingConditionStepOperator,
    SageMakerExistingStepOperator,
)
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.task_groups.items import items_task
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from airflow_sm_pipelines.translation.existing import ExistingStep, existing_steps
from airflow_sm_pipelines.translation.given import GivenDefinition, given_values, read_definition
from airflow_sm_pipelines.translation.nodes import CodeUpload, RuntimeValue
from airflow_sm_pipelines.translation.reader import to_runtime_value
from airflow_sm_pipelines.translation.replaced_code import ReplacedCode
from airflow_sm_pipelines.translation.xcoms import ItemsXComArg


class ExistingPipelineTaskGroup(BasePipelineTaskGroup):
    """
    A TaskGroup that runs a given pipeline definition, untouched but for its code: one task for each step, named as it.

    Made by :meth:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup.from_definition`. Complete when
    made; it accepts no further tasks. A ForEach step is a mapped task group with the steps of its body, where what it
    runs over is a list or a pipeline parameter; otherwise it is one task.

    :param group_id: the group's id.
    :param definition: a path, JSON text, the parsed document, or the SDK's ``Pipeline``.
    :param parameters: values by pipeline parameter.
    :param code: local files and directories by the S3 URIs that the definition has.
    """

    def __init__(
        self,
        group_id: str,
        *,
        definition: GivenDefinition,
        parameters: Mapping[str, Any] | None = None,
        code: Mapping[str, str | Path] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, **kwargs)
        given = read_definition(definition, str(self.dag.folder), self._subject, self.settings.pipeline_name)
        self._text, self._definition = given.text, given.definition
        self._uploads: tuple[CodeUpload, ...] = ()
        if code:
            self._replace_code(code)
        self._values = given_values(self._definition, parameters or {}, self._subject)
        self._choose_launch_task_id()
        with self:
            self._add_steps()

    @property
    def definition_digest(self) -> str:
        """What tells the given definition from others."""
        return definition_digest(self._text)

    def compile(self) -> CompiledPipeline:
        """Return the given document and the parameters' values. Changes nothing."""
        return CompiledPipeline(self._definition, self._text, self._values, self._uploads)

    def _replace_code(self, code: Mapping[str, str | Path]) -> None:
        """Have the definition refer to local code, where it will be in S3."""
        if not self.settings.artifact_uri:
            raise TranslationError(
                f"{self._subject}: code={{...}} is uploaded, but no destination is given. Set artifact_uri."
            )
        self._require_artifact_uri(self.settings.artifact_uri)
        replaced = ReplacedCode(code, str(self.dag.folder), f"{self.settings.artifact_uri}/code")
        try:
            document = replaced.in_document(self._definition.to_document())
        except TranslationError as error:
            raise TranslationError(f"{self._subject}: {error}") from None
        self._definition = PipelineDefinition.from_document(document)
        self._text = self._definition.to_json()
        self._uploads = tuple(replaced.uploads.values())

    def _choose_launch_task_id(self) -> None:
        """Give the launch task another id where a step is named like it: tasks are named as their steps."""
        names = {located.step.name for located in self._definition.walk()}
        while self.launch_label in names:
            self.launch_label += "_"
        task_id = str(self.child_id(self.launch_label))  # type: ignore[no-untyped-call]
        self.settings = dataclasses.replace(self.settings, launch_task_id=task_id)

    def _add_steps(self) -> None:
        existing = existing_steps(self._definition)
        tasks = {each.step.name: self._add_step(each) for each in existing}
        for each in existing:
            first, _ = tasks[each.step.name]
            for owner in each.skipped_by:
                [condition] = tasks[owner.condition].first
                if isinstance(condition, SageMakerExistingConditionStepOperator):
                    condition.lead_to(*((first, []) if owner.outcome else ([], first)))
            for upstream in (task for name in each.upstream for task in tasks[name].last):
                for task in first:
                    if upstream.task_id not in task.upstream_task_ids:
                        upstream.set_downstream(task)

    def _add_step(self, existing: ExistingStep) -> _Tasks:
        """Add the task of a step, or the tasks of a ForEach step's body."""
        items = self._items_of(existing.step) if existing.body else None
        if items is not None:
            return self._add_body(existing, items)
        is_condition = existing.step.type == "Condition"
        operator_class = SageMakerExistingConditionStepOperator if is_condition else SageMakerExistingStepOperator
        task = operator_class(
            task_id=existing.step.name,
            step=existing.step,
            step_branches=existing.branches,
            trigger_rule=existing.trigger_rule,
            task_group=self,
            dag=self.dag,
        )
        return _Tasks([task], [task])

    def _add_body(self, existing: ExistingStep, items: Any) -> _Tasks:
        """Add a mapped task group with a task for each step of a ForEach step's body."""
        tasks: dict[str, SageMakerExistingStepOperator] = {}
        with mapped_task_group(existing.step.name, self, items) as group:
            for each in existing.body:
                tasks[each.step.name] = SageMakerExistingStepOperator(
                    task_id=each.step.name,
                    step=each.step,
                    step_branches=existing.branches,
                    trigger_rule="all_success" if each.upstream else existing.trigger_rule,
                    task_group=group,
                    dag=self.dag,
                )
            for each in existing.body:
                for name in each.upstream:
                    tasks[name].set_downstream(tasks[each.step.name])
        followed = {name for each in existing.body for name in each.upstream}
        return _Tasks(
            [tasks[each.step.name] for each in existing.body if not each.upstream],
            [task for name, task in tasks.items() if name not in followed],
        )

    def _items_of(self, step: Step) -> Any:
        """Return what Airflow maps over for a ForEach step: the items, or what a task returns in each Dag run.

        ``None`` where only the execution knows them, or they are none.
        """
        name = items_parameter(step)
        value = self._values.get(name) if name is not None else None
        late = to_runtime_value(value)
        if name is not None and isinstance(late, RuntimeValue):
            if not isinstance(late.value, (str, ItemsXComArg)):
                self._values[name] = ItemsXComArg(late.value)
            return items_task(self, ParameterReference(f"Parameters.{name}"), late.value).output
        defaults = {each.name: each.default_value for each in self._definition.parameters}
        items = known_items(step, {**defaults, **self._values})
        return [item if isinstance(item, str) else json.dumps(item) for item in items] if items else None


class _Tasks(NamedTuple):
    """The tasks of a step.

    :param first: those that follow what the step waits for.
    :param last: those that are followed by what waits for the step.
    """

    first: list[SageMakerExistingStepOperator]
    last: list[SageMakerExistingStepOperator]
