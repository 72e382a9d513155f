"""How an execution is shown: a table that changes in a terminal, a line for each change anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final, TextIO

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.execution.step_lines import printable, step_line
from airflow_sm_pipelines.running.following import View
from airflow_sm_pipelines.running.rows import NOT_RUN, NOT_TAKEN, WAITING, Row, rows_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

_STYLES: Final = {
    "Succeeded": "green",
    "Failed": "bold red",
    "Stopped": "yellow",
    "Stopping": "yellow",
    "Executing": "bold cyan",
    "Starting": "cyan",
    WAITING: "dim",
    NOT_TAKEN: "dim",
    NOT_RUN: "dim",
}


class PlainView:
    """Writes a line whenever a step changes.

    :param stream: where to.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown: dict[str, tuple[StepStatus, int]] = {}

    def show(self, snapshot: ExecutionSnapshot) -> None:
        """Write what has changed. A step that is about to start is written when it has started.

        :param snapshot: what was seen.
        """
        for name, step in snapshot.steps.items():
            state = (step.status, step.attempt_count)
            if step.status is not StepStatus.STARTING and self._shown.get(name) != state:
                self._shown[name] = state
                self.say(step_line(step))

    def say(self, line: str) -> None:
        """Write a line.

        :param line: the line.
        """
        self._stream.write(f"{printable(line)}\n")
        self._stream.flush()


class LiveView:
    """Shows a table of all steps, and lines above it.

    :param live: what draws it.
    :param definition: what the execution runs.
    :param clock: gives the time.
    """

    def __init__(self, live: Live, definition: PipelineDefinition, clock: Callable[[], datetime]) -> None:
        self._live = live
        self._definition = definition
        self._clock = clock

    def show(self, snapshot: ExecutionSnapshot) -> None:
        """Draw the table again.

        :param snapshot: what was seen.
        """
        self._live.update(table_of(rows_of(self._definition, snapshot, self._clock())), refresh=True)

    def say(self, line: str) -> None:
        """Print a line above the table.

        :param line: the line.
        """
        from rich.text import Text

        self._live.console.print(Text(printable(line)))


@contextmanager
def view_on(stream: TextIO, definition: PipelineDefinition, clock: Callable[[], datetime]) -> Iterator[View]:
    """Give what shows an execution on a stream: by ``rich`` where it is a terminal.

    :param stream: where to.
    :param definition: what the execution runs.
    :param clock: gives the time.
    """
    console = _console(stream)
    if console is None:
        yield PlainView(stream)
        return
    from rich.live import Live

    with Live(console=console, auto_refresh=False, transient=False) as live:
        yield LiveView(live, definition, clock)


def _console(stream: TextIO) -> Console | None:
    """What draws on a stream; ``None`` where lines are better, or ``rich`` is not installed."""
    if not stream.isatty():
        return None
    try:
        from rich.console import Console
    except ModuleNotFoundError:
        return None
    console = Console(file=stream, highlight=False)
    return None if console.is_dumb_terminal else console


def table_of(rows: list[Row]) -> Table:
    """Return the table that shows rows.

    :param rows: of an execution.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("Step", no_wrap=True)
    table.add_column("Type", no_wrap=True, style="dim")
    table.add_column("Status", no_wrap=True)
    table.add_column("Time", no_wrap=True, justify="right")
    has_attempts = any(row.attempt > 1 for row in rows)
    if has_attempts:
        table.add_column("Attempt", no_wrap=True, justify="right")
    table.add_column("")
    for row in rows:
        style = _STYLES.get(row.state, "")
        name = f"{'  ' * row.depth}{f'{row.branch}: ' if row.branch else ''}{row.name}"
        table.add_row(
            Text(name, style="dim" if style == "dim" else ""),
            row.type,
            Text(row.state, style=style),
            "" if row.seconds is None else duration(row.seconds),
            *([str(row.attempt or "")] if has_attempts else []),
            Text(row.remark, no_wrap=True, overflow="ellipsis"),  # all of a reason stands in the summary
        )
    return table


def duration(seconds: float) -> str:
    """Return a time as people read it: ``3.2 s``, ``1:05``, ``1:02:03``.

    :param seconds: the time.
    """
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
