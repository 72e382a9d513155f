from __future__ import annotations

import sys

import pytest

from tests.iam import lacking

PIPELINE_SETTINGS = {"role_arn": "arn:aws:iam::123456789012:role/sagemaker", "artifact_uri": "s3://lab/churn"}


@pytest.fixture
def dag(tmp_path):
    """A Dag whose file lies beside the scripts prepare.py, train.py and evaluate.py."""
    from airflow.sdk import DAG

    for name in ("prepare", "train", "evaluate"):
        (tmp_path / f"{name}.py").write_text(f"print('{name}')")
    dag = DAG("d", schedule=None)
    dag.fileloc = str(tmp_path / "d.py")
    with dag:
        yield dag


@pytest.fixture
def group():
    """Make the pipeline group 'churn', with some settings."""
    from airflow_sm_pipelines import SageMakerPipelineTaskGroup

    def make(group_id="churn", **settings):
        return SageMakerPipelineTaskGroup(group_id, **{**PIPELINE_SETTINGS, **settings})

    return make


@pytest.fixture(autouse=True)
def policy_of_airflow(monkeypatch):
    """Hold every call of a hook's client against iam/airflow.json: the test that made it fails."""
    services = sys.modules.get("airflow_sm_pipelines.hooks.services")
    if services is None:  # This test is not about hooks. One that imports them itself is the only one to be missed.
        yield
        return
    calls = []

    def noted(params, context, **_):
        context["noted"] = dict(params)

    def called(model, context, **_):  # What botocore refuses itself does not get here.
        calls.append((model.name, context["noted"]))

    make_client = services.AwsServicesHook.make_client

    def recorded(hook, service):
        client = make_client(hook, service)
        client.meta.events.register("before-parameter-build", noted)
        client.meta.events.register("before-call", called)
        return client

    monkeypatch.setattr(services.AwsServicesHook, "make_client", recorded)
    yield
    assert lacking("airflow", calls) == []
