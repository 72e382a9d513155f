"""The pipeline groups of a Dag file, read without Airflow's database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.compatibility.dag_files import load_dag_file
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup
from airflow_sm_pipelines.task_groups.import_errors import import_error

_OPTIONS = ("--dag-id", "--group-id")


def pipeline_group_of(
    dag_file: Path, *, dag_id: str | None, group_id: str | None, ask: tuple[str, str] = _OPTIONS
) -> BasePipelineTaskGroup:
    """Return the one pipeline group of a Dag file that is meant.

    Runs the file, as Airflow's Dag processor does.

    :param dag_file: a Python file with Dags.
    :param dag_id: which Dag; may be ``None`` where only one has a pipeline group.
    :param group_id: which group; may be ``None`` where there is only one.
    :param ask: how a Dag and how a group is given, for the message.
    :raises TranslationError: when the file cannot be imported, or none or several groups are meant.
    """
    dags = _dags_of(dag_file)
    return pipeline_group_among(dags, str(dag_file), dag_id=dag_id, group_id=group_id, ask=ask)


def pipeline_groups_of(dag_file: Path, *, dag_id: str | None, group_id: str | None) -> list[BasePipelineTaskGroup]:
    """Return the pipeline groups of a Dag file: at least one, in the order of the Dags' ids.

    :param dag_file: a Python file with Dags.
    :param dag_id: only groups of this Dag.
    :param group_id: only groups with this id.
    :raises TranslationError: when the file cannot be imported or has no such group.
    """
    return _groups_among(_dags_of(dag_file), str(dag_file), dag_id, group_id)


def pipeline_group_among(
    dags: Mapping[str, Any], subject: str, *, dag_id: str | None, group_id: str | None, ask: tuple[str, str]
) -> BasePipelineTaskGroup:
    """Return the one pipeline group of some Dags that is meant.

    :param dags: the Dags by id.
    :param subject: where they are from, for the message.
    :param dag_id: which Dag; may be ``None`` where only one has a pipeline group.
    :param group_id: which group; may be ``None`` where there is only one.
    :param ask: how a Dag and how a group is given, for the message.
    :raises TranslationError: when none or several groups are meant.
    """
    meant = _groups_among(dags, subject, dag_id, group_id)
    if len(meant) == 1:
        return meant[0]
    count = len({each.dag.dag_id for each in meant})
    needed = [*(ask[:1] if count > 1 else ()), *(ask[1:] if len(meant) > count else ())]
    raise TranslationError(
        f"{subject} has several pipeline groups: {_names(meant)}. Choose one with {' and '.join(needed)}."
    )


def name_of(group: BasePipelineTaskGroup) -> str:
    """Return how messages name a group: ``'train' of Dag 'churn'``.

    :param group: the group.
    """
    return f"'{group.group_id}' of Dag '{group.dag.dag_id}'"


def _dags_of(dag_file: Path) -> Mapping[str, Any]:
    if not dag_file.is_file():
        raise TranslationError(f"There is no file {dag_file}.")
    dags, errors = load_dag_file(dag_file)
    for error in errors:
        raise TranslationError(import_error(dag_file, error))
    return dags


def _groups_among(
    dags: Mapping[str, Any], subject: str, dag_id: str | None, group_id: str | None
) -> list[BasePipelineTaskGroup]:
    groups = [
        group
        for dag in sorted(dags.values(), key=lambda dag: dag.dag_id)
        for group in dag.task_group.get_task_group_dict().values()
        if isinstance(group, BasePipelineTaskGroup)
    ]
    if not groups:
        names = ", ".join(f"'{dag}'" for dag in sorted(dags))
        has = f"Its Dags are: {names}." if dags else "It defines no Dag."
        raise TranslationError(f"{subject} has no SageMakerPipelineTaskGroup. {has}")
    meant = [each for each in groups if dag_id in (None, each.dag.dag_id) and group_id in (None, each.group_id)]
    if meant:
        return meant
    wanted = [f"pipeline group '{group_id}'"] if group_id else []
    wanted += [f"Dag '{dag_id}'"] if dag_id else []
    there = [name for each in groups for name in (each.dag.dag_id, str(each.group_id))]
    hint = did_you_mean(group_id or dag_id or "", there) or "."
    raise TranslationError(f"{subject} has no {' of '.join(wanted)}{hint} Its pipeline groups are: {_names(groups)}.")


def _names(groups: Sequence[BasePipelineTaskGroup]) -> str:
    return ", ".join(map(name_of, groups))
