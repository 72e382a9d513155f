"""The pipeline groups of a Dag file, read without Airflow's database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.compatibility.dag_files import load_dag_file
from airflow_sm_pipelines.definition.validation import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.task_groups.base import BasePipelineTaskGroup


def pipeline_group_of(
    dag_file: Path, *, dag_id: str | None, group_id: str | None, ask: str = "--dag-id, --group-id"
) -> BasePipelineTaskGroup:
    """Return the one pipeline group of a Dag file that is meant.

    Runs the file, as Airflow's Dag processor does.

    :param dag_file: a Python file with Dags.
    :param dag_id: which Dag; may be ``None`` where only one has a pipeline group.
    :param group_id: which group; may be ``None`` where there is only one.
    :param ask: how both are given, for the message.
    :raises TranslationError: when the file cannot be loaded, or none or several groups are meant.
    """
    if not dag_file.is_file():
        raise TranslationError(f"There is no file {dag_file}.")
    dags, errors = load_dag_file(dag_file)
    for error in errors:
        raise TranslationError(f"{dag_file} cannot be loaded:\n{error.strip()}")
    return pipeline_group_among(dags, str(dag_file), dag_id=dag_id, group_id=group_id, ask=ask)


def pipeline_group_among(
    dags: Mapping[str, Any], subject: str, *, dag_id: str | None, group_id: str | None, ask: str
) -> BasePipelineTaskGroup:
    """Return the one pipeline group of some Dags that is meant.

    :param dags: the Dags by id.
    :param subject: where they are from, for the message.
    :param dag_id: which Dag; may be ``None`` where only one has a pipeline group.
    :param group_id: which group; may be ``None`` where there is only one.
    :param ask: how both are given, for the message.
    :raises TranslationError: when none or several groups are meant.
    """
    groups = [
        (dag.dag_id, str(group.group_id), group)
        for dag in sorted(dags.values(), key=lambda dag: dag.dag_id)
        for group in dag.task_group.get_task_group_dict().values()
        if isinstance(group, BasePipelineTaskGroup)
    ]
    meant = [each for each in groups if dag_id in (None, each[0]) and group_id in (None, each[1])]
    if len(meant) == 1:
        return meant[0][2]
    there = ", ".join(f"'{group}' of Dag '{dag}'" for dag, group, _ in groups) or "none"
    if not meant:
        names = [each for row in groups for each in row[:2]]
        hint = did_you_mean(group_id or dag_id or "", names)
        raise TranslationError(f"{subject} has no such SageMakerPipelineTaskGroup{hint} (there is {there})")
    raise TranslationError(f"{subject} has several pipeline groups ({there}). Say which: {ask}.")
