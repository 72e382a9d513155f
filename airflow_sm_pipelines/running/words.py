"""How whoever runs a pipeline gives what it needs: options of the command, or arguments in Python. Messages say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Words:
    """The names of what is given.

    :param parameters: the values of pipeline parameters.
    :param parameter: how the value of one is given; ``{name}`` stands for its name.
    :param data: how local data is given; ``{uri}`` stands for where it belongs.
    :param select: the steps to run.
    :param logs: the steps whose logs are shown.
    :param group: which Dag, and which group.
    """

    parameters: str
    parameter: str
    data: str
    select: str
    logs: str
    group: tuple[str, str]


COMMAND_LINE: Final = Words(
    parameters="--parameter",
    parameter="--parameter {name}=VALUE",
    data="--s3 {uri}=PATH",
    select="--select",
    logs="--logs",
    group=("--dag-id", "--group-id"),
)

ARGUMENTS: Final = Words(
    parameters="parameters",
    parameter="parameters={{'{name}': VALUE}}",
    data="files={{'{uri}': PATH}}",
    select="select",
    logs="logs",
    group=("dag_id=...", "group_id=..."),
)
