"""The pipeline groups of a Dag file, read without Airflow's database."""

from __future__ import annotations

from pathlib import Path

from airflow_sm_pipelines.compatibility.dag_files import load_dag_file
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.task_groups.import_errors import import_error


def pipeline_groups_of(
    dag_file: Path, *, dag_id: str | None = None, group_id: str | None = None
) -> list[BasePipelineTaskGroup]:
    """Return the pipeline groups of a Dag file: at least one, in the order of the Dags' ids.

    Runs the file, as Airflow's Dag processor does.

    :param dag_file: a Python file with Dags.
    :param dag_id: only groups of this Dag.
    :param group_id: only groups with this id.
    :raises TranslationError: when the file cannot be imported or has no such group.
    """
    if not dag_file.is_file():
        raise TranslationError(f"There is no file {dag_file}.")
    dags, errors = load_dag_file(dag_file)
    for error in errors:
        raise TranslationError(import_error(dag_file, error))
    groups = [
        group
        for dag in sorted(dags.values(), key=lambda dag: dag.dag_id)
        for group in dag.task_group.get_task_group_dict().values()
        if isinstance(group, BasePipelineTaskGroup)
    ]
    if not groups:
        names = ", ".join(f"'{dag}'" for dag in sorted(dags))
        has = f"Its Dags are: {names}." if dags else "It defines no Dag."
        raise TranslationError(f"{dag_file} has no SageMakerPipelineTaskGroup. {has}")
    meant = [each for each in groups if dag_id in (None, each.dag.dag_id) and group_id in (None, each.group_id)]
    if not meant:
        wanted = " of ".join(
            [*([f"pipeline group '{group_id}'"] if group_id else []), *([f"Dag '{dag_id}'"] if dag_id else [])]
        )
        names_there = [name for each in groups for name in (each.dag.dag_id, str(each.group_id))]
        hint = did_you_mean(group_id or dag_id or "", names_there) or "."
        raise TranslationError(f"{dag_file} has no {wanted}{hint} Its pipeline groups are: {_names(groups)}.")
    return meant


def pipeline_group_of(dag_file: Path, *, dag_id: str | None, group_id: str | None) -> BasePipelineTaskGroup:
    """Return the one pipeline group of a Dag file that is meant.

    :param dag_file: a Python file with Dags.
    :param dag_id: which Dag; may be ``None`` where only one has a pipeline group.
    :param group_id: which group; may be ``None`` where there is only one.
    :raises TranslationError: when the file cannot be imported, or none or several groups are meant.
    """
    meant = pipeline_groups_of(dag_file, dag_id=dag_id, group_id=group_id)
    if len(meant) == 1:
        return meant[0]
    dags = {each.dag.dag_id for each in meant}
    options = [*(["--dag-id"] if len(dags) > 1 else []), *(["--group-id"] if len(meant) > len(dags) else [])]
    raise TranslationError(
        f"{dag_file} has several pipeline groups: {_names(meant)}. Choose one with {' and '.join(options)}."
    )


def name_of(group: BasePipelineTaskGroup) -> str:
    """Return how messages name a group: ``'train' of Dag 'churn'``.

    :param group: the group.
    """
    return f"'{group.group_id}' of Dag '{group.dag.dag_id}'"


def _names(groups: list[BasePipelineTaskGroup]) -> str:
    return ", ".join(map(name_of, groups))
