"""``python -m airflow_sm_pipelines.local`` is ``sm-pipelines local``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from airflow_sm_pipelines.command_line import run
from airflow_sm_pipelines.local.options import command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the endpoint until SIGINT or SIGTERM.

    :param arguments: without the program's name; those of the process when ``None``.
    :return: the exit status.
    """
    return run(command, arguments, "python -m airflow_sm_pipelines.local")


if __name__ == "__main__":
    sys.exit(main())
