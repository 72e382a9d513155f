"""``sm-pipelines graph``."""

from __future__ import annotations

import click

from airflow_sm_pipelines.cli.shared import group_options, sdk_options
from airflow_sm_pipelines.command_line import Command


@click.command("graph", cls=Command)
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@group_options
@sdk_options
def command(
    *, file: str, dag_id: str | None, group_id: str | None, pipeline_name: str | None, sdk_python: str | None
) -> int:
    """Print the graph of a pipeline as Mermaid text.

    GitHub and many wikis draw Mermaid. FILE is a pipeline definition (JSON; '-' reads standard input), a Dag file (.py)
    with a SageMakerPipelineTaskGroup, or a Python script (.py) that makes a Pipeline of the SageMaker SDK. To check a
    pipeline, use validate.
    """
    from airflow_sm_pipelines.definition.mermaid import to_mermaid
    from airflow_sm_pipelines.running.definitions import Selection, definition_of

    definition = definition_of(file, Selection(dag_id, group_id, pipeline_name, sdk_python))
    click.echo(to_mermaid(definition), nl=False)
    return 0
