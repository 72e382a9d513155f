"""``sm-pipelines validate``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from airflow_sm_pipelines.checking import definition_problems, local_limits
from airflow_sm_pipelines.cli.shared import group_options, sdk_options
from airflow_sm_pipelines.command_line import Command, CommandError, StepType, problem_line
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem, SageMakerPipelinesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_sm_pipelines.definition.document import PipelineDefinition


@click.command("validate", cls=Command)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as JSON.")
@click.option("--strict", is_flag=True, help="Exit with status 1 for warnings as well.")
@click.option(
    "--local", "is_local", is_flag=True, help="Also report what the local endpoint ('sm-pipelines local') cannot run."
)
@click.option(
    "--stub",
    multiple=True,
    type=StepType(),
    metavar="TYPE",
    help="With --local: a step type that the endpoint does not run but replaces with a stand-in. 'all' means every "
    "type that it cannot run. Repeatable.",
)
@group_options
@sdk_options
def command(
    *,
    files: tuple[str, ...],
    as_json: bool,
    strict: bool,
    is_local: bool,
    stub: tuple[str, ...],
    dag_id: str | None,
    group_id: str | None,
    pipeline_name: str | None,
    sdk_python: str | None,
) -> int:
    """Check pipelines and report every problem.

    Each problem is a line with the file, the severity, the message and the place in the definition.

    Each FILE is a pipeline definition (JSON; '-' reads standard input), a Dag file (.py), of which every
    SageMakerPipelineTaskGroup is checked, or a Python script (.py) that makes a Pipeline of the SageMaker SDK. A script
    runs against a local endpoint. The command never calls AWS.

    The exit status is 1 if there is an error. Warnings do not change it unless --strict is given.
    """
    if stub and not is_local:
        raise CommandError("--stub has no meaning without --local")
    local = local_limits(stub) if is_local else None
    from airflow_sm_pipelines.running.definitions import Selection, definitions_of

    selection = Selection(dag_id, group_id, pipeline_name, sdk_python)
    found = {
        place: list(_problems(place, definition, local))
        for file in dict.fromkeys(files)
        for place, definition in definitions_of(file, selection).items()
    }
    count = {
        severity: sum(problem.severity == severity for problems in found.values() for problem in problems)
        for severity in ("error", "warning")
    }
    if as_json:
        rows = [
            {"file": place, "severity": each.severity, "message": each.message, "path": each.path}
            for place, problems in found.items()
            for each in problems
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        for place, problems in found.items():
            for problem in problems:
                click.echo(problem_line(place, problem))
            if not problems:
                click.echo(f"{place}: no problems")
        click.echo(_summary(len(found), count["error"], count["warning"]))
    return 1 if count["error"] or (strict and count["warning"]) else 0


def _problems(
    place: str,
    definition: PipelineDefinition | SageMakerPipelinesError,
    local: Callable[[PipelineDefinition], list[Problem]] | None,
) -> Iterator[Problem]:
    if isinstance(definition, PipelineDefinitionError):
        yield from definition.problems
    elif isinstance(definition, SageMakerPipelinesError):
        yield Problem("error", str(definition).removeprefix(f"{place} "), "")
    else:
        yield from definition_problems(definition, local)


def _summary(pipelines: int, errors: int, warnings: int) -> str:
    checked = _counted(pipelines, "pipeline")
    colour = "red" if errors else "yellow" if warnings else "green"
    return f"Checked {checked}: " + click.style(
        f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}", fg=colour
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
