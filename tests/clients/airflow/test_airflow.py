from __future__ import annotations

import json

import pytest

from airflow_sm_pipelines.serving.stack import REGION
from tests.clients.conftest import Client

TRIGGERS = {"waiting": [], "deferrable": ["SageMakerPipelineTrigger", "SageMakerTrigger"]}


@pytest.mark.parametrize("mode", list(TRIGGERS))
def test_airflows_own_operators_and_sensors(client: Client, mode: str) -> None:
    """They make jobs, models and executions, wait for them in both ways, and stop them, as on AWS; a role by its name."""
    connection = {
        "conn_type": "aws",
        "login": "local",
        "password": "local",
        "extra": {"region_name": REGION, "endpoint_url": client.environment["AWS_ENDPOINT_URL"]},
    }
    seen = client.run(
        "operators.py",
        mode,
        AIRFLOW_CONN_AWS_DEFAULT=json.dumps(connection),
        AIRFLOW_HOME=str(client.directory / "airflow"),
    )
    assert seen == {
        "processed": ["Completed", {"report": {"rows": 1}}],
        "trained": "Completed",
        "tuned": ["Completed", 2, {"depth": "2"}],
        "transformed": ["Completed", ["41", "42"]],
        "model": f"arn:aws:sagemaker:{REGION}:123456789012:model/model-{mode}",
        "models": [],
        "execution": "Succeeded",
        "parameters": [{"Name": "P", "Value": "q"}],
        "stopped": "Stopped",
        "sensed": [True] * 5,
        "deferred_to": TRIGGERS[mode],
    }
