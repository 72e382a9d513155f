"""The TaskGroup of a pipeline that was defined elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.execution.resume import definition_digest
from airflow_sm_pipelines.operators.steps.existing import (
    SageMakerExistingConditionStepOperator,
    SageMakerExistingStepOperator,
)
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.translation.compile import CompiledPipeline
from airflow_sm_pipelines.translation.existing import existing_steps
from airflow_sm_pipelines.translation.given import GivenDefinition, given_values, read_definition


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
        definition: GivenDefinition,
        parameters: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group_id, **kwargs)
        given = read_definition(definition, str(self.dag.folder), self._subject, self.settings.pipeline_name)
        self._text, self._definition = given.text, given.definition
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
