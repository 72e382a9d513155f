"""``sm-pipelines run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from airflow_sm_pipelines.cli.shared import endpoint_options, group_options
from airflow_sm_pipelines.command_line import NEEDS_LOCAL, Command, CommandError, Parsed

if TYPE_CHECKING:
    from airflow_sm_pipelines.running.options import RunOptions


def _parameter(text: str) -> tuple[str, str]:
    from airflow_sm_pipelines.running.options import parameter

    return parameter(text)


def _local_data(text: str) -> Any:
    try:
        from airflow_sm_pipelines.running.uploads import local_data
    except ModuleNotFoundError as error:
        raise CommandError(NEEDS_LOCAL.format(error.name)) from None
    return local_data(text)


def _loopback_url(text: str) -> str:
    from airflow_sm_pipelines.running.options import loopback_url

    return loopback_url(text)


@click.command("run", cls=Command)
@click.argument("pipeline", metavar="PIPELINE", type=click.Path(path_type=Path))
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    type=Parsed(_parameter),
    metavar="NAME=VALUE",
    help="Value of a pipeline parameter. For 'file://PATH', the file is uploaded and its S3 URI is the value. "
    "Repeatable.",
)
@click.option(
    "--s3",
    multiple=True,
    type=Parsed(_local_data),
    metavar="URI=PATH",
    help="Upload a local file or directory to s3://bucket/prefix first. Repeatable.",
)
@click.option(
    "--select",
    multiple=True,
    metavar="STEP",
    help="Run only this step. The results of earlier steps come from the pipeline's latest execution. Repeatable.",
)
@endpoint_options
@click.option("--logs", multiple=True, metavar="STEP", help="Show the log of a step; 'all' for every step. Repeatable.")
@click.option("--json", is_flag=True, help="Print the summary as JSON. Everything else goes to standard error.")
@click.option(
    "--endpoint-url",
    type=Parsed(_loopback_url),
    metavar="URL",
    help="Running endpoint on this machine ('sm-pipelines local'). By default, the command starts one.",
)
@click.option(
    "--pipeline-name",
    metavar="NAME",
    help="Name for the pipeline of a JSON file, or the pipeline to run of an SDK script with several.",
)
@click.option(
    "--sdk-python",
    metavar="PYTHON",
    help="Python interpreter that runs an SDK script and has the SageMaker SDK. By default, the interpreter of this "
    "command.",
)
@group_options
def command(**given: Any) -> int:
    """Run a pipeline on this machine and show its progress.

    PIPELINE is a pipeline definition (JSON), a Python script that makes a Pipeline of the SageMaker SDK, or a Dag file
    with a SageMakerPipelineTaskGroup. The command checks everything that it can before it starts anything. Outputs are
    written to .sm-pipelines/<execution id>/<step>/. Data for the next run is kept in .sm-pipelines/data/.

    The exit status is 0 if the execution succeeded, 1 if it did not, 2 for a wrong command line, and 130 after Ctrl-C.
    """
    options = options_of(given)
    from airflow_sm_pipelines.running.command import run_pipeline

    return run_pipeline(options)


def options_of(given: dict[str, Any]) -> RunOptions:
    """Return what the command was given, as the command's rooms take it.

    :param given: the values by the names of the options.
    :raises click.UsageError: options contradict each other.
    """
    from airflow_sm_pipelines.running.options import RunOptions

    names = [name for name, _ in given["parameters"]]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            raise click.UsageError(f"--parameter is given twice for '{name}'.")
    for option, value in (("--stub", given["stubs"]), ("--images", given["images"]), ("--lambda", given["lambdas"])):
        if value and given["endpoint_url"]:
            raise click.UsageError(
                f"{option} has no effect on the endpoint of --endpoint-url. Give it to 'sm-pipelines local' instead."
            )
    lambdas = _functions(given["lambdas"]) if given["lambdas"] else ()
    return RunOptions(**{**given, "parameters": dict(given["parameters"]), "lambdas": lambdas})


def _functions(texts: tuple[str, ...]) -> tuple[Any, ...]:
    try:
        from airflow_sm_pipelines.local.functions.function import registered_functions
    except ModuleNotFoundError as error:
        raise CommandError(NEEDS_LOCAL.format(error.name)) from None
    try:
        return registered_functions(texts, Path.cwd())
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--lambda'") from None
