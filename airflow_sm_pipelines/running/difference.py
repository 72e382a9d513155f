"""``sm-pipelines diff``: what differs between two pipelines, wherever each is from."""

from __future__ import annotations

import argparse
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


def print_difference(options: argparse.Namespace) -> int:
    """Print a line for each thing that differs.

    :param options: with ``before``, ``after``, ``dag_id``, ``group_id``, ``region`` and ``endpoint_url``.
    :return: the exit status: :data:`EQUAL` or :data:`DIFFERENT`.
    :raises SageMakerPipelinesError: when one of them cannot be read.
    """
    account = Account(options.region, options.endpoint_url)
    before, after = (_definition(each, options, account) for each in (options.before, options.after))
    found = changes(before, after)
    sys.stdout.writelines(f"{printable(str(each))}\n" for each in found)
    return DIFFERENT if found else EQUAL


def _definition(operand: str, options: argparse.Namespace, account: Account) -> PipelineDefinition:
    path = Path(operand)
    if path.suffix == ".py":
        from airflow_sm_pipelines.running.dag_source import group_of

        return group_of(path, options.dag_id, options.group_id).compile().definition
    if not (path.exists() or path.suffix == ".json" or len(path.parts) > 1):
        return account.definition(NamedPipeline.parse(operand))
    text = read_text(path)
    try:
        return PipelineDefinition.from_json(text)
    except PipelineDefinitionError as error:
        raise PipelineDefinitionError(error.problems, operand) from None
