"""What all commands of the command line share: how they run, what their help looks like, and how they report errors.

Imports click and the standard library only, so that ``sm-pipelines --version`` and every ``--help`` are quick.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any, Final

import click

from airflow_sm_pipelines.exceptions import Problem, SageMakerPipelinesError

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""The context settings of every command."""

NEEDS_LOCAL: Final = (
    "the local endpoint needs the extra 'local', and '{}' is not installed: pip install 'airflow-sm-pipelines[local]'"
)

_COLOURS = {"error": "red", "warning": "yellow"}


class _Formatter(click.HelpFormatter):
    """Writes headings bold and the names of options and commands in colour. click leaves colours out of a pipe."""

    def write_heading(self, heading: str) -> None:
        super().write_heading(click.style(heading, bold=True))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(click.style(name, fg="cyan"), text) for name, text in rows], col_max, col_spacing)


class _Context(click.Context):
    formatter_class = _Formatter


class CommandError(SageMakerPipelinesError):
    """What was asked for on the command line cannot be done."""


class Failure(click.ClickException):
    """An error that a command ends with.

    :param message: the whole line, with the command's name.
    :param status: the exit status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.exit_code = status  # type: ignore[misc]

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line to standard error, or to another file."""
        click.echo(self.message, err=file is None, file=file)


class Command(click.Command):
    """A command that reports an error of this package in one line, without a traceback.

    :param error_status: the exit status of such an error.
    """

    context_class = _Context

    def __init__(self, *arguments: Any, error_status: int = 1, **keywords: Any) -> None:
        keywords["context_settings"] = {**SETTINGS, **(keywords.get("context_settings") or {})}
        super().__init__(*arguments, **keywords)
        self.error_status = error_status

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        :param ctx: click's context.
        :raises Failure: the command ended with an error of this package.
        """
        try:
            return super().invoke(ctx)
        except SageMakerPipelinesError as error:
            raise Failure(f"{ctx.command_path}: {error}", self.error_status) from None


class Group(click.Group):
    """A group of commands with the same help as theirs."""

    context_class = _Context


class Parsed(click.ParamType):  # type: ignore[type-arg]
    """A type of values that a function reads.

    :param parse: reads the text; raises ValueError with a message for the user.
    """

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self.name = "text"
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what the function reads.

        :param value: the text, or a default that is not text.
        :param param: the option.
        :param ctx: click's context.
        """
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class StepType(click.ParamType):  # type: ignore[type-arg]
    """A step type, or ``all``. Any text is taken; the shell completes the known names."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Return the step types that begin as what was typed.

        :param ctx: click's context.
        :param param: the option.
        :param incomplete: what was typed.
        """
        from click.shell_completion import CompletionItem

        from airflow_sm_pipelines.definition.step_types import STEP_TYPES

        return [CompletionItem(name) for name in ("all", *STEP_TYPES) if name.startswith(incomplete)]


def run(command: click.Command, arguments: Sequence[str] | None, program: str) -> int:
    """Run a command line and return its exit status.

    :param command: the command.
    :param arguments: without the program's name; those of the process when ``None``.
    :param program: the program's name in messages.
    :return: the status: 0, what the command returned, 2 for a wrong command line, 130 after Ctrl-C.
    """
    _use_utf_8()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = command.main(given, prog_name=program, standalone_mode=False, color=_colour())
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130
    except BrokenPipeError:
        # The reader has seen enough. Python would write the rest when it ends, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return int(status or 0)


def problem_line(place: str, problem: Problem) -> str:
    """Return the line that reports a problem. The severity has a colour.

    :param place: the file.
    :param problem: the problem.
    """
    return f"{place}: {click.style(problem.severity, fg=_COLOURS.get(problem.severity), bold=True)}: {problem}"


def _colour() -> bool | None:
    """Whether to write colours: ``None`` is on a terminal only. https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return True if os.environ.get("FORCE_COLOR") else None


def _use_utf_8() -> None:
    """Make the standard streams UTF-8, as JSON is, whatever the locale says."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)
