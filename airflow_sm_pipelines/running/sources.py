"""A pipeline as a file gives it: what kind of file it is, and what is read from it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from airflow_sm_pipelines.definition.validation.names import hyphenated, pipeline_name_problem
from airflow_sm_pipelines.exceptions import SageMakerPipelinesError
from airflow_sm_pipelines.translation.nodes import CodeUpload

_AIRFLOW_SIDE = {"airflow", "airflow_sm_pipelines"}


class SourceError(SageMakerPipelinesError):
    """A file from which no pipeline can be read."""


class Kind(Enum):
    """What a file with a pipeline is."""

    DEFINITION = "a pipeline definition"
    SDK = "an SDK script"
    DAG = "a Dag file"


@dataclass(frozen=True)
class Source:
    """A pipeline as it was read.

    :param name: the pipeline's.
    :param text: its definition, as JSON text.
    :param folder: where relative paths in the definition start.
    :param role_arn: the role that the pipeline runs with; ``None`` where the file names none.
    :param values: the values that the file gives pipeline parameters.
    :param values_of_runs: the pipeline parameters whose values exist only in a Dag run, with their text
        in the Dag file.
    :param uploads: files that the definition expects in S3.
    """

    name: str
    text: str
    folder: Path
    role_arn: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    values_of_runs: Mapping[str, str] = field(default_factory=dict)
    uploads: tuple[CodeUpload, ...] = ()


def read_text(path: Path) -> str:
    """Return the text of a file.

    :param path: the file.
    :raises SourceError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from None


def kind_of(path: Path, text: str) -> Kind:
    """Say what a file is: by its suffix, by what it imports, and without a suffix that says it by how it begins.

    A Python file that imports Airflow, or this package, is a Dag file.

    :param path: the file.
    :param text: its content.
    :raises SourceError: it is none of these.
    """
    if path.suffix == ".py":
        return Kind.DAG if _AIRFLOW_SIDE & _imported(path, text) else Kind.SDK
    if path.suffix == ".json" or text.lstrip().startswith("{"):
        return Kind.DEFINITION
    raise SourceError(
        f"{path} is neither a pipeline definition nor a Python file. Give a JSON file, a Python script (.py) that "
        "makes a Pipeline of the SageMaker SDK, or a Dag file (.py) with a SageMakerPipelineTaskGroup"
    )


def definition_source(path: Path, text: str, name: str | None) -> Source:
    """Return what a definition file gives.

    :param path: the file.
    :param text: its content.
    :param name: the pipeline's; by default that of the file, with hyphens for what SageMaker does not take.
    :raises SourceError: SageMaker refuses the name.
    """
    name = hyphenated(path.stem)[:256].rstrip("-") if name is None else name
    if problem := pipeline_name_problem(name):
        raise SourceError(f"{problem}. Give another one: --pipeline-name NAME")
    return Source(name, text, path.absolute().parent)


def _imported(path: Path, text: str) -> set[str]:
    """The packages that a Python file imports, wherever in it."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except SyntaxError as error:
        raise SourceError(f"{path} is not valid Python: {error.msg}, line {error.lineno}") from None
    except ValueError as error:
        raise SourceError(f"{path} is not valid Python: {error}") from None
    modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    modules += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {module.partition(".")[0] for module in modules}
