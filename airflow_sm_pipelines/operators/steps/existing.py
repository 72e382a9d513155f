"""Tasks that follow the steps of a pipeline made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_sm_pipelines.definition.caching import enabled_cache
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.steps import BranchOwner, PropertyFile, Step
from airflow_sm_pipelines.operators.steps.base import BaseSageMakerStepOperator
from airflow_sm_pipelines.operators.steps.decisions import BranchingStepOperator
from airflow_sm_pipelines.translation.nodes import StepNode


class SageMakerExistingStepOperator(BaseSageMakerStepOperator):
    """
    Follows one step, of any type, of a definition that was given as it is.

    Made by :meth:`~airflow_sm_pipelines.task_groups.pipeline.SageMakerPipelineTaskGroup.from_definition`; Dags do not
    use it themselves.

    :param step: the step.
    :param step_branches: the branches that hold it, outermost first.
    """

    def __init__(self, *, step: Step, step_branches: Sequence[BranchOwner] = (), **kwargs: Any) -> None:
        # Airflow asks for the trigger's arguments as soon as the base class is initialised.
        self.step = step
        self.step_type = step.type
        self.branches = tuple(step_branches)
        super().__init__(step_name=step.name, doc_md=step.description, **kwargs)

    @property
    def declared_property_files(self) -> tuple[PropertyFile, ...]:
        """The step's property files."""
        return self.step.property_files

    @property
    def cache_config(self) -> Mapping[str, Any] | None:
        """The step's ``CacheConfig``, where caching is on."""
        return enabled_cache(self.step_type, self.step.extra)

    def to_step_node(self) -> StepNode:
        """Describe the step as the document has it."""
        return StepNode(
            task_id=self.task_id,
            name=self.step.name,
            type=self.step.type,
            arguments={} if self.step.arguments is MISSING else self.step.arguments,
            extra=self.step.extra,
            display_name=self.step.display_name,
            description=self.step.description,
        )


class SageMakerExistingConditionStepOperator(SageMakerExistingStepOperator, BranchingStepOperator):
    """Follows a Condition step of a definition that was given as it is, and skips the branch that was not taken."""
