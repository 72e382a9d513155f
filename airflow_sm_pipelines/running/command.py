"""``sm-pipelines run``: its order of actions."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from airflow_sm_pipelines.checking import local_limits
from airflow_sm_pipelines.command_line import problem_line
from airflow_sm_pipelines.exceptions import Problem, SageMakerPipelinesError
from airflow_sm_pipelines.execution.step_lines import printable
from airflow_sm_pipelines.running.endpoints import endpoint_of, sdk_variables
from airflow_sm_pipelines.running.options import RunOptions, require_placed
from airflow_sm_pipelines.running.sources import Kind, Source, definition_source, kind_of, read_text

if TYPE_CHECKING:
    from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
    from airflow_sm_pipelines.local.aws import Clients
    from airflow_sm_pipelines.running.following import Interruption
    from airflow_sm_pipelines.running.preparation import Preparation
    from airflow_sm_pipelines.running.summary import Summary

SUCCEEDED: Final = 0
FAILED: Final = 1

_PROGRAM: Final = "sm-pipelines run"


def run_pipeline(options: RunOptions) -> int:
    """Run a pipeline.

    :param options: what to run, and how.
    :return: the exit status: 0 when the execution has succeeded, 1 when it has not, or could not be started, 128 and
        the number of the signal when it was interrupted.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    from airflow_sm_pipelines.running.following import Interruption

    interruption = Interruption()
    with interruption.caught():
        try:
            status = _run(options, interruption)
        except KeyboardInterrupt:
            status = _complain("interrupted")
        except ClientError as error:
            status = _complain(f"{error.operation_name}: {error.response['Error'].get('Message', error)}")
        except BrokenPipeError:
            raise
        except (SageMakerPipelinesError, BotoCoreError, Boto3Error, OSError) as error:
            status = _complain(str(error))
    return status if interruption.number is None else 128 + interruption.number


def _run(options: RunOptions, interruption: Interruption) -> int:
    text = read_text(options.pipeline)
    kind = kind_of(options.pipeline, text)
    require_placed(options, kind)
    source: Source | None = None
    if kind is not Kind.SDK:
        source = _source(options, kind, text)
        preparation = _prepared(options, source)
        if preparation.errors:
            return FAILED
    with endpoint_of(options) as (url, clients):
        # Before a file of the SDK is run: AWS's examples read their data while they make their pipeline.
        _upload_data(options, clients)
        if source is None:
            source = _sdk_source(options, url)
            preparation = _prepared(options, source)
            if preparation.errors:
                return FAILED
        snapshot, summary = _execution(options, clients, source, preparation, interruption)
    _tell(options, summary)
    return SUCCEEDED if snapshot.status.is_success else FAILED


def _source(options: RunOptions, kind: Kind, text: str) -> Source:
    if kind is Kind.DEFINITION:
        return definition_source(options.pipeline, text, options.pipeline_name)
    from airflow_sm_pipelines.running.dag_source import dag_source

    return dag_source(options.pipeline, options.dag_id, options.group_id)


def _sdk_source(options: RunOptions, url: str) -> Source:
    from airflow_sm_pipelines.running.sdk_source import sdk_source

    return sdk_source(options.pipeline, options.pipeline_name, sdk_variables(url), options.sdk_python or sys.executable)


def _upload_data(options: RunOptions, clients: Clients) -> None:
    from airflow_sm_pipelines.running.uploads import upload_data

    upload_data(clients["s3"], options.s3)


def _prepared(options: RunOptions, source: Source) -> Preparation:
    from airflow_sm_pipelines.running.preparation import prepare

    selected = tuple(options.select)
    local = None if options.endpoint_url else local_limits(options.stubs, selected or None)
    given = dict(options.parameters)
    preparation = prepare(source, given, selected=selected, logs=options.logs, local=local)
    for problem in preparation.problems:
        _warn(options, problem)
    return preparation


def _execution(
    options: RunOptions,
    clients: Clients,
    source: Source,
    preparation: Preparation,
    interruption: Interruption,
) -> tuple[ExecutionSnapshot, Summary]:
    """Start an execution, follow it to its end, and bring here what it has left."""
    from airflow_sm_pipelines.running import following, results
    from airflow_sm_pipelines.running.execution import JobLogs
    from airflow_sm_pipelines.running.starting import now, start, summary_of
    from airflow_sm_pipelines.running.view import view_on

    root = results.make_root(Path())
    started = start(clients, source, preparation, warn=partial(_warn, options), selected=options.select)
    lines = following.LogLines(JobLogs(clients["logs"]), options.logs)
    with view_on(_progress_stream(options), started.definition, now) as view:
        view.say(f"pipeline {source.name}, execution {started.execution_id}")
        snapshot = following.follow(clients["sagemaker"], started.arn, view, lines, interruption)
    return snapshot, summary_of(clients, started, snapshot, root / started.execution_id)


def _warn(options: RunOptions, problem: Problem) -> None:
    click.echo(problem_line(str(options.pipeline), problem), err=True)


def _tell(options: RunOptions, summary: Summary) -> None:
    if options.json:
        sys.stdout.write(json.dumps(summary.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        sys.stdout.writelines(f"{printable(line)}\n" for line in summary.lines())


def _progress_stream(options: RunOptions) -> TextIO:
    return sys.stderr if options.json else sys.stdout


def _complain(text: str) -> int:
    sys.stderr.write(f"{_PROGRAM}: {text}\n")
    return FAILED
