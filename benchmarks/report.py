"""Tables of what was measured, as text that is also Markdown."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version

DISTRIBUTIONS = ("apache-airflow", "apache-airflow-providers-amazon", "boto3")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table whose columns are aligned, so that it reads well in a terminal, too.

    :param columns: the head.
    :param rows: cells; numbers with three significant digits.
    """
    cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return "" if value is None else str(value)


def machine(*distributions: str) -> str:
    """Return a line that says what the numbers come from; they are worth nothing without it.

    :param distributions: whose versions to name besides Airflow's, its amazon provider's and boto3's.
    """
    versions = ", ".join(f"{name} {version(name)}" for name in (*DISTRIBUTIONS, *distributions))
    return f"{platform.machine()}, {platform.system()}, CPython {sys.version.split()[0]}; {versions}"


@dataclass
class Report:
    """The tables of one run.

    :param tables: the text of each by its title, in the order they were put in.
    """

    tables: dict[str, str] = field(default_factory=dict)

    def put(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table, or replace the one of that title.

        :param title: its headline.
        :param columns: its head.
        :param rows: its cells.
        """
        self.tables[title] = table(columns, rows)

    def text(self) -> str:
        """All tables, the machine first."""
        return "\n\n".join([machine(), *(f"{title}\n\n{text}" for title, text in self.tables.items())])


def ratios(values: Mapping[str, float], to: str) -> dict[str, float]:
    """Return how many times the value of one side each side's is.

    :param values: by side.
    :param to: the side that is 1.
    """
    return {side: value / values[to] for side, value in values.items()}
