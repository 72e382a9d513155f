"""The command line: ``sm-pipelines validate``, ``render``, ``graph``, ``diff``, ``import``, ``run`` and ``local``.

Each command imports what it needs when it runs: checking a document needs neither Airflow nor an AWS client.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from airflow_sm_pipelines import __version__
from airflow_sm_pipelines.checking import NEEDS_LOCAL, CommandError, definition_problems, local_limits
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.mermaid import to_mermaid
from airflow_sm_pipelines.definition.problems import error as problem
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem, SageMakerPipelinesError
from airflow_sm_pipelines.running.command import main as run_pipeline

STANDARD_INPUT = "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param arguments: without the program's name; those of the process when ``None``.
    :return: the exit status: 0, 1 when what was asked for has errors, 2 for a wrong command line; of ``diff`` 1 when
        there are differences, and 2 for whatever goes wrong.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["local"]:
        return _local(given[1:])  # its options stand with the endpoint, behind imports that are slow
    _use_utf_8()
    try:
        status = run_pipeline(given[1:]) if given[:1] == ["run"] else _obey(_parser().parse_args(given))
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough. Python would write the rest when it ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def _obey(options: argparse.Namespace) -> int:
    try:
        return int(options.run(options))
    except SageMakerPipelinesError as error:
        sys.stderr.write(f"sm-pipelines {options.command}: {error}\n")
        return int(options.trouble)


def _use_utf_8() -> None:
    """Make the standard streams UTF-8, as JSON is, whatever the locale says."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sm-pipelines", description="Airflow Dags and Amazon SageMaker pipelines.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.set_defaults(trouble=1)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser(
        "validate",
        help="check pipeline definitions and say every problem with its place",
        description="Check pipeline definitions and say every problem with its place. The exit status is 1 when there "
        "is an error; warnings alone leave it 0. Calls nobody.",
    )
    command.add_argument("files", nargs="+", metavar="FILE", help="a JSON document; '-' is standard input")
    command.add_argument("--json", action="store_true", help="print the problems as JSON")
    command.add_argument(
        "--local", action="store_true", help="name as well what the local endpoint cannot run ('sm-pipelines local')"
    )
    command.add_argument(
        "--stub",
        action="append",
        default=[],
        metavar="TYPE",
        help="with --local: a type of steps that the endpoint leaves out; 'all' is every type that it does not run",
    )
    command.set_defaults(run=_validate)

    command = commands.add_parser(
        "render",
        help="print the definition that a task group of a Dag file compiles to",
        description="Print, as JSON, the definition that a SageMakerPipelineTaskGroup of a Dag file compiles to. Runs "
        "the file, as Airflow's Dag processor does, without Airflow's database.",
    )
    command.add_argument("dag_file", metavar="DAG_FILE", help="a Python file with Dags")
    command.add_argument("--dag-id", help="which Dag, where the file has several")
    command.add_argument("--group-id", help="which task group, where the Dag has several")
    command.set_defaults(run=_render)

    command = commands.add_parser(
        "graph",
        help="print the graph of a pipeline definition as Mermaid text",
        description="Print the graph of a pipeline definition as Mermaid text, which GitHub and many wikis draw. To "
        "check the definition, use validate.",
    )
    command.add_argument("file", metavar="FILE", help="a JSON document; '-' is standard input")
    command.set_defaults(run=_graph)

    command = commands.add_parser(
        "diff",
        help="print what differs between two pipelines",
        description="Print a line for each thing that differs between two pipelines. Each is a definition (JSON), a "
        "Dag file (.py) with a SageMakerPipelineTaskGroup, or a pipeline of the account, NAME for its latest version "
        "or NAME@3 for its version 3. The exit status is 0 when they are equal, 1 when they differ, 2 when something "
        "is wrong.",
    )
    command.add_argument("before", metavar="A", help="a JSON file, a Dag file, NAME or NAME@VERSION")
    command.add_argument("after", metavar="B", help="the other")
    command.add_argument("--dag-id", help="which Dag, where a Dag file has several")
    command.add_argument("--group-id", help="which task group, where a Dag has several")
    _add_account(command)
    command.set_defaults(run=_diff, trouble=2)

    command = commands.add_parser(
        "import",
        help="fetch a pipeline of the account as files, with its code",
        description="Write the definition of a pipeline of the account as a JSON file, with the code that its steps "
        "read from S3 beside it, and print the from_definition(...) call that runs it from there.",
    )
    command.add_argument("name", metavar="NAME", help="the pipeline; NAME@3 for its version 3")
    command.add_argument(
        "--directory", type=Path, default=Path(), metavar="DIR", help="where to; by default the present directory"
    )
    command.add_argument("--force", action="store_true", help="write over files that are there")
    _add_account(command)
    command.set_defaults(run=_import)

    commands.add_parser("run", add_help=False, help="run a pipeline on this machine")
    commands.add_parser("local", add_help=False, help="serve a local endpoint that really executes pipelines")
    return parser


def _add_account(command: argparse.ArgumentParser) -> None:
    command.add_argument("--region", metavar="REGION", help="the account's region; by default as boto3 finds it")
    command.add_argument(
        "--endpoint-url", metavar="URL", help="an endpoint in place of AWS, such as one of 'sm-pipelines local'"
    )


def _read(file: str, command: str) -> str:
    if file.endswith(".py"):
        raise PipelineDefinitionError([problem(_NOT_PYTHON.format(file=file, command=command))], _label(file))
    if file == STANDARD_INPUT and sys.stdin is None:  # so Python says that it was closed
        raise PipelineDefinitionError([problem("it cannot be read: it is closed")], _label(file))
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineDefinitionError([problem(f"it cannot be read: {error}")], _label(file)) from None


_NOT_PYTHON = (
    "it is a Python file, and a definition is JSON. Pipe what a Dag file compiles to: "
    "sm-pipelines render {file} | sm-pipelines {command} -"
)


def _label(file: str) -> str:
    return "standard input" if file == STANDARD_INPUT else file


def _problems(file: str, local: Callable[[PipelineDefinition], list[Problem]] | None) -> list[Problem]:
    try:
        definition = PipelineDefinition.from_json(_read(file, "validate"))
    except PipelineDefinitionError as error:
        return [replace(each, path=each.path or "$") for each in error.problems]
    return definition_problems(definition, local)


def _validate(options: argparse.Namespace) -> int:
    if options.stub and not options.local:
        raise CommandError("--stub says what the local endpoint is started with: give --local as well")
    local = local_limits(options.stub) if options.local else None
    found = {file: _problems(file, local) for file in dict.fromkeys(options.files)}
    errors = sum(problem.severity == "error" for problems in found.values() for problem in problems)
    if options.json:
        rows = [
            {"file": _label(file), "severity": each.severity, "message": each.message, "path": each.path}
            for file, problems in found.items()
            for each in problems
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for file, problems in found.items():
            sys.stdout.writelines(f"{_label(file)}: {each.severity}: {each}\n" for each in problems)
            if not problems:
                sys.stdout.write(f"{_label(file)}: no problems\n")
    return 1 if errors else 0


def _graph(options: argparse.Namespace) -> int:
    text = _read(options.file, "graph")
    try:
        mermaid = to_mermaid(PipelineDefinition.from_json(text))
    except PipelineDefinitionError as error:
        raise PipelineDefinitionError(error.problems, _label(options.file)) from None
    sys.stdout.write(mermaid)
    return 0


def _render(options: argparse.Namespace) -> int:
    from airflow_sm_pipelines.running.dag_source import group_of

    # Standard output is for the document alone, whatever a Dag file prints.
    group = group_of(Path(options.dag_file), options.dag_id, options.group_id)
    document = group.compile().definition.to_document()
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return 0


def _diff(options: argparse.Namespace) -> int:
    from airflow_sm_pipelines.running.difference import print_difference

    return print_difference(options)


def _import(options: argparse.Namespace) -> int:
    from airflow_sm_pipelines.running.importing import import_pipeline

    return import_pipeline(options)


def _local(arguments: Sequence[str]) -> int:
    try:
        from airflow_sm_pipelines.local.__main__ import main as serve
    except ModuleNotFoundError as error:
        sys.stderr.write(f"sm-pipelines local: {NEEDS_LOCAL.format(error.name)}\n")
        return 1
    return serve(arguments, program="sm-pipelines local")


if __name__ == "__main__":
    sys.exit(main())
