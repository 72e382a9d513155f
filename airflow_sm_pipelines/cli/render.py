"""``sm-pipelines render``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from airflow_sm_pipelines.cli.shared import group_options
from airflow_sm_pipelines.command_line import Command, problem_line


@click.command("render", cls=Command)
@click.argument("dag_file", metavar="DAG_FILE", type=click.Path(path_type=Path))
@group_options
def command(*, dag_file: Path, dag_id: str | None, group_id: str | None) -> int:
    """Print the pipeline definition of a task group.

    DAG_FILE is a Python file with a SageMakerPipelineTaskGroup. The command runs the file, as Airflow's Dag processor
    does, and prints the definition as JSON. It needs no Airflow database. Warnings and what the file prints go to
    standard error.
    """
    from airflow_sm_pipelines.checking import definition_problems
    from airflow_sm_pipelines.running.dag_source import group_of

    definition = group_of(dag_file, dag_id, group_id).compile().definition
    for problem in definition_problems(definition):
        click.echo(problem_line(str(dag_file), problem), err=True)
    click.echo(json.dumps(definition.to_document(), indent=2, ensure_ascii=False))
    return 0
