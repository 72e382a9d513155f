"""``sm-pipelines diff``: what differs between two pipelines, wherever each is from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from airflow_sm_pipelines.definition.changes import changes
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.execution.step_lines import printable
from airflow_sm_pipelines.running.account import Account, NamedPipeline
from airflow_sm_pipelines.running.sources import read_text

EQUAL: Final = 0
DIFFERENT: Final = 1
TROUBLE: Final = 2
"""As the exit statuses of diff(1) are."""


def print_difference(
    before: str, after: str, account: Account, *, dag_id: str | None = None, group_id: str | None = None
) -> int:
    """Print a line for each thing that differs.

    :param before: a JSON file, a Dag file, ``NAME`` or ``NAME@VERSION``.
    :param after: the other.
    :param account: where named pipelines are read.
    :param dag_id: which Dag, where a Dag file has several.
    :param group_id: which group, where a Dag has several.
    :return: the exit status: :data:`EQUAL` or :data:`DIFFERENT`.
    :raises SageMakerPipelinesError: when one of them cannot be read.
    """
    found = changes(*(_definition(each, account, dag_id, group_id) for each in (before, after)))
    sys.stdout.writelines(f"{printable(str(each))}\n" for each in found)
    return DIFFERENT if found else EQUAL


def _definition(operand: str, account: Account, dag_id: str | None, group_id: str | None) -> PipelineDefinition:
    path = Path(operand)
    if path.suffix == ".py":
        from airflow_sm_pipelines.running.dag_source import group_of

        return group_of(path, dag_id, group_id).compile().definition
    if not (path.exists() or path.suffix == ".json" or len(path.parts) > 1):
        return account.definition(NamedPipeline.parse(operand))
    text = read_text(path)
    try:
        return PipelineDefinition.from_json(text)
    except PipelineDefinitionError as error:
        raise PipelineDefinitionError(error.problems, operand) from None
