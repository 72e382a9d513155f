"""A real endpoint on a real socket, and clients for it."""

from __future__ import annotations

import json
import uuid
import venv
from collections.abc import Iterator

import pytest

from airflow_sm_pipelines.local.endpoint import EndpointSettings, LocalEndpoint
from tests.integration.clients import Aws, token
from tests.integration.documents import BARE_IMAGE, FAIL_ONLY, ROLE


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    """One endpoint for all tests of a test process; tests use names of their own."""
    state = tmp_path_factory.mktemp("endpoint")
    venv.create(state / "bare", symlinks=True)
    images = state / "images.toml"
    images.write_text(f'[[image]]\npattern = "{BARE_IMAGE}"\npython = "bare/bin/python"\n')
    settings = EndpointSettings(state_directory=state / "state", stop_grace_seconds=5, images=images)
    with LocalEndpoint(settings) as running:
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
