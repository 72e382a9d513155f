"""The program that has the local endpoint of a test session: a process apart from the tests.

moto keeps its state in the process, which the tests may use as well; and a test that replaces clocks, sockets or
variables must not reach the endpoint. It reads one line with its settings; then for each further line it closes its
endpoint, starts another, and answers with one line of JSON: ``url`` or ``error``. It ends when its standard input
does, so also when the tests are killed.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import sys
from typing import TYPE_CHECKING

from airflow_sm_pipelines.command_line import NEEDS_LOCAL

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.settings import EndpointSettings


def encoded(settings: EndpointSettings | None) -> bytes:
    """Return settings as the program reads them.

    :param settings: the settings; ``None`` for the defaults.
    """
    return base64.b64encode(pickle.dumps(settings)) + b"\n"


def main() -> None:
    """Serve, until standard input ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # What else is printed must not come between the answers.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    settings = sys.stdin.buffer.readline()
    try:
        from airflow_sm_pipelines.local.endpoint import BucketNotMadeError, LocalEndpoint
        from airflow_sm_pipelines.local.images_file import ImagesFileError
        from airflow_sm_pipelines.local.jobs.sandbox import SandboxUnavailableError
        from airflow_sm_pipelines.local.persistence.directory import DataDirectoryError
        from airflow_sm_pipelines.local.settings import EndpointSettings
    except ModuleNotFoundError as missing:
        _answer(answers, error=NEEDS_LOCAL.format(missing.name))
        return
    endpoint = LocalEndpoint(pickle.loads(base64.b64decode(settings)) or EndpointSettings())  # noqa: S301 - see encoded
    try:
        while sys.stdin.buffer.readline():
            endpoint.close()
            try:
                endpoint.start()
            except (BucketNotMadeError, DataDirectoryError, ImagesFileError, SandboxUnavailableError, OSError) as error:
                _answer(answers, error=str(error))
            else:
                _answer(answers, url=endpoint.url)
    finally:
        endpoint.close()


def _answer(stream: object, **members: str) -> None:
    print(json.dumps(members), file=stream, flush=True)  # type: ignore[call-overload]
