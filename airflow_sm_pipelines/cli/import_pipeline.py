"""``sm-pipelines import``."""

from __future__ import annotations

from pathlib import Path

import click

from airflow_sm_pipelines.cli.shared import account_options
from airflow_sm_pipelines.command_line import Command


@click.command("import", cls=Command)
@click.argument("name", metavar="NAME")
@click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Directory to write to. By default, the current directory.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
@account_options
def command(*, name: str, directory: Path, force: bool, region: str | None, endpoint_url: str | None) -> int:
    """Write a pipeline of the AWS account to files, with its code.

    NAME is the pipeline's name; NAME@3 is its version 3. The command writes the definition as a JSON file and the code
    that the steps read from S3. It prints the from_definition(...) call that runs the pipeline from these files.
    """
    from airflow_sm_pipelines.running.account import Account
    from airflow_sm_pipelines.running.importing import import_pipeline

    return import_pipeline(name, Account(region, endpoint_url), directory, force=force)
