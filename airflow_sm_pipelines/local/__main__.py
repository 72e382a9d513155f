"""``python -m airflow_sm_pipelines.local``: run the endpoint until a signal ends it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from airflow_sm_pipelines.local import telling
from airflow_sm_pipelines.local.aws import client_variables
from airflow_sm_pipelines.local.endpoint import (
    BUCKET_REGION,
    BucketNotMadeError,
    EndpointSettings,
    LocalEndpoint,
)
from airflow_sm_pipelines.local.jobs.sandbox import SandboxUnavailableError
from airflow_sm_pipelines.local.options import parser


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m airflow_sm_pipelines.local") -> int:
    """Run the endpoint until SIGINT or SIGTERM.

    Prints its URL, alone on one line of standard output, as soon as it listens and has its buckets. What else there is
    to tell goes to standard error: the variables by which clients find it, and a line for each step that ends.

    :param arguments: without the program's name; those of the process when ``None``.
    :param program: how the help text calls the command.
    :return: the exit code.
    """
    options = vars(parser(program).parse_args(arguments))
    options["buckets"], options["allowed_hosts"] = tuple(options["buckets"]), tuple(options["allowed_hosts"])
    options["stand_ins"] = tuple(name for names in options["stand_ins"] for name in names)
    logging.basicConfig(
        level=logging.DEBUG if options.pop("verbose") else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    telling.tell_on(sys.stderr)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    settings = EndpointSettings(**options)
    try:
        endpoint = LocalEndpoint(settings)
        endpoint.start()
    except (BucketNotMadeError, SandboxUnavailableError, OSError) as error:
        sys.stderr.write(f"sm-pipelines local: {_explained(error, settings)}\n")
        return 1
    try:
        sys.stderr.writelines(f"sm-pipelines local: warning: {line}\n" for line in _warnings(settings))
        sys.stderr.writelines(f"export {name}={value}\n" for name, value in _variables(endpoint).items())
        sys.stdout.write(f"{endpoint.url}\n")
        sys.stdout.flush()
        ended.wait()
    finally:
        endpoint.close()
    return 0


def _variables(endpoint: LocalEndpoint) -> dict[str, str]:
    """The variables by which any AWS client of this machine finds the endpoint."""
    return client_variables(endpoint.url, os.environ.get("AWS_DEFAULT_REGION") or BUCKET_REGION)


def _explained(error: Exception, settings: EndpointSettings) -> str:
    if not isinstance(error, OSError) or error.errno != errno.EADDRINUSE:
        return str(error)
    return (
        f"port {settings.port} of {settings.host} is taken: {error}. 'ss -ltnp sport = :{settings.port}' shows who has "
        "it; give another --port, or --port 0 for one that is free"
    )


def _warnings(settings: EndpointSettings) -> Iterator[str]:
    if not settings.is_local:
        yield f"whoever reaches {settings.host} can run programs here: any key is taken"
    if os.geteuid() == 0:
        yield "jobs run as root, and they are programs of whoever uses the endpoint. An ordinary user is enough"


if __name__ == "__main__":
    sys.exit(main())
