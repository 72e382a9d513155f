"""``sm-pipelines new``."""

from __future__ import annotations

import keyword
import os
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

import click

from airflow_sm_pipelines.command_line import Command, CommandError, Parsed

FILES: Final = {
    "conftest.py": "conftest.py",
    "dags/{module}.py": "dag.py",
    "dags/steps/{module}/prepare.py": "prepare.py",
    "dags/steps/{module}/train.py": "train.py",
    "dags/steps/{module}/evaluate.py": "evaluate.py",
    "tests/test_{module}.py": "test.py",
}
"""The files of a project, and the template of each."""


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*([_-][A-Za-z0-9]+)*", text, re.ASCII) or len(text) > 100:
        raise ValueError(f"{text!r} is not a name for a Dag. Start with a letter; give letters, digits, '-' and '_'.")
    if keyword.iskeyword(text) or keyword.issoftkeyword(text) or text in {"dag", "airflow"}:
        raise ValueError(f"{text!r} has a meaning in Python or Airflow. Give another name.")
    return text


@click.command("new", cls=Command)
@click.argument("name", metavar="NAME", type=Parsed(_name))
@click.option(
    "--directory",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Directory to write to. By default, a directory NAME in the current directory.",
)
@click.option("--force", is_flag=True, help="Overwrite existing files.")
def command(*, name: str, directory: Path | None, force: bool) -> int:
    """Write a Dag with a pipeline, its step scripts and a test.

    The Dag prepares data, trains a model and evaluates it in one SageMaker pipeline. The scripts need only Python. The
    test runs the pipeline on this machine and passes as it is.
    """
    module, pipeline = name.replace("-", "_"), name.replace("_", "-")
    target = Path(name) if directory is None else directory
    templates = files("airflow_sm_pipelines.cli") / "project"
    texts = {
        path.format(module=module): Template((templates / f"{template}.template").read_text("utf-8")).safe_substitute(
            module=module, pipeline=pipeline
        )
        for path, template in FILES.items()
    }
    existing = [path for path in texts if os.path.lexists(target / path)]
    if existing and not force:
        raise CommandError(
            f"{target} already has {', '.join(existing)}. Nothing was written. Give another --directory, or --force to "
            "overwrite"
        )
    try:
        for path, text in texts.items():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            (target / path).write_text(text, encoding="utf-8")
            click.echo(f"Wrote {target / path}")
    except OSError as error:
        raise CommandError(f"cannot write: {error}") from None
    where = "" if target == Path() else f"cd {target} && "
    click.echo(f"Run the test: {where}python -m pytest")
    return 0
