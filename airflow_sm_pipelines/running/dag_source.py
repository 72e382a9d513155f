"""A pipeline as a task group of a Dag file gives it. The one place where ``run`` needs Airflow."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.parameters import to_start_value
from airflow_sm_pipelines.exceptions import PipelineParameterError, SageMakerPipelinesError
from airflow_sm_pipelines.running.sources import Source, SourceError

if TYPE_CHECKING:
    from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup


def group_of(dag_file: Path, dag_id: str | None, group_id: str | None) -> BasePipelineTaskGroup:
    """Return the pipeline group of a Dag file that is meant. What the file prints goes to standard error.

    :param dag_file: the file.
    :param dag_id: which Dag, where the file has several.
    :param group_id: which group, where the Dag has several.
    :raises TranslationError: the file cannot be imported, none or several groups are meant, or SageMaker cannot run it.
    """
    with _loading():
        from airflow_sm_pipelines.task_groups.dag_files import pipeline_group_of

        group = pipeline_group_of(dag_file, dag_id=dag_id, group_id=group_id)
        group.require_launch_follows_outside_upstreams()
    return group


def definitions_of(
    dag_file: Path, dag_id: str | None, group_id: str | None
) -> dict[str, PipelineDefinition | SageMakerPipelinesError]:
    """Return the definition of each pipeline group of a Dag file, or its error, by the group's name.

    :param dag_file: the file.
    :param dag_id: only groups of this Dag.
    :param group_id: only groups with this id.
    :raises TranslationError: the file cannot be imported or has no such group.
    """
    found: dict[str, PipelineDefinition | SageMakerPipelinesError] = {}
    with _loading():
        from airflow_sm_pipelines.task_groups.dag_files import name_of, pipeline_groups_of

        for group in pipeline_groups_of(dag_file, dag_id=dag_id, group_id=group_id):
            try:
                group.require_launch_follows_outside_upstreams()
                found[name_of(group)] = group.compile().definition
            except SageMakerPipelinesError as error:
                found[name_of(group)] = error
    return found


@contextlib.contextmanager
def _loading() -> Iterator[None]:
    # Before Airflow is imported: its log would repeat the error.
    os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "CRITICAL")
    with contextlib.redirect_stdout(sys.stderr):
        yield


def dag_source(dag_file: Path, dag_id: str | None, group_id: str | None) -> Source:
    """Return what a task group gives: all that its launch task would use, except values that a Dag run gives.

    :param dag_file: the file.
    :param dag_id: which Dag, where the file has several.
    :param group_id: which group, where the Dag has several.
    :raises TranslationError: as :func:`group_of`.
    :raises SourceError: a literal value fits no pipeline parameter.
    """
    return group_source(group_of(dag_file, dag_id, group_id), dag_file)


def group_source(group: BasePipelineTaskGroup, dag_file: Path) -> Source:
    """Return what a task group gives.

    :param group: the group, whose edges outside have been checked.
    :param dag_file: its file.
    :raises SourceError: a literal value fits no pipeline parameter.
    """
    from airflow_sm_pipelines.translation.nodes import RuntimeValue
    from airflow_sm_pipelines.translation.reader import to_runtime_value

    compiled = group.compile()
    values: dict[str, str] = {}
    values_of_runs: dict[str, str] = {}
    for name, value in compiled.values.items():
        if isinstance(to_runtime_value(value), RuntimeValue):
            values_of_runs[name] = str(value)
            continue
        try:
            values[name] = to_start_value(value)
        except PipelineParameterError as error:
            raise SourceError(f"{dag_file}, pipeline parameter '{name}': {error}") from None
    return Source(
        name=group.settings.pipeline_name,
        text=compiled.text,
        folder=dag_file.absolute().parent,
        role_arn=group.settings.role_arn,
        values=values,
        values_of_runs=values_of_runs,
        uploads=compiled.uploads,
    )
