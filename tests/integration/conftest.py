"""A real endpoint on a real socket, and clients for it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from airflow_sm_pipelines.local.endpoint import EndpointSettings, LocalEndpoint
from tests.integration.clients import Aws, token
from tests.integration.documents import FAIL_ONLY, ROLE


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    """One endpoint for all tests of a test process; tests use names of their own."""
    state = tmp_path_factory.mktemp("endpoint")
    with LocalEndpoint(EndpointSettings(state_directory=state, stop_grace_seconds=5)) as running:
        yield running


@pytest.fixture(scope="session")
def aws(endpoint: LocalEndpoint) -> Aws:
    """Clients for the endpoint, with a bucket."""
    clients = Aws(endpoint.url)
    clients.create_bucket()
    return clients


@pytest.fixture
def name(aws: Aws) -> str:
    """A pipeline of a fresh name that has one Fail step."""
    name = f"wire-{uuid.uuid4().hex[:8]}"
    aws.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(FAIL_ONLY), RoleArn=ROLE, ClientRequestToken=token()
    )
    return name
