"""The task beside a pipeline group that gives the items of a pipeline parameter to Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow_sm_pipelines.operators.items import SageMakerPipelineItemsOperator

if TYPE_CHECKING:
    from airflow.sdk import TaskGroup

    from airflow_sm_pipelines.definition.expressions import ParameterReference


def items_task(group: TaskGroup, reference: ParameterReference, value: Any) -> SageMakerPipelineItemsOperator:
    """Return the task that returns the list that a pipeline parameter holds. Makes it once for each parameter.

    :param group: the pipeline group.
    :param reference: the parameter.
    :param value: the parameter's value: JSON text, Jinja that renders to it, or what is a list in a Dag run.
    """
    name = reference.path.removeprefix("Parameters.")
    task_id = f"{group.group_id}_items_{name}".rpartition(".")[2]
    parent = group.parent_group
    full_id = task_id if parent is None else str(parent.child_id(task_id))  # type: ignore[no-untyped-call]
    if full_id in group.dag.task_dict:
        return cast("SageMakerPipelineItemsOperator", group.dag.get_task(full_id))
    return SageMakerPipelineItemsOperator(
        task_id=task_id,
        items=value,
        items_of=reference,
        task_group=parent,
        dag=group.dag,
    )
