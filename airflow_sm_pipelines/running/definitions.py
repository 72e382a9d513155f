"""The pipeline definitions that a file stands for, whatever kind of file it is."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.problems import error as problem
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, SageMakerPipelinesError
from airflow_sm_pipelines.running.sources import Kind, SourceError, kind_of, read_text

STANDARD_INPUT: Final = "-"


@dataclass(frozen=True)
class Selection:
    """Which pipelines of a file are meant.

    :param dag_id: which Dag of a Dag file.
    :param group_id: which task group of a Dag file.
    :param pipeline_name: which pipeline of an SDK script.
    :param sdk_python: the interpreter that runs an SDK script; by default, that of this process.
    """

    dag_id: str | None = None
    group_id: str | None = None
    pipeline_name: str | None = None
    sdk_python: str | None = None


def definitions_of(file: str, selection: Selection) -> Mapping[str, PipelineDefinition | SageMakerPipelinesError]:
    """Return the definitions that a file stands for, or errors in place of them, each by what messages call it.

    :param file: a path, or ``-`` for a definition from standard input.
    :param selection: which pipelines of the file are meant.
    """
    try:
        kind = None if file == STANDARD_INPUT or not file.endswith(".py") else kind_of(Path(file), _text(file))
        if kind is Kind.DAG:
            from airflow_sm_pipelines.running import dag_source

            found = dag_source.definitions_of(Path(file), selection.dag_id, selection.group_id)
            return {file if len(found) == 1 else f"{file}, {name}": each for name, each in found.items()}
        text = _sdk_text(Path(file), selection) if kind is Kind.SDK else _text(file)
        return {_label(file): PipelineDefinition.from_json(text)}
    except SageMakerPipelinesError as error:
        return {_label(file): error}


def definition_of(file: str, selection: Selection) -> PipelineDefinition:
    """Return the one definition that a file stands for.

    :param file: a path, or ``-`` for a definition from standard input.
    :param selection: which pipeline of the file is meant.
    :raises SageMakerPipelinesError: the file cannot be read, or has several pipelines.
    """
    found = definitions_of(file, selection)
    if len(found) > 1:
        from airflow_sm_pipelines.running.dag_source import group_of

        group_of(Path(file), selection.dag_id, selection.group_id)
    [(label, definition)] = found.items()
    if isinstance(definition, PipelineDefinitionError):
        raise PipelineDefinitionError(definition.problems, label)
    if isinstance(definition, SageMakerPipelinesError):
        raise definition
    return definition


def _text(file: str) -> str:
    if file != STANDARD_INPUT:
        try:
            return read_text(Path(file))
        except SourceError as error:
            raise PipelineDefinitionError([problem(str(error).removeprefix(f"{file} "))], file) from None
    if sys.stdin is None:  # so Python says that it was closed
        raise PipelineDefinitionError([problem("cannot be read: it is closed")], _label(file))
    try:
        return sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineDefinitionError([problem(f"cannot be read: {error}")], _label(file)) from None


def _sdk_text(path: Path, selection: Selection) -> str:
    from airflow_sm_pipelines.running.endpoints import empty_endpoint, sdk_variables
    from airflow_sm_pipelines.running.sdk_source import sdk_source

    with empty_endpoint() as url:
        python = selection.sdk_python or sys.executable
        return sdk_source(path, selection.pipeline_name, sdk_variables(url), python).text


def _label(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file
