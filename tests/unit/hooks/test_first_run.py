"""The connections of docs/aws/first-run.md are what the hooks understand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook

PAGE = (Path(__file__).parents[3] / "docs" / "aws" / "first-run.md").read_text()
EXTRAS = re.findall(r"the extra `(\{.*?\})`", PAGE)
[VARIABLE] = re.findall(r"export AIRFLOW_CONN_AWS_DEFAULT='(.*?)'", PAGE)
ROLE = "arn:aws:iam::123456789012:role/churn-airflow"


def seen(monkeypatch, connection):
    """The region and the role of a hook whose connection is this."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection)
    hook = SageMakerPipelineHook()
    return hook.region_name, hook.conn_config.role_arn


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (json.dumps({"conn_type": "aws", "extra": json.loads(EXTRAS[0])}), ("us-east-1", None)),
        (json.dumps({"conn_type": "aws", "extra": json.loads(EXTRAS[1])}), ("us-east-1", ROLE)),
        (VARIABLE, ("us-east-1", ROLE)),
    ],
    ids=["region", "role", "variable"],
)
def test_a_connection_of_the_page(monkeypatch, connection, expected):
    """Its region is where AWS is called, its role is what is assumed."""
    assert seen(monkeypatch, connection) == expected


def test_without_a_connection_the_group_says_the_region(monkeypatch):
    """The default connection may be missing."""
    monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
    monkeypatch.setattr(SageMakerPipelineHook, "get_connection", staticmethod(_missing))
    hook = SageMakerPipelineHook(region_name="us-east-1")
    assert (hook.region_name, hook.conn_config.role_arn) == ("us-east-1", None)


def _missing(conn_id):
    from airflow.providers.common.compat.sdk import AirflowNotFoundException

    raise AirflowNotFoundException(conn_id)
