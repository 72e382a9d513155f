"""Where in a Dag, and in a series of Dag runs, a pipeline group can be."""

from __future__ import annotations

from airflow.sdk import TaskGroup

from airflow_sm_pipelines.compatibility.sdk import LOOPS, MappedTaskGroup
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.operators.steps.settings import PipelineGroup


def refuse_enclosing_groups(group: TaskGroup, subject: str) -> None:
    """Raise for a pipeline group inside another one, or inside a mapped task group.

    :param group: the pipeline group.
    :param subject: how errors name it.
    :raises TranslationError: naming the group around.
    """
    around = group.parent_group
    while around is not None:
        if isinstance(around, PipelineGroup):
            raise TranslationError(
                f"{subject}: it is in task group '{around.settings.group_id}', which is a pipeline itself, and a "
                "pipeline cannot hold a pipeline. Use a TaskGroup for layout, or put one pipeline after the other."
            )
        if isinstance(around, MappedTaskGroup):
            raise TranslationError(
                f"{subject}: it is in the mapped task group '{around.group_id}', and a pipeline group cannot be "
                "mapped. Make one group for each item in a Python loop, or run a pipeline several times with "
                "SageMakerPipelineOperator.partial(...).expand(...)."
            )
        if isinstance(around, LOOPS):
            raise TranslationError(
                f"{subject}: it is in the loop '{around.group_id}', and a pipeline group runs once in a Dag run. "
                "Loop around a SageMakerPipelineOperator."
            )
        around = around.parent_group


def refuse_shared_pipeline(group: TaskGroup, pipeline_name: str, subject: str) -> None:
    """Raise when two groups of a Dag would overwrite each other's definition.

    :param group: the pipeline group.
    :param pipeline_name: its pipeline.
    :param subject: how errors name it.
    :raises TranslationError: naming the other group.
    """
    for other in group.dag.task_group.get_task_group_dict().values():
        # A group that was refused while it was made has no settings.
        settings = getattr(other, "settings", None) if other is not group and isinstance(other, PipelineGroup) else None
        if settings is not None and settings.pipeline_name == pipeline_name:
            raise TranslationError(
                f"{subject}: task group '{settings.group_id}' runs pipeline '{pipeline_name}' too. The two would "
                "overwrite each other's definition. Give each its own pipeline_name."
            )


def refuse_depends_on_past(group: TaskGroup, subject: str) -> None:
    """Raise for a step whose task would wait for the last Dag run's, since its step does not.

    :param group: the pipeline group.
    :param subject: how errors name it.
    :raises TranslationError: naming the task.
    """
    for task in group:
        if task.depends_on_past:
            # Airflow sets it with the other one, too.
            keyword = "wait_for_downstream" if task.wait_for_downstream else "depends_on_past"
            raise TranslationError(
                f"{subject}: task '{task.task_id}' has {keyword}. SageMaker runs its step whatever happened to it in "
                f"the last Dag run. Set {keyword}=False for the steps, as in the group's default_args; for the whole "
                f"pipeline, launch_arguments={{'{keyword}': True}}."
            )
