"""What the demo shows: a line per task state change, and tables."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.airflow_api import DagRun, TaskInstance

COLOURS = {
    "success": "green",
    "failed": "bold red",
    "upstream_failed": "yellow",
    "skipped": "magenta",
    "running": "cyan",
    "deferred": "blue",
}
WIDTH_WITHOUT_TERMINAL = 120


class Report:
    """Writes to standard output; plain text where that is no terminal."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        if not self._console.is_terminal:
            self._console = Console(highlight=False, width=WIDTH_WITHOUT_TERMINAL)

    def line(self, text: str) -> None:
        """Print a line with the time of day."""
        self._console.print(f"[dim]{_now()}[/]  {escape(text)}", soft_wrap=True)

    def headline(self, text: str) -> None:
        """Print a line that starts a new part."""
        self._console.print(f"\n[bold]{escape(text)}[/]", soft_wrap=True)

    def page(self, what: str, url: str, run: DagRun) -> None:
        """Print the address of the tab SageMaker of a run.

        :param what: what is to be seen there.
        :param url: of Airflow.
        :param run: the run.
        """
        path = f"dags/{run.dag_id}/runs/{quote(run.run_id, safe='')}/plugin/sagemaker"
        self._console.print(f"{what}: [bold]{url}/{path}[/]", soft_wrap=True)

    def task_state(self, run: DagRun, task: TaskInstance) -> None:
        """Print that a task has a new state."""
        if task.state is None:
            return
        names = f"{run.dag_id:<15} {_short(run):<22} {task.task_id:<26}"
        self._console.print(f"[dim]{_now()}[/]  {names} {_state(task.state)}", soft_wrap=True)

    def finished_run(self, run: DagRun) -> None:
        """Print how a run ended."""
        self._console.print(f"{run.dag_id}, {escape(_short(run))}: {_state(run.state)}", soft_wrap=True)

    def tasks(self, runs: Sequence[tuple[DagRun, Sequence[TaskInstance]]]) -> None:
        """Print a table of every task of every run."""
        table = Table()
        for column in ("Dag", "run", "task", "state"):
            table.add_column(column)
        table.add_column("seconds", justify="right")
        for run, tasks in runs:
            for position, task in enumerate(tasks):
                names = (run.dag_id, _short(run)) if position == 0 else ("", "")
                seconds = f"{task.seconds:.1f}" if task.try_number > 0 and task.seconds is not None else ""
                table.add_row(*map(escape, (*names, task.task_id)), _state(task.state), seconds)
            table.add_section()
        self._console.print(table)

    def metrics(self, metrics: dict[str, Any], run: DagRun) -> None:
        """Print a table of evaluation metrics."""
        self._console.print(f"Evaluation metrics of {run.dag_id}, {escape(_short(run))}:", soft_wrap=True)
        table = Table()
        table.add_column("metric")
        table.add_column("value", justify="right")
        for name, metric in metrics.items():
            table.add_row(escape(name), f"{metric['value']:.4g}")
        self._console.print(table)

    def registered_model(self, arn: str) -> None:
        """Print the model package."""
        self._console.print(f"Registered model package: [green]{escape(arn)}[/]", soft_wrap=True)

    def failure(self, run: DagRun, task_id: str, errors: list[str]) -> None:
        """Print what a failed task's log says."""
        self._console.print(f"Log of {escape(task_id)} in {run.dag_id} {escape(_short(run))}:", soft_wrap=True)
        for error in errors:
            for line in error.splitlines():
                self._console.print(f"  [red]{escape(line)}[/]", soft_wrap=True)

    def address(self, url: str, user: str, password: str) -> None:
        """Print where the UI is."""
        self._console.print(
            f"\nAirflow UI: [bold]{escape(url)}[/]  user [bold]{escape(user)}[/]  password [bold]{escape(password)}[/]",
            soft_wrap=True,
        )


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _short(run: DagRun) -> str:
    """Return a run id's kind and time, without microseconds and the random end."""
    kind, _, rest = run.run_id.partition("__")
    return f"{kind.removesuffix('_triggered')} {rest[11:19]}" if rest else run.run_id


def _state(state: str | None) -> str:
    colour = COLOURS.get(state or "")
    text = state or "none"
    return f"[{colour}]{text}[/]" if colour else text
