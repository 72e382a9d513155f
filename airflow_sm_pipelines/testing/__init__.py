"""A pytest plugin: the fixture ``sagemaker_pipelines`` runs a pipeline of a Dag to its end, on this machine.

Turn it on in the ``conftest.py`` beside your tests: ``pytest_plugins = ["airflow_sm_pipelines.testing"]``. It needs
the extra ``local``. It starts no Airflow component and runs no Airflow task: it does what ``sm-pipelines run`` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_sm_pipelines.local.settings import EndpointSettings
    from airflow_sm_pipelines.testing.pipelines import LocalPipelines


@pytest.fixture(scope="session")
def sagemaker_pipelines_settings() -> EndpointSettings | None:
    """How the local endpoint runs; ``None`` for its defaults. Define a fixture of this name to change that."""
    return None


@pytest.fixture(scope="session")
def sagemaker_pipelines(
    sagemaker_pipelines_settings: EndpointSettings | None,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LocalPipelines]:
    """Runs pipelines; see :meth:`airflow_sm_pipelines.testing.pipelines.LocalPipelines.run`.

    One process has the local endpoint for all tests of a session, or of a worker of pytest-xdist. It starts when the
    first pipeline runs.
    """
    from airflow_sm_pipelines.testing.pipelines import LocalPipelines

    directory = tmp_path_factory.mktemp("sagemaker_pipelines")
    with LocalPipelines(pytestconfig.rootpath, directory, sagemaker_pipelines_settings) as pipelines:
        yield pipelines
