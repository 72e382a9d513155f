"""Edges of mapped task groups: the pipeline starts such a group as a whole, and continues when all of it is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.mapped_groups import mapped_groups_of

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, TaskGroup

    from airflow_sm_pipelines.compatibility.mapped import MappedOperator

    Task = BaseOperator | MappedOperator


def connect_mapped_groups(group: TaskGroup) -> None:
    """Let the first tasks of each mapped task group follow what any in it follows, and its followers follow the last.

    :param group: the pipeline group, all other edges drawn.
    """
    for upstream, downstream in [*_missing_edges(group)]:
        upstream.set_downstream(downstream)


def refuse_late_edges_of_mapped_groups(group: TaskGroup) -> None:
    """Raise for an edge to or from a part of a mapped task group that was drawn after the ``with`` block.

    :param group: the pipeline group.
    :raises TranslationError: naming the tasks.
    """
    for upstream, downstream in _missing_edges(group):
        raise TranslationError(
            f"an edge to or from a part of a mapped task group was drawn after the 'with' block ended: "
            f"'{downstream.task_id}' would have to follow '{upstream.task_id}', too. Draw it inside the block."
        )


def _missing_edges(group: TaskGroup) -> Iterator[tuple[Task, Task]]:
    """Yield the edges that there are not, each as the task that is followed and the one that follows."""
    inside = {task.task_id for task in group}
    for mapped in mapped_groups_of(group).values():
        for upstream_id in sorted(mapped.upstream_task_ids & inside):
            for task in mapped.first_tasks:
                if upstream_id not in task.upstream_task_ids:
                    yield group.dag.get_task(upstream_id), task
        followers = {each for task in mapped.tasks for each in task.downstream_task_ids} & inside - mapped.task_ids
        for follower_id in sorted(followers):
            for task in mapped.last_tasks:
                if follower_id not in task.downstream_task_ids:
                    yield task, group.dag.get_task(follower_id)
