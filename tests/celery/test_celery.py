"""What this Airflow is made of: Celery runs what needs a worker, and the servers leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from airflow_sm_pipelines.serving.processes import ComponentError
from harness.services import running_postgres, running_redis


def test_celery_runs_the_launch_and_no_more(live):
    """A worker launches; the step's task starts, waits and ends in a triggerer."""
    before = live.celery.tasks_run()
    run = live.start("answer_lost")
    live.answers.succeed(live.await_execution(run), "step")
    run = live.follow(run)
    after = live.celery.tasks_run()

    assert (run.state, live.states(run)) == ("success", {"group.launch": "success", "group.step": "success"})
    assert sum(after.values()) - sum(before.values()) == 1


def servers(name):
    """The servers of a program that this process started."""
    return [each.pid for each in psutil.Process().children() if each.name() == name]


def test_postgres_is_there_for_a_block_only(tmp_path):
    """It takes the password of its address and no other; its processes and its data are gone when the block is over."""
    before = servers("postgres")
    with running_postgres(tmp_path) as address:
        connection = psycopg2.connect(address)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, current_setting('listen_addresses'), current_setting('data_directory')"
            )
            [(user, interface, data)] = cursor.fetchall()
        connection.close()
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            psycopg2.connect(address, password="guessed")
        there = Path(data).exists()

    assert (user, interface, there) == ("airflow", "127.0.0.1", True)
    assert not Path(data).exists()
    assert servers("postgres") == before


def test_redis_is_there_for_a_block_only(tmp_path):
    """It takes the password of its address and no other, and keeps nothing on the disk."""
    before = servers("redis-server")
    with running_redis(tmp_path) as address, redis.Redis.from_url(address) as client:
        client.set("key", "value")
        bound = client.config_get("bind")
        port = client.connection_pool.connection_kwargs["port"]
        with redis.Redis(port=port, password="guessed") as stranger, pytest.raises(redis.AuthenticationError):
            stranger.get("key")

    assert bound == {"bind": "127.0.0.1"}
    assert servers("redis-server") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["redis.conf", "redis.log"]


def test_a_missing_server_is_named_with_its_package(tmp_path, monkeypatch):
    """Setup installs it where it may; else the message says what to do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ComponentError) as caught, running_redis(tmp_path):
        pass
    assert str(caught.value) == (
        "There is no program redis-server on this machine. On Debian: apt-get install redis-server"
    )
