"""The command line of ``sm-pipelines run``."""

from __future__ import annotations

import argparse
import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_sm_pipelines.running.sources import Kind

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.functions.function import Function

_DESCRIPTION = """\
Run a pipeline on this machine, and show how it goes. PIPELINE is a pipeline definition (JSON), a Python file that
makes a Pipeline of the SageMaker SDK, or a Dag file with a SageMakerPipelineTaskGroup. All that can be checked is
checked before anything is started. Outputs land in .sm-pipelines/<execution id>/<step>/, and what the next run needs
of this one is kept in .sm-pipelines/data/. The exit status is 0 when the
execution has succeeded, 1 when it has not, 2 for a wrong command line, 130 when it was interrupted.
"""


def parser(program: str) -> argparse.ArgumentParser:
    """Return the parser.

    :param program: how the help text calls the command.
    """
    made = _Parser(prog=program, description=_DESCRIPTION)
    made.add_argument("pipeline", metavar="PIPELINE", type=Path, help="a JSON file, or a Python file")
    made.add_argument(
        "--parameter",
        dest="parameters",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="value of a pipeline parameter; 'file://PATH' is uploaded, and its S3 URI is the value",
    )
    made.add_argument(
        "--s3",
        action="append",
        default=[],
        type=_local_data,
        metavar="URI=PATH",
        help="upload a local file or directory to s3://bucket/prefix first; give it again for another one",
    )
    made.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="STEP",
        help="run this step only, and take those before it from the pipeline's latest execution; give it again for "
        "another one",
    )
    made.add_argument(
        "--stub",
        action="append",
        default=[],
        metavar="TYPE",
        help="type of steps that are not run and succeed with stand-in properties; 'all' is every type that cannot be "
        "run",
    )
    made.add_argument(
        "--images",
        type=Path,
        metavar="FILE",
        help="TOML file that names Python interpreters for images, by patterns of their URIs; by default this one runs "
        "all jobs",
    )
    made.add_argument(
        "--lambda",
        dest="lambdas",
        action="append",
        default=[],
        metavar="NAME=MODULE:HANDLER",
        help="Lambda function that Lambda steps find: a function of a module in the present directory; give it again "
        "for another one",
    )
    made.add_argument(
        "--logs", action="append", default=[], metavar="STEP", help="show what a step prints; 'all' is every step"
    )
    made.add_argument("--json", action="store_true", help="print the summary as JSON; all else goes to standard error")
    made.add_argument(
        "--endpoint-url",
        type=_loopback_url,
        metavar="URL",
        help="an endpoint that runs on this machine ('sm-pipelines local'); by default one is started for this run",
    )
    made.add_argument(
        "--pipeline-name", metavar="NAME", help="the pipeline of a definition; which one of a Python file"
    )
    made.add_argument(
        "--sdk-python",
        metavar="PYTHON",
        help="Python interpreter that runs a file of the SDK: that of an environment with the SDK; by default this one",
    )
    made.add_argument("--dag-id", help="which Dag, where a Dag file has several")
    made.add_argument("--group-id", help="which task group, where a Dag has several")
    return made


def misplaced(options: argparse.Namespace, kind: Kind) -> str | None:
    """Say which options have no meaning for a kind of file; ``None`` when all have one.

    :param options: as they were read.
    :param kind: what the file is.
    """
    meaningless = (
        {"--pipeline-name": options.pipeline_name}
        if kind is Kind.DAG
        else {"--dag-id": options.dag_id, "--group-id": options.group_id}
    )
    if kind is not Kind.SDK:
        meaningless["--sdk-python"] = options.sdk_python
    given = [name for name, value in meaningless.items() if value is not None]
    return f"argument {given[0]}: {options.pipeline} is {kind.value}; leave it out" if given else None


class _Parser(argparse.ArgumentParser):
    """Looks at what options say together, too."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        options = super().parse_args(args, namespace)
        names = [name for name, _ in options.parameters]
        for name in sorted(set(names)):
            if names.count(name) > 1:
                self.error(f"argument --parameter: '{name}' is given twice")
        for name, value in (("--stub", options.stub), ("--images", options.images), ("--lambda", options.lambdas)):
            if value and options.endpoint_url:
                self.error(
                    f"argument {name}: the endpoint of --endpoint-url was started with its own; leave it out here"
                )
        options.lambdas = self._functions(options.lambdas)
        return options

    def _functions(self, texts: Sequence[str]) -> tuple[Function, ...]:
        from airflow_sm_pipelines.local.functions.function import registered_functions

        try:
            return registered_functions(texts, Path.cwd())
        except ValueError as error:
            self.error(f"argument --lambda: {error}")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _local_data(text: str) -> Any:
    from airflow_sm_pipelines.running.uploads import local_data

    return local_data(text)


def _loopback_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is not a URL such as http://127.0.0.1:4566")
    try:
        is_here = ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        is_here = parts.hostname == "localhost"
    if not is_here:
        raise argparse.ArgumentTypeError(
            f"{parts.hostname} is another machine: this command runs pipelines on this one. Give the URL of an "
            "endpoint here, such as http://127.0.0.1:4566"
        )
    return text
