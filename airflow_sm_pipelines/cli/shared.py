"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from airflow_sm_pipelines.command_line import StepType

_Function = TypeVar("_Function", bound=Callable[..., Any])


def group_options(function: _Function) -> _Function:
    """Add the options that select a task group of a Dag file."""
    function = click.option("--group-id", metavar="ID", help="Task group, if the Dag has several.")(function)
    return click.option("--dag-id", metavar="ID", help="Dag, if the Dag file has several.")(function)


def account_options(function: _Function) -> _Function:
    """Add the options that select an AWS account's region or an endpoint in place of AWS."""
    function = click.option(
        "--endpoint-url", metavar="URL", help="Endpoint to use in place of AWS, such as one of 'sm-pipelines local'."
    )(function)
    return click.option("--region", metavar="REGION", help="AWS region. By default, the region that boto3 finds.")(
        function
    )


def sdk_options(function: _Function) -> _Function:
    """Add the options that select the pipeline of an SDK script and the interpreter that runs the script."""
    function = click.option(
        "--sdk-python",
        metavar="PYTHON",
        help="Python interpreter that runs an SDK script and has the SageMaker SDK. By default, the interpreter of "
        "this command.",
    )(function)
    return click.option("--pipeline-name", metavar="NAME", help="Pipeline, if the SDK script has several.")(function)


def endpoint_options(function: _Function) -> _Function:
    """Add the options that say what the local endpoint of a command runs, and with what."""
    for option in (
        click.option(
            "--lambda",
            "lambdas",
            multiple=True,
            metavar="NAME=MODULE:HANDLER",
            help="Lambda function for Lambda steps: a function of a module in the current directory. Repeatable.",
        ),
        click.option(
            "--images",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="TOML file that maps image URIs to Python interpreters. By default, the interpreter of this command "
            "runs all jobs.",
        ),
        click.option(
            "--stub",
            "stubs",
            multiple=True,
            type=StepType(),
            metavar="TYPE",
            help="Step type that is not run: its steps succeed with stand-in properties. 'all' means every type that "
            "the local endpoint cannot run. Repeatable.",
        ),
    ):
        function = option(function)
    return function
