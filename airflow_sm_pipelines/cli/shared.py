"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

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
