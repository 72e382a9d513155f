"""The command line: ``sm-pipelines local``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from airflow_sm_pipelines import __version__

LOCAL_EXTRA_MISSING = (
    "sm-pipelines local: the local endpoint needs the extra 'local', and '{name}' is not installed: "
    "pip install 'airflow-sm-pipelines[local]'"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    :param arguments: without the program's name; those of the process when ``None``.
    :return: the exit status.
    """
    parser = argparse.ArgumentParser(prog="sm-pipelines", description="Airflow Dags and Amazon SageMaker pipelines.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("local", add_help=False, help="serve a local endpoint that really executes pipelines")
    # Each command reads its own options, so that only the one that runs is imported.
    _, rest = parser.parse_known_args(arguments)
    return _local(rest)


def _local(arguments: Sequence[str]) -> int:
    try:
        from airflow_sm_pipelines.local.__main__ import main as serve
    except ModuleNotFoundError as error:
        sys.stderr.write(LOCAL_EXTRA_MISSING.format(name=error.name) + "\n")
        return 1
    return serve(arguments, program="sm-pipelines local")


if __name__ == "__main__":
    sys.exit(main())
