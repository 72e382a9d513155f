"""Functions that moto keeps: made with CreateFunction, changed with UpdateFunctionCode, published, aliased."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.aws import ACCOUNT_ID
from airflow_sm_pipelines.local.functions.function import (
    Function,
    FunctionNotFoundError,
    FunctionNotRunError,
    FunctionReference,
)


def stored_function(client: Any, region: str, reference: FunctionReference) -> Function:
    """Find a function.

    moto takes any region and account of an ARN for its own, so these are compared here.

    :param client: a Lambda client.
    :param region: the client's region.
    :param reference: how the function is named.
    :raises FunctionNotFoundError: there is none of that name, version or alias.
    :raises FunctionNotRunError: it is there, and is nothing that runs here.
    """
    missing = FunctionNotFoundError(
        f"Function not found: {reference.arn(region)}. The local endpoint has the functions that CreateFunction made"
        f" here, and those it was started with: --lambda {reference.name}=module:handler."
    )
    if reference.region not in (None, region) or reference.account not in (None, ACCOUNT_ID):
        raise missing
    qualifier = {} if reference.qualifier is None else {"Qualifier": reference.qualifier}
    try:
        found = client.get_function(FunctionName=reference.name, **qualifier)["Configuration"]
    except ClientError as error:
        raise missing from error
    limits = list(_limits(found))
    if limits:
        raise FunctionNotRunError(
            f"The local endpoint cannot run the function '{reference.name}': {'; '.join(limits)}. It runs functions in"
            " Python whose code is a zip. Or start it with --lambda NAME=module:handler to run a handler of yours."
        )
    return Function(
        reference.name,
        found["Handler"],
        _code(region, reference),
        found["Version"],
        found["Runtime"],
        found["Timeout"],
        found["MemorySize"],
        found.get("Environment", {}).get("Variables", {}),
    )


def _limits(configuration: Mapping[str, Any]) -> Iterator[str]:
    if configuration.get("PackageType") == "Image":
        yield "its code is a container image"
        return
    if not str(configuration.get("Runtime", "")).startswith("python"):
        yield f"its runtime is {configuration.get('Runtime')}"
    if configuration.get("Layers"):
        yield "it has layers"


def _code(region: str, reference: FunctionReference) -> bytes:
    # No operation gives the code back: the address that GetFunction shows is on AWS. So this is read from moto itself.
    from moto.backends import get_backend

    function = get_backend("lambda")[ACCOUNT_ID][region].get_function(reference.name, reference.qualifier)
    code: bytes = function.code_bytes
    return code
