"""Running the endpoint as a program, until a signal ends it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click

from airflow_sm_pipelines.local import telling
from airflow_sm_pipelines.local.aws import ANY_KEY, AccessKey, client_variables
from airflow_sm_pipelines.local.endpoint import BUCKET_REGION, BucketNotMadeError, LocalEndpoint
from airflow_sm_pipelines.local.functions.function import registered_functions
from airflow_sm_pipelines.local.images_file import ImagesFileError
from airflow_sm_pipelines.local.jobs.sandbox import SandboxUnavailableError
from airflow_sm_pipelines.local.persistence.directory import DataDirectoryError
from airflow_sm_pipelines.local.runners.registry import stand_ins_of
from airflow_sm_pipelines.local.settings import SECRET_VARIABLE, EndpointSettings

_Value = TypeVar("_Value")


def serve(given: dict[str, Any]) -> int:
    """Run the endpoint until SIGINT or SIGTERM.

    Prints its URL, alone on one line of standard output, as soon as it listens and has its buckets; then the access key
    that requests have to be signed with, when it has made one. Everything else goes to standard error: the variables by
    which clients find it, and a line for each step that ends.

    :param given: the values of the options: the members of the endpoint's settings, ``verbose``, and ``access_key`` as
        its id.
    :return: the exit status.
    :raises click.UsageError: a value is wrong.
    """
    options = dict(given)
    options["lambdas"] = _checked("--lambda", lambda: registered_functions(given["lambdas"], Path.cwd()))
    options["stand_ins"] = _checked(
        "--stub", lambda: tuple(name for text in given["stand_ins"] for name in stand_ins_of(text))
    )
    logging.basicConfig(
        level=logging.DEBUG if options.pop("verbose") else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    telling.tell_on(sys.stderr)
    key_id = options.pop("access_key")
    secret = os.environ.get(SECRET_VARIABLE)
    if key_id is not None:
        options["access_key"] = AccessKey(key_id, secret) if secret else AccessKey.generate(key_id)
    with _signals() as wait_for_signal:
        return _run(EndpointSettings(**options), secret, wait_for_signal)


def _checked(option: str, read: Callable[[], _Value]) -> _Value:
    try:
        return read()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=f"'{option}'") from None


def _run(settings: EndpointSettings, secret: str | None, wait_for_signal: Callable[[], object]) -> int:
    """Run the endpoint.

    :param settings: its settings.
    :param secret: the secret of an access key that whoever starts it knows; it is not printed.
    :param wait_for_signal: waits.
    """
    try:
        endpoint = LocalEndpoint(settings)
        endpoint.start()
    except (BucketNotMadeError, DataDirectoryError, ImagesFileError, SandboxUnavailableError, OSError) as error:
        sys.stderr.write(f"sm-pipelines local: {_explained(error, settings)}\n")
        return 1
    try:
        sys.stderr.writelines(f"sm-pipelines local: warning: {line}\n" for line in _warnings(settings))
        sys.stderr.writelines(f"export {name}={value}\n" for name, value in _variables(endpoint).items())
        sys.stdout.write(f"{endpoint.url}\n")
        if endpoint.access_key is not None and endpoint.access_key.secret != secret:
            # Whoever starts it has to learn it from somewhere; these lines are what an environment file has.
            sys.stdout.writelines(f"{name}={value}\n" for name, value in endpoint.access_key.environment().items())
        sys.stdout.flush()
        wait_for_signal()
    finally:
        endpoint.close()
    return 0


@contextmanager
def _signals() -> Iterator[Callable[[], object]]:
    """Take SIGINT and SIGTERM inside, and give what waits for one.

    The system may hand a signal to any thread, and Python calls handlers in the main thread only, which does not
    notice while it waits for a lock. What is written by Python's own C handler, in whatever thread, it does notice.
    """
    receiving, sending = socket.socketpair()
    sending.setblocking(False)
    with receiving, sending:
        before = signal.set_wakeup_fd(sending.fileno())
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
            yield partial(receiving.recv, 1)
        finally:
            signal.set_wakeup_fd(before)


def _variables(endpoint: LocalEndpoint) -> dict[str, str]:
    """The variables by which any AWS client of this machine finds the endpoint, but for an access key of its own."""
    region = os.environ.get("AWS_DEFAULT_REGION") or BUCKET_REGION
    variables = client_variables(endpoint.url, region)
    if endpoint.access_key is None:
        return variables
    return {name: value for name, value in variables.items() if name not in ANY_KEY.environment()}


def _explained(error: Exception, settings: EndpointSettings) -> str:
    if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return str(error)
    return (
        f"port {settings.port} of {settings.host} is in use: {error}. 'ss -ltnp sport = :{settings.port}' shows which "
        "process uses it. Give another --port, or --port 0 for a free one"
    )


def _warnings(settings: EndpointSettings) -> Iterator[str]:
    if not settings.is_local:
        yield f"anybody who has the access key and reaches {settings.host} can run programs here. Nothing is encrypted"
    if os.geteuid() == 0:
        yield "jobs run as root. Run the endpoint as an ordinary user if others can use it"
