"""``python -m airflow_sm_pipelines.local``: run the endpoint until a signal ends it."""

from __future__ import annotations

import argparse
import logging
import math
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from airflow_sm_pipelines.local.endpoint import BucketNotMadeError, EndpointSettings, LocalEndpoint
from airflow_sm_pipelines.local.functions.function import registered_functions
from airflow_sm_pipelines.local.jobs.sandbox import SandboxUnavailableError
from airflow_sm_pipelines.local.runners.registry import stand_ins_of


def main(arguments: Sequence[str] | None = None, *, program: str = "python -m airflow_sm_pipelines.local") -> int:
    """Run the endpoint until SIGINT or SIGTERM.

    Prints its URL, alone on one line of standard output, as soon as it listens and has its buckets.

    :param arguments: without the program's name; those of the process when ``None``.
    :param program: how the help text calls the command.
    :return: the exit code.
    """
    parser = _parser(program)
    options = vars(parser.parse_args(arguments))
    try:
        options["lambdas"] = registered_functions(options["lambdas"], Path.cwd())
    except ValueError as error:
        parser.error(f"argument --lambda: {error}")
    options["buckets"], options["allowed_hosts"] = tuple(options["buckets"]), tuple(options["allowed_hosts"])
    options["stand_ins"] = tuple(name for names in options["stand_ins"] for name in names)
    logging.basicConfig(
        level=logging.DEBUG if options.pop("verbose") else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with _signals() as wait_for_signal:
        return _run(EndpointSettings(**options), wait_for_signal)


def _run(settings: EndpointSettings, wait_for_signal: Callable[[], object]) -> int:
    try:
        endpoint = LocalEndpoint(settings)
        endpoint.start()
    except (BucketNotMadeError, SandboxUnavailableError, OSError) as error:
        sys.stderr.write(f"sm-pipelines local: {error}\n")
        return 1
    try:
        sys.stderr.writelines(f"sm-pipelines local: warning: {line}\n" for line in _warnings(settings))
        sys.stdout.write(f"{endpoint.url}\n")
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


def _warnings(settings: EndpointSettings) -> Iterator[str]:
    if not settings.is_local:
        yield f"whoever reaches {settings.host} can run programs here: any key is taken"
    if os.geteuid() == 0:
        yield "jobs run as root, and they are programs of whoever uses the endpoint. An ordinary user is enough"


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Serve SageMaker pipelines and jobs, and S3, Logs and the rest of AWS with moto, on one port.",
    )
    parser.add_argument("--host", default=EndpointSettings.host, help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on; 0, the default, takes a free one")
    parser.add_argument(
        "--allow-host",
        dest="allowed_hosts",
        action="append",
        default=[],
        metavar="NAME",
        help="name by which clients call the endpoint, besides those of this machine; give it again for another one",
    )
    parser.add_argument(
        "--state-dir",
        dest="state_directory",
        metavar="STATE_DIR",
        type=Path,
        help="directory for the files of running jobs (default: a temporary one, removed at the end)",
    )
    parser.add_argument(
        "--job-python",
        type=Path,
        default=Path(sys.executable),
        help="Python interpreter that jobs run with; it stands for every image (default: this one)",
    )
    parser.add_argument(
        "--stop-grace",
        dest="stop_grace_seconds",
        type=_seconds,
        default=EndpointSettings.stop_grace_seconds,
        metavar="SECONDS",
        help="time a stopped job gets to end by itself (default: %(default)s)",
    )
    parser.add_argument(
        "--max-jobs",
        type=_count,
        default=EndpointSettings.max_jobs,
        metavar="NUMBER",
        help="how many jobs run at once; the others wait (default: %(default)s)",
    )
    parser.add_argument(
        "--bucket",
        dest="buckets",
        action="append",
        default=[],
        metavar="NAME",
        help="S3 bucket that is there from the start; give it again for another one",
    )
    parser.add_argument(
        "--stub",
        dest="stand_ins",
        action="append",
        type=_stand_ins,
        default=[],
        metavar="TYPE",
        help="type of steps that are not run and succeed with stand-in properties, such as ClarifyCheck; give it again "
        "for another one; 'all' is every type that the endpoint does not run",
    )
    parser.add_argument(
        "--lambda",
        dest="lambdas",
        action="append",
        default=[],
        metavar="NAME=MODULE:HANDLER",
        help="Lambda function that is there from the start: a function of a module in the present directory, run in "
        "the interpreter of jobs; give it again for another one",
    )
    parser.add_argument("--verbose", action="store_true", help="log requests to standard error")
    return parser


def _stand_ins(text: str) -> tuple[str, ...]:
    try:
        return stand_ins_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    try:
        port = int(text)
    except ValueError:
        port = -1
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give 0 to 65535")
    return port


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of jobs: give 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= threading.TIMEOUT_MAX:  # nan is not between them either
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give seconds, 0 or more")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
