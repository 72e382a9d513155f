from __future__ import annotations

import gc
import weakref

import pytest

from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers.connections import freeze_once, new_hook


class NotMadeError(Exception):
    """Ends the making of a client."""


@pytest.fixture
def collecting():
    """Leaves garbage collection as it was, and nothing frozen."""
    was_enabled = gc.isenabled()
    gc.enable()
    freeze_once.cache_clear()
    yield
    gc.unfreeze()
    (gc.enable if was_enabled else gc.disable)()


@pytest.mark.usefixtures("collecting")
def test_no_garbage_is_collected_while_a_client_is_made(service, monkeypatch):
    """The hook of triggers makes its clients with collections put off; what Airflow has loaded is exempt from them."""
    seen = []
    make = SageMakerPipelineHook.make_client

    def watched(hook, name):
        seen.append(gc.isenabled())
        return make(hook, name)

    monkeypatch.setattr(SageMakerPipelineHook, "make_client", watched)
    gc.unfreeze()
    client = new_hook(AwsConnection("aws_default", "us-east-1")).client("sagemaker")
    assert client.meta.endpoint_url == service.url
    assert (seen, gc.isenabled()) == ([False], True)
    assert gc.get_freeze_count() > 10_000


@pytest.mark.usefixtures("collecting", "service")
def test_clients_that_were_replaced_are_freed():
    """Only the first client is exempt from collections: triggerers live long, and make new clients now and then."""
    clients = [weakref.ref(new_hook(AwsConnection("aws_default", "us-east-1")).client("sagemaker")) for _ in range(2)]
    gc.collect()
    assert [client() is None for client in clients] == [False, True]


@pytest.mark.usefixtures("collecting", "service")
def test_a_client_that_cannot_be_made_leaves_collection_on(monkeypatch):
    """An error on the way does not leave the triggerer without garbage collection."""

    def fail(_hook, _name):
        raise NotMadeError

    monkeypatch.setattr(SageMakerPipelineHook, "make_client", fail)
    with pytest.raises(NotMadeError):
        new_hook(AwsConnection("aws_default", "us-east-1")).client("sagemaker")
    assert gc.isenabled()
