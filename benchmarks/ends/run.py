"""Runs the Dags on the live set-up, and looks when steps and tasks ended."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.serving.stack import USER
from harness.airflow_api import ENDED, SECONDS_BETWEEN_LOOKS, AirflowApi, AirflowApiError, DagRun
from harness.components import Stack

HERE = Path(__file__).parent
OURS, PLAIN = "ours", "plain"
SECONDS_TO_RUN = 900
STEPS = 3
"""Of each of the Dag runs at once."""


@dataclass(frozen=True)
class Size:
    """How much is run.

    :param runs: Dag runs of three steps at once.
    :param width: steps of the wide pipeline.
    :param length: jobs one after the other.
    """

    runs: int = 30
    width: int = 300
    length: int = 10


@dataclass(frozen=True)
class Ends:
    """What one side took, in seconds.

    :param latencies: from the end of each step to that of its task, in Dag runs at once.
    :param wide: the Dag run of the wide pipeline.
    :param wide_execution: the execution of it; 0 where there is none.
    :param row: the Dag run of jobs one after the other.
    :param row_execution: the execution of it; 0 where there is none.
    """

    latencies: list[float]
    wide: float
    wide_execution: float
    row: float
    row_execution: float


def quantile(values: Iterable[float], part: float) -> float:
    """Return the value that a part of all values do not exceed.

    :param values: at least one.
    :param part: from 0 to 1.
    """
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(part * len(ordered)) - 1))]


class Bench:
    """Runs the Dags of both sides.

    :param stack: running.
    :param size: how much is run.
    :param go: the file that Airflow's own tasks wait for.
    :param report: told what happens.
    """

    def __init__(self, stack: Stack, size: Size, go: Path, report: Callable[[str], None]) -> None:
        self._stack, self._size, self._go, self._report = stack, size, go, report
        stack.client("s3").create_bucket(Bucket="example-ml")
        self._sqs, self._sagemaker = stack.client("sqs"), stack.client("sagemaker")
        self._queue = self._sqs.create_queue(QueueName="answers")["QueueUrl"]
        self._api = AirflowApi(stack.airflow_url, USER, stack.password)
        dag_ids = {f"{graph}_{side}" for graph in ("runs", "wide", "row") for side in (OURS, PLAIN)}
        self._api.wait_for_dags(dag_ids, 180, stack.require_running)

    def run(self) -> dict[str, Ends]:
        """Run one Dag after the other; both sides of a graph follow each other."""
        # The first of everything takes longer: a triggerer makes its API, and its clients, when they are first used.
        self._runs_of_steps(1)
        self._runs_of_tasks(1)
        at_once = {OURS: self._runs_of_steps(self._size.runs), PLAIN: self._runs_of_tasks(self._size.runs)}
        row = {side: self._whole_run(f"row_{side}") for side in (OURS, PLAIN)}
        wide = {side: self._whole_run(f"wide_{side}") for side in (OURS, PLAIN)}
        return {side: Ends(at_once[side], *wide[side], *row[side]) for side in (OURS, PLAIN)}

    def _runs_of_steps(self, count: int) -> list[float]:
        runs = [self._api.trigger("runs_ours") for _ in range(count)]
        tokens = self._tokens(STEPS * count)
        self._await(lambda: all(self._deferred(run) for run in runs), "the triggers of all steps")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self._succeed, tokens))
        latencies = []
        for run in runs:
            self._to_the_end(run)
            steps = self._steps(run)
            latencies += [
                (at - steps[task]["EndTime"]).total_seconds() for task, at in self._ends(run).items() if task in steps
            ]
        return self._reported("runs_ours", latencies)

    def _runs_of_tasks(self, count: int) -> list[float]:
        self._go.unlink(missing_ok=True)
        runs = [self._api.trigger("runs_plain") for _ in range(count)]
        self._await(lambda: all(self._deferred(run) for run in runs), "all triggers")
        began = datetime.now(timezone.utc)
        self._go.touch()
        for run in runs:
            self._to_the_end(run)
        latencies = [(at - began).total_seconds() for run in runs for at in self._ends(run).values()]
        return self._reported("runs_plain", latencies)

    def _whole_run(self, dag_id: str) -> tuple[float, float]:
        run = self._api.trigger(dag_id)
        self._to_the_end(run)
        steps = self._steps(run) if dag_id.endswith(OURS) else {}
        began = min((step["StartTime"] for step in steps.values()), default=None)
        ended = max((step["EndTime"] for step in steps.values()), default=None)
        took = 0.0 if began is None else (ended - began).total_seconds()
        seconds = self._api.run_seconds(run)
        self._report(f"{dag_id}: {seconds:.1f} s, its execution {took:.1f} s")
        return seconds, took

    def _tokens(self, count: int) -> list[str]:
        tokens: list[str] = []

        def all_there() -> bool:
            found = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=1, MaxNumberOfMessages=10)
            for message in found.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
                tokens.append(json.loads(message["Body"])["token"])
            return len(tokens) == count

        self._await(all_there, f"{count} steps that wait for their answer")
        return tokens

    def _succeed(self, token: str) -> None:
        self._sagemaker.send_pipeline_execution_step_success(CallbackToken=token)

    def _deferred(self, run: DagRun) -> bool:
        return sum(task.state == "deferred" for task in self._api.task_instances(run)) == STEPS

    def _to_the_end(self, run: DagRun) -> None:
        self._await(lambda: self._api.dag_run(run).state in ENDED, f"the end of {run}")
        if (state := self._api.dag_run(run).state) != "success":
            raise AirflowApiError(f"{run} ended {state}; logs are in {self._stack.directory / 'logs'}")

    def _ends(self, run: DagRun) -> dict[str, datetime]:
        tasks = self._api.task_instances(run)
        return {task.task_id.rpartition(".")[2]: task.ended for task in tasks if task.ended is not None}

    def _steps(self, run: DagRun) -> dict[str, Any]:
        arn = self._api.xcom(run, "pipeline.launch", "return_value")
        pages = self._sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
        return {step["StepName"]: step for page in pages for step in page["PipelineExecutionSteps"]}

    def _await(self, happened: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + SECONDS_TO_RUN
        while not happened():
            if time.monotonic() > deadline:
                raise AirflowApiError(f"Waited for {what} for {SECONDS_TO_RUN} s; logs are in {self._stack.directory}")
            self._stack.require_running()
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _reported(self, what: str, latencies: list[float]) -> list[float]:
        median, late = statistics.median(latencies), quantile(latencies, 0.95)
        self._report(f"{what}: {len(latencies)} ends, median {median:.1f} s, 95 % within {late:.1f} s")
        return latencies


def run_both(directory: Path, size: Size, report: Callable[[str], None]) -> dict[str, Ends]:
    """Start Airflow and the local endpoint, run all Dags, stop everything.

    :param directory: for everything that is written.
    :param size: how much is run.
    :param report: told what happens.
    :raises AirflowApiError: when a run does not succeed.
    """
    go = directory / "go"
    settings = {f"BENCHMARK_{name.upper()}": str(value) for name, value in vars(size).items()}
    settings |= {"BENCHMARK_FILE": str(go), "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "120"}
    stack = Stack(directory, HERE / "dags", settings)
    with stack.running(report):
        return Bench(stack, size, go, report).run()
