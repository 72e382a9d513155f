"""An Airflow as it runs in production: PostgreSQL, Redis, the CeleryExecutor, and two of each that there may be two of."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from celery import Celery

from airflow_sm_pipelines.serving.processes import end_with_parent
from harness.services import running_postgres, running_redis
from tests.live.conftest import BUNDLES, run_examples, running

OWN_DAGS = {"celery-tests": Path(__file__).parent / "dags"}
TWO = {"schedulers": 2, "triggerers": 2, "celery_workers": 2}


def pytest_configure():
    """End in good order when the guard of this process is gone, or says so: its components end with the fixtures."""
    signal.signal(signal.SIGTERM, _interrupt)
    end_with_parent()


def _interrupt(number, frame):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


class Celerys:
    """What Celery itself says of the workers.

    :param broker: its address.
    """

    def __init__(self, broker):
        self._app = Celery(broker=broker)

    def workers(self):
        """Return the names of the workers that answer."""
        return {name.partition("@")[2] for answer in self._app.control.ping(timeout=2) for name in answer}

    def tasks_run(self):
        """Return how many tasks Celery's workers have taken since they started, by worker."""
        return {
            name.partition("@")[2]: sum(stats["total"].values())
            for name, stats in self._app.control.inspect(timeout=5).stats().items()
        }


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    directory = tmp_path_factory.mktemp("celery")
    stack_directory, logs = directory / "stack", directory / "servers"
    stack_directory.mkdir()
    logs.mkdir()
    with running_postgres(logs) as database, running_redis(logs) as broker:
        settings = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database.replace("postgresql:", "postgresql+psycopg2:"),
            "AIRFLOW__CELERY__BROKER_URL": broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
            "AIRFLOW__CORE__PARALLELISM": "16",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "15",
        }
        with running(stack_directory, {**BUNDLES, **OWN_DAGS}, settings, **TWO) as live:
            live.celery = Celerys(broker)
            await_two_of_each(live)
            yield live


def await_two_of_each(live):
    """Wait until two schedulers, two triggerers and two workers are at work."""
    names = {worker.name for worker in live.stack.workers}

    def there():
        jobs = {kind: live.api.jobs_alive(f"{kind}Job") for kind in ("Scheduler", "Triggerer")}
        return jobs == {"Scheduler": 2, "Triggerer": 2} and live.celery.workers() == names

    live.await_that(there, "two of each component")


@pytest.fixture(scope="session")
def example_runs(live):
    return run_examples(live)
