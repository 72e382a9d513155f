from __future__ import annotations

import asyncio

import pytest

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.execution.pace import Pace
from airflow_sm_pipelines.settings import AwsConnection
from airflow_sm_pipelines.triggers import connections
from airflow_sm_pipelines.triggers.connections import shared_connection
from tests.scripted_service import EXECUTION_ARN, Refusal, connection_json

SETTINGS = AwsConnection("aws_default", "us-east-1")
EXPIRED = Refusal("ExpiredTokenException", "The security token included in the request is expired")


def status(hook) -> str:
    return str(hook.describe_execution(EXECUTION_ARN)["PipelineExecutionStatus"])


async def test_settings_with_equal_values_are_equal(service):
    """Settings are equal when their values are, whatever the order of botocore's arguments."""
    first = AwsConnection("aws_default", None, True, {"read_timeout": 5, "connect_timeout": 1})
    second = AwsConnection("aws_default", None, True, {"connect_timeout": 1, "read_timeout": 5})
    async with (
        shared_connection(first) as one,
        shared_connection(second) as other,
        shared_connection(SETTINGS) as third,
    ):
        assert (one is other, one is third) == (True, False)


def test_no_arguments_of_botocore_are_none():
    """An empty botocore_config leaves the connection's own ``config_kwargs`` as they are."""
    assert AwsConnection(botocore_config={}).hook_arguments == AwsConnection().hook_arguments


async def test_users_at_the_same_time_share_one_hook(service):
    """All who use a connection at the same time share one hook and so one client."""
    service.execution("Executing")
    async with shared_connection(SETTINGS) as first, shared_connection(SETTINGS) as second:
        hooks = await asyncio.gather(*(each.run(lambda hook: hook) for each in (first, second, first)))
        assert len({id(hook) for hook in hooks}) == 1
        assert await first.run(status) == "Executing"


async def test_other_settings_have_another_hook(service):
    """Another region has a hook of its own."""
    async with (
        shared_connection(SETTINGS) as first,
        shared_connection(AwsConnection("aws_default", "eu-west-1")) as second,
    ):
        assert await first.run(lambda hook: hook.region_name) == "us-east-1"
        assert await second.run(lambda hook: hook.region_name) == "eu-west-1"


async def test_clients_outlive_a_pause(service):
    """Between the steps of an execution nobody waits for a moment; the clients are kept for the next."""
    async with shared_connection(SETTINGS) as connection:
        first = await connection.run(lambda hook: hook)
    async with shared_connection(SETTINGS) as connection:
        assert await connection.run(lambda hook: hook) is first


async def test_clients_not_used_are_dropped(service, monkeypatch):
    """After a while without users the clients are dropped, when the next connection is asked for."""
    async with shared_connection(SETTINGS) as connection:
        first = await connection.run(lambda hook: hook)
    monkeypatch.setattr(connections, "KEPT_FOR", -1.0)
    async with shared_connection(SETTINGS) as connection:
        assert await connection.run(lambda hook: hook) is not first


@pytest.mark.parametrize(("change", "kept"), [(False, True), (True, False)])
async def test_a_changed_connection_is_noticed(service, monkeypatch, change, kept):
    """A new user reads the connection again: a changed one makes new clients, an unchanged one keeps them."""
    monkeypatch.setattr(connections, "KNOWN_FOR", -1.0)
    async with shared_connection(SETTINGS) as connection:
        first = await connection.run(lambda hook: hook)
        if change:
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection_json(service.url, s3="http://127.0.0.1:9"))
        async with shared_connection(SETTINGS) as again:
            assert (await again.run(lambda hook: hook) is first) is kept


async def test_a_connection_that_vanished_keeps_its_waiters(service, monkeypatch):
    """A connection that cannot be read any more goes on with the clients there are."""
    settings = AwsConnection("aws_other", "us-east-1")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_OTHER", connection_json(service.url))
    monkeypatch.setattr(connections, "KNOWN_FOR", -1.0)
    service.execution("Executing")
    async with shared_connection(settings):
        monkeypatch.delenv("AIRFLOW_CONN_AWS_OTHER")
        async with shared_connection(settings) as again:
            assert await again.run(status) == "Executing"


async def test_a_missing_connection_fails_at_once():
    """A connection that does not exist fails everyone who asks for it."""
    with pytest.raises(SageMakerServiceError, match="there is no Airflow connection 'aws_missing'"):
        async with shared_connection(AwsConnection("aws_missing", None)):
            pytest.fail("there is nothing to use")


async def test_expired_credentials_are_read_again(service, monkeypatch):
    """Expired credentials are read from the connection once more before anything fails."""
    service.execution("Executing")
    service.answers["DescribePipelineExecution"].insert(0, EXPIRED)
    async with shared_connection(SETTINGS) as connection:
        before = await connection.run(lambda hook: hook)
        assert await connection.run(status) == "Executing"
        assert await connection.run(lambda hook: hook) is not before
    assert service.count("DescribePipelineExecution") == 2


async def test_credentials_that_stay_expired(service):
    """Credentials that are still expired after they were read again fail, in the service's words."""
    service.answers["DescribePipelineExecution"] = [EXPIRED]
    async with shared_connection(SETTINGS) as connection:
        with pytest.raises(SageMakerServiceError, match="ExpiredTokenException: The security token"):
            await connection.run(status)
    assert service.count("DescribePipelineExecution") == 2


async def test_users_who_fail_together_read_again_once(service, monkeypatch):
    """Users whose credentials expire together share the hook that is made instead."""
    service.execution("Executing")
    service.answers["DescribePipelineExecution"][:0] = [EXPIRED] * 3
    async with shared_connection(SETTINGS) as connection:
        before = await connection.run(lambda hook: hook)
        used: list[object] = []

        def look(hook) -> str:
            used.append(hook)
            return status(hook)

        assert await asyncio.gather(*(connection.run(look) for _ in range(3))) == ["Executing"] * 3
    assert len({id(hook) for hook in used if hook is not before}) == 1


async def test_persisting_through_trouble(service):
    """A call goes on through throttling and server errors, telling of each, until it works."""
    throttled = Refusal("ThrottlingException", "Rate exceeded")
    service.execution("Executing")
    service.answers["DescribePipelineExecution"][:0] = [throttled, Refusal("InternalFailure", "sorry", 500)]
    told: list[str | None] = []
    async with shared_connection(SETTINGS) as connection:
        pace = Pace(longest=0.01)
        assert await connection.persist(status, pace, lambda error: told.append(error.code)) == "Executing"
    assert told == ["ThrottlingException", "InternalFailure"]


async def test_persisting_ends_when_refused(service):
    """A refusal that will not pass ends the attempts at once."""
    service.answers["DescribePipelineExecution"] = [Refusal("AccessDeniedException", "no")]
    async with shared_connection(SETTINGS) as connection:
        with pytest.raises(SageMakerServiceError, match="AccessDeniedException: no"):
            await connection.persist(status, Pace(longest=0.01), lambda _: pytest.fail("no trouble"))
    assert service.count("DescribePipelineExecution") == 1


def test_each_event_loop_has_its_own(service):
    """Event loops share nothing, and a closed one leaves nothing behind."""
    service.execution("Executing")

    async def use() -> str:
        async with shared_connection(SETTINGS) as connection:
            return await connection.run(status)

    assert [asyncio.run(use()) for _ in range(3)] == ["Executing"] * 3
    assert len([loop for loop in connections._connections if loop.is_closed()]) <= 1
