"""What a Lambda function is here, how it is named, and how one is registered when the endpoint starts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from airflow_sm_pipelines.local.aws import ACCOUNT_ID
from airflow_sm_pipelines.local.errors import ServiceError

LATEST: Final = "$LATEST"
"""The version that is not published."""

LONGEST_TIMEOUT: Final = 900
"""The longest Timeout of a function, in seconds (botocore's model of Lambda)."""

_NAME: Final = r"[a-zA-Z0-9-_]{1,64}"
_IDENTIFIER: Final = r"[^\W\d]\w*"
_REFERENCE: Final = re.compile(
    rf"(?:(?:arn:(?P<partition>aws[\w-]*):lambda:(?P<region>[a-z0-9-]+):)?(?P<account>\d{{12}}):function:)?"
    rf"(?P<name>{_NAME})(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)
_REGISTERED: Final = re.compile(
    rf"(?P<name>{_NAME})=(?P<module>{_IDENTIFIER}(?:\.{_IDENTIFIER})*):(?P<handler>{_IDENTIFIER})"
)


class FunctionNotFoundError(ServiceError):
    """There is no such function. The code is Lambda's, which differs from SageMaker's."""

    code = "ResourceNotFoundException"
    http_status = 404


class FunctionNotRunError(ServiceError):
    """The function is there, and the local endpoint cannot run it."""

    code = "InvalidParameterValueException"
    http_status = 400


class PayloadNotJsonError(ServiceError):
    """The event is not JSON."""

    code = "InvalidRequestContentException"
    http_status = 400


class PayloadTooLargeError(ServiceError):
    """The event is larger than Lambda takes."""

    code = "RequestTooLargeException"
    http_status = 413


@dataclass(frozen=True)
class FunctionReference:
    """How a request or a step names a function.

    :param name: the function's name.
    :param qualifier: a version or an alias; ``None`` when there is none.
    :param region: of the ARN; ``None`` for a name without a region.
    :param account: of the ARN; ``None`` for a name without an account.
    """

    name: str
    qualifier: str | None = None
    region: str | None = None
    account: str | None = None

    @classmethod
    def parse(cls, text: str) -> FunctionReference:
        """Read an ARN, a partial ARN or a name, each with or without a version or alias.

        :param text: such as ``arn:aws:lambda:eu-west-1:123456789012:function:greet:1``.
        :raises FunctionNotFoundError: it is none of these.
        """
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise FunctionNotFoundError(f"Function not found: {text}")
        return cls(match["name"], match["qualifier"], match["region"], match["account"])

    def arn(self, region: str) -> str:
        """The ARN.

        :param region: the region, where the reference has none.
        """
        arn = f"arn:aws:lambda:{self.region or region}:{self.account or ACCOUNT_ID}:function:{self.name}"
        return arn if self.qualifier is None else f"{arn}:{self.qualifier}"


@dataclass(frozen=True)
class Function:
    """One version of a function, as it is run.

    :param name: its name.
    :param handler: ``module.function``.
    :param code: its zip, or a directory that is used as it is.
    :param version: a number, or ``$LATEST``.
    :param runtime: such as ``python3.12``; the job's interpreter stands for all of them.
    :param timeout: how long one invocation may take, in seconds.
    :param memory: MemorySize in MB, which the function reads and which is not enforced.
    :param environment: its environment variables.
    """

    name: str
    handler: str
    code: bytes | Path
    version: str = LATEST
    runtime: str = "python3"
    timeout: int = LONGEST_TIMEOUT
    memory: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)


def registered_functions(texts: Iterable[str], directory: Path) -> tuple[Function, ...]:
    """Read what functions the endpoint is to have from the start.

    They have the longest Timeout that Lambda allows: whoever writes one wants to see it run.

    :param texts: each ``NAME=module:handler``.
    :param directory: where the modules are looked for.
    :raises ValueError: some are not of that form, or a name is given twice; the message names all of them.
    """
    functions: dict[str, Function] = {}
    problems: list[str] = []
    for text in texts:
        match = _REGISTERED.fullmatch(text)
        if match is None:
            problems.append(
                f"{text!r} is not of the form NAME=module:handler, such as greet=functions.greeting:handler"
            )
        elif match["name"] in functions:
            problems.append(f"the name {match['name']!r} is given twice")
        else:
            handler = f"{match['module']}.{match['handler']}"
            functions[match["name"]] = Function(match["name"], handler, directory)
    if problems:
        raise ValueError("; ".join(problems))
    return tuple(functions.values())
