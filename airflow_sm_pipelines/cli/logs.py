"""``sm-pipelines logs``."""

from __future__ import annotations

import click

from airflow_sm_pipelines.cli.shared import account_options
from airflow_sm_pipelines.command_line import Command


@click.command("logs", cls=Command)
@click.argument("execution_arn", metavar="EXECUTION_ARN")
@click.argument("step", metavar="STEP")
@click.option(
    "--lines",
    type=click.IntRange(1, 10_000),
    metavar="NUMBER",
    default=100,
    help="How many lines to print, counted from the end: 1 to 10000. [default: 100]",
)
@click.option("--follow", is_flag=True, help="Print new lines until the step ends. Waits for the step to start.")
@account_options
def command(
    *, execution_arn: str, step: str, lines: int, follow: bool, region: str | None, endpoint_url: str | None
) -> int:
    """Print the last lines of a step's log.

    The log is that of the job that the step ran. It comes from CloudWatch Logs, or from a local endpoint with
    --endpoint-url. By default, the region is that of EXECUTION_ARN.
    """
    from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
    from airflow_sm_pipelines.running.account import Account
    from airflow_sm_pipelines.running.step_logs import StepLog, follow_lines, last_lines

    arn = PipelineExecutionArn.parse(execution_arn)
    log = StepLog(Account(region or arn.region, endpoint_url), arn, step)
    for line in follow_lines(log, lines) if follow else last_lines(log, lines):
        click.echo(line)
    return 0
