from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scripted_service import ScriptedService, connection_json, serve


@pytest.fixture
def service(monkeypatch) -> Iterator[ScriptedService]:
    """A scripted SageMaker that the default connection leads to."""
    with serve() as scripted:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(scripted.url))
        yield scripted
