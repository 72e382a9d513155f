"""What ``sm-pipelines run`` is given, and what of it means nothing for a file."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from airflow_sm_pipelines.running.sources import Kind

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.functions.function import Function
    from airflow_sm_pipelines.running.uploads import LocalData


@dataclass(frozen=True)
class RunOptions:
    """What to run, and how.

    :param pipeline: the file.
    :param parameters: values of pipeline parameters.
    :param s3: local data that is uploaded first.
    :param select: the steps to run; all where there is none.
    :param stubs: step types that are not run.
    :param images: the file that names interpreters for images.
    :param lambdas: Lambda functions that Lambda steps find.
    :param logs: the steps whose logs are shown.
    :param json: whether the summary is JSON.
    :param endpoint_url: a running endpoint; ``None`` to start one.
    :param pipeline_name: the pipeline's name.
    :param sdk_python: the interpreter that runs a file of the SDK.
    :param dag_id: which Dag.
    :param group_id: which task group.
    """

    pipeline: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    s3: tuple[LocalData, ...] = ()
    select: tuple[str, ...] = ()
    stubs: tuple[str, ...] = ()
    images: Path | None = None
    lambdas: tuple[Function, ...] = ()
    logs: tuple[str, ...] = ()
    json: bool = False
    endpoint_url: str | None = None
    pipeline_name: str | None = None
    sdk_python: str | None = None
    dag_id: str | None = None
    group_id: str | None = None


def require_placed(options: RunOptions, kind: Kind) -> None:
    """Refuse options that have no meaning for a kind of file.

    :param options: as they were read.
    :param kind: what the file is.
    :raises click.UsageError: naming the first such option.
    """
    misplaced = (
        {"--pipeline-name": options.pipeline_name}
        if kind is Kind.DAG
        else {"--dag-id": options.dag_id, "--group-id": options.group_id}
    )
    if kind is not Kind.SDK:
        misplaced["--sdk-python"] = options.sdk_python
    for name, value in misplaced.items():
        if value is not None:
            raise click.UsageError(f"{name} has no meaning for {options.pipeline}, which is {kind.value}. Remove it.")


def parameter(text: str) -> tuple[str, str]:
    """Read ``NAME=VALUE``.

    :param text: what was given.
    :raises ValueError: it has another form.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is not of the form NAME=VALUE.")
    return name, value


def loopback_url(text: str) -> str:
    """Return the URL of an endpoint on this machine.

    :param text: what was given.
    :raises ValueError: it is something else.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{text!r} is not a URL such as http://127.0.0.1:4566.")
    try:
        is_here = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    if not is_here:
        raise ValueError(
            f"{parts.hostname} is another machine, and this command runs pipelines on this machine. Give the URL of a "
            "local endpoint, such as http://127.0.0.1:4566."
        )
    return text
