"""The endpoint that a command uses: a running one, or one in this process for as long as the command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.command_line import NEEDS_LOCAL, CommandError
from airflow_sm_pipelines.running.options import RunOptions
from airflow_sm_pipelines.running.region import region_of_environment

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.aws import Clients


@contextmanager
def endpoint_of(options: RunOptions) -> Iterator[tuple[str, Clients]]:
    """Give the URL of the endpoint that runs a pipeline, and clients for it.

    :param options: of the command. Without an endpoint's URL, an endpoint is started in this process. It keeps its data
        in ``.sm-pipelines/data``.
    :raises CommandError: no endpoint can be started.
    """
    from airflow_sm_pipelines.local.aws import Clients

    if options.endpoint_url is not None:
        yield options.endpoint_url, Clients(options.endpoint_url, region_of_environment())
        return
    from airflow_sm_pipelines.running.results import data_directory

    stubs = options.stubs
    with _started(
        lambda registry: {
            "stand_ins": tuple(name for stub in stubs for name in registry.stand_ins_of(stub)),
            "images": options.images,
            "lambdas": options.lambdas,
            "data_directory": data_directory(Path()),
        }
    ) as url:
        yield url, Clients(url, region_of_environment())


@contextmanager
def empty_endpoint() -> Iterator[str]:
    """Give the URL of an endpoint in this process that keeps nothing.

    :raises CommandError: no endpoint can be started.
    """
    with _started(lambda _registry: {}) as url:
        yield url


def sdk_variables(url: str) -> dict[str, str]:
    """Return the environment variables by which a file of the SageMaker SDK finds an endpoint.

    :param url: the endpoint's URL.
    """
    from airflow_sm_pipelines.local.aws import client_variables

    return {**client_variables(url, region_of_environment()), "AWS_REGION": region_of_environment()}


@contextmanager
def _started(settings_with: Any) -> Iterator[str]:
    try:
        from airflow_sm_pipelines.local.endpoint import LocalEndpoint
        from airflow_sm_pipelines.local.images_file import ImagesFileError
        from airflow_sm_pipelines.local.jobs.sandbox import SandboxUnavailableError
        from airflow_sm_pipelines.local.persistence.directory import DataDirectoryError
        from airflow_sm_pipelines.local.runners import registry
        from airflow_sm_pipelines.local.settings import EndpointSettings
    except ModuleNotFoundError as error:
        raise CommandError(NEEDS_LOCAL.format(error.name)) from None
    try:
        endpoint = LocalEndpoint(EndpointSettings(**settings_with(registry)))
        endpoint.start()
    except (DataDirectoryError, ImagesFileError, SandboxUnavailableError, OSError) as error:
        raise CommandError(str(error)) from None
    try:
        yield endpoint.url
    finally:
        endpoint.close()
