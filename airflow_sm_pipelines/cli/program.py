"""The program ``sm-pipelines``: which commands there are, and how one is found."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Final

import click

from airflow_sm_pipelines import __version__
from airflow_sm_pipelines.command_line import SETTINGS, Command, Group, run

PROGRAM: Final = "sm-pipelines"

COMMANDS: Final = {
    "new": "airflow_sm_pipelines.cli.new",
    "validate": "airflow_sm_pipelines.cli.validate",
    "render": "airflow_sm_pipelines.cli.render",
    "graph": "airflow_sm_pipelines.cli.graph",
    "diff": "airflow_sm_pipelines.cli.diff",
    "import": "airflow_sm_pipelines.cli.import_pipeline",
    "run": "airflow_sm_pipelines.cli.run_pipeline",
    "serve": "airflow_sm_pipelines.cli.serve",
    "logs": "airflow_sm_pipelines.cli.logs",
    "local": "airflow_sm_pipelines.local.options",
}
"""The module of each command, in the order of the help. Its name ``command`` is the command."""


class _Commands(Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from airflow_sm_pipelines.definition.problems import did_you_mean

            hint = did_you_mean(args[0], COMMANDS) or "."
            ctx.fail(f"There is no command '{args[0]}'{hint} The commands are {', '.join(COMMANDS)}.")
        return super().resolve_command(ctx, args)


@click.group(
    name=PROGRAM,
    cls=_Commands,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings=SETTINGS,
)
@click.version_option(__version__, message=f"{PROGRAM} %(version)s")
@click.pass_context
def program(ctx: click.Context) -> None:
    """Work with Amazon SageMaker pipelines and the Airflow Dags that they come from.

    'sm-pipelines COMMAND --help' describes a command.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param arguments: without the program's name; those of the process when ``None``.
    :return: the exit status: 0, 1 when what was asked for has errors, 2 for a wrong command line. ``diff`` returns 1
        when there are differences and 2 for any error.
    """
    return run(program, arguments, PROGRAM)
