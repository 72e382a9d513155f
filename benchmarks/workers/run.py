"""Runs the Dags on the live set-up and counts what their tasks had of the workers."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from airflow_sm_pipelines.serving.stack import USER
from harness.airflow_api import AirflowApi, AirflowApiError, Event
from harness.components import Stack

DAGS = Path(__file__).parent / "dags"
OURS, TOLD, FAILING, AMAZON = "steps_ours", "steps_told", "steps_failing", "steps_amazon"
ENDS = {OURS: "success", TOLD: "success", FAILING: "failed", AMAZON: "success"}
"""How the Dag runs end."""
SECONDS_TO_RUN = 900

_STARTED = "running"
"""What Airflow's API server notes down when a task's process reports itself; anything after it ends its slot."""
_ENDED = frozenset({"success", "failed", "skipped", "deferred", "up_for_retry", "up_for_reschedule"})


@dataclass(frozen=True)
class WorkerUse:
    """What a Dag run had of the workers.

    :param process_starts: how often a worker started a process for a task.
    :param slot_seconds: how long these processes had work, from their first report to the one that ended it.
    :param seconds: how long the Dag run took.
    """

    process_starts: int
    slot_seconds: float
    seconds: float


def worker_use(events: Iterable[Event], seconds: float) -> WorkerUse:
    """Add up what the tasks of a run had.

    :param events: what Airflow noted down about its tasks.
    :param seconds: how long the run took.
    :raises ValueError: when a process started whose end was not noted down.
    """
    starts, slot_seconds = 0, 0.0
    by_task = sorted(events, key=lambda event: (event.task_id, event.when))
    for task_id, group in itertools.groupby(by_task, key=lambda event: event.task_id):
        began: datetime | None = None
        for event in group:
            if event.name == _STARTED:
                starts, began = starts + 1, event.when
            elif event.name in _ENDED and began is not None:
                slot_seconds += (event.when - began).total_seconds()
                began = None
        if began is not None:
            raise ValueError(f"the process that task {task_id} started at {began} never reported an end")
    return WorkerUse(starts, slot_seconds, seconds)


def run_all(directory: Path, steps: int, report: Callable[[str], None]) -> dict[str, WorkerUse]:
    """Start Airflow and the local endpoint, run one Dag after the other, stop everything.

    :param directory: for everything that is written.
    :param steps: how many jobs, one after the other.
    :param report: told what happens.
    :raises AirflowApiError: when a run ends otherwise than it is to.
    """
    stack = Stack(directory, DAGS, {"BENCHMARK_STEPS": str(steps)})
    with stack.running(report):
        stack.client("s3").create_bucket(Bucket="example-ml")
        api = AirflowApi(stack.airflow_url, USER, stack.password)
        api.wait_for_dags(set(ENDS), 120, stack.require_running)
        return {dag_id: _run(api, dag_id, stack, report) for dag_id in ENDS}


def _run(api: AirflowApi, dag_id: str, stack: Stack, report: Callable[[str], None]) -> WorkerUse:
    began = time.monotonic()
    run = api.trigger(dag_id)
    for task in api.follow(run, SECONDS_TO_RUN, stack.require_running):
        report(f"{dag_id}: {task.task_id} is {task.state}")
    run = api.dag_run(run)
    if run.state != ENDS[dag_id]:
        raise AirflowApiError(f"{dag_id} ended {run.state}; logs are in {stack.directory / 'logs'}")
    return worker_use(api.events(run), time.monotonic() - began)
