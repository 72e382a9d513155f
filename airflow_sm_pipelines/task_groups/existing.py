"""The TaskGroup of a pipeline that was defined elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.operators.steps.existing import (
    SageMakerExistingConditionStepOperator,
    SageMakerExistingStepOperator,
)
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from airflow_sm_pipelines.translation.existing import existing_steps
from airflow_sm_pipelines.translation.given import GivenDefinition, given_values, read_definition
from airflow_sm_pipelines.translation.nodes import CodeUpload
from airflow_sm_pipelines.translation.replaced_code import ReplacedCode


class ExistingPipelineTaskGroup(BasePipelineTaskGroup):
    """
    A TaskGroup that runs a given pipeline definition, untouched but for its code: one task for each step, named as it.

    Made by :meth:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup.from_definition`. Complete when
    made; takes no further tasks. A ForEach step is one task, whatever it iterates over.

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
        self._keep_the_launch_task_apart()
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
                f"{self._subject}: code={{...}} is uploaded, and nobody says where to. Set artifact_uri."
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
