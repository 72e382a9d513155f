"""``sm-pipelines diff``."""

from __future__ import annotations

import click

from airflow_sm_pipelines.cli.shared import account_options, group_options
from airflow_sm_pipelines.command_line import Command


@click.command("diff", cls=Command, error_status=2)
@click.argument("before", metavar="A", type=click.Path())
@click.argument("after", metavar="B", type=click.Path())
@group_options
@account_options
def command(
    *,
    before: str,
    after: str,
    dag_id: str | None,
    group_id: str | None,
    region: str | None,
    endpoint_url: str | None,
) -> int:
    """Print what differs between two pipelines.

    A and B are each a pipeline definition (JSON), a Dag file (.py) with a SageMakerPipelineTaskGroup, or a pipeline of
    the AWS account: NAME for its latest version, NAME@3 for its version 3. Each difference is a line.

    The exit status is 0 if the pipelines are equal, 1 if they differ, and 2 after an error.
    """
    from airflow_sm_pipelines.running.account import Account
    from airflow_sm_pipelines.running.difference import print_difference

    return print_difference(before, after, Account(region, endpoint_url), dag_id=dag_id, group_id=group_id)
