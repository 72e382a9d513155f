"""What the demo does and what must come out: data arrives, a model is trained, and one is found wanting."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_sm_pipelines.serving.stack import USER
from harness.airflow_api import AirflowApi, AirflowApiError, DagRun, TaskInstance

if TYPE_CHECKING:
    from demo.report import Report
    from harness.components import Stack

BUCKET = "example-ml"
APPROVAL_QUEUE = "example-approval"
INGEST, TRAIN = "example_ingest", "example_train"
GROUP = "breast_cancer"
UNREACHABLE_ACCURACY = 0.999
SECONDS_PER_RUN = 300.0
SECONDS_TO_PARSE = 120.0

REGISTERED = {
    f"{GROUP}.launch": "success",
    f"{GROUP}.prepare": "success",
    f"{GROUP}.train": "success",
    f"{GROUP}.evaluate": "success",
    f"{GROUP}.good_enough": "success",
    f"{GROUP}.register": "success",
    f"{GROUP}.reject": "skipped",
    "announce_registered": "success",
    "announce_rejected": "skipped",
    "publish": "success",
}
REJECTED = {
    **REGISTERED,
    f"{GROUP}.register": "skipped",
    f"{GROUP}.reject": "failed",
    "announce_registered": "skipped",
    "announce_rejected": "success",
    "publish": "upstream_failed",
}


class UnexpectedEndError(Exception):
    """A Dag run did not end as it should have."""


@dataclass(frozen=True)
class Expectation:
    """How a run must end.

    :param state: of the Dag run.
    :param tasks: the state of every task.
    """

    state: str
    tasks: dict[str, str]

    def require(self, run: DagRun, tasks: list[TaskInstance]) -> None:
        """Compare.

        :raises UnexpectedEndError: naming every task that differs.
        """
        states = {task.task_id: task.state for task in tasks}
        differing = [
            f"  {task_id}: {states.get(task_id)} instead of {self.tasks.get(task_id)}"
            for task_id in sorted({*states, *self.tasks})
            if states.get(task_id) != self.tasks.get(task_id)
        ]
        if run.state != self.state:
            differing.insert(0, f"  the run: {run.state} instead of {self.state}")
        if differing:
            raise UnexpectedEndError(
                "\n".join([f"{run.dag_id}, run {run.run_id}, did not end as it should:", *differing])
            )


class Scenario:
    """The demo's Dag runs, one after another.

    :param stack: running.
    :param report: told everything.
    """

    def __init__(self, stack: Stack, report: Report) -> None:
        self._stack = stack
        self._report = report
        self._api = AirflowApi(stack.airflow_url, USER, stack.password)
        self._finished: list[tuple[DagRun, list[TaskInstance]]] = []

    def run(self) -> DagRun:
        """Run it all.

        :return: the run that registered a model.
        :raises UnexpectedEndError: a Dag did not end as it should.
        :raises AirflowApiError: Airflow refused something, or took too long.
        :raises ComponentError: a component ended.
        """
        try:
            return self._run()
        finally:
            self._api.close()

    def _run(self) -> DagRun:
        self._stack.client("s3").create_bucket(Bucket=BUCKET)
        # For whoever triggers example_approval.
        self._stack.client("sqs").create_queue(QueueName=APPROVAL_QUEUE)
        self._api.wait_for_dags({INGEST, TRAIN}, SECONDS_TO_PARSE, self._stack.require_running)

        self._report.headline("Data arrives: example_ingest writes it to S3 and emits an Asset")
        self._finish(self._api.trigger(INGEST), Expectation("success", {"write_raw_data": "success"}))

        self._report.headline("The Asset starts example_train; the model must have an accuracy of 0.9")
        registered = self._started_by_asset(TRAIN)
        self._finish(registered, Expectation("success", REGISTERED))

        self._report.headline(f"Once more, and now the accuracy must be {UNREACHABLE_ACCURACY}")
        rejected = self._api.trigger(TRAIN, {"min_accuracy": UNREACHABLE_ACCURACY})
        self._finish(rejected, Expectation("failed", REJECTED))

        self._report.headline("What came out")
        self._report.tasks(self._finished)
        self._report.metrics(self._metrics(registered), registered)
        self._report.registered_model(self._require(registered, f"{GROUP}.register", "step_report")["job_arn"])
        self._report.failure(rejected, f"{GROUP}.reject", self._api.errors(rejected, f"{GROUP}.reject"))
        return registered

    def _started_by_asset(self, dag_id: str) -> DagRun:
        deadline = time.monotonic() + SECONDS_PER_RUN
        while not (runs := self._api.dag_runs(dag_id)):
            if time.monotonic() > deadline:
                raise AirflowApiError(f"The Asset started no run of {dag_id} within {SECONDS_PER_RUN:.0f} s.")
            self._stack.require_running()
            time.sleep(0.5)
        return runs[0]

    def _finish(self, run: DagRun, expectation: Expectation) -> None:
        """Follow a run to its end, show it, and compare it with what it should be."""
        for task in self._api.follow(run, SECONDS_PER_RUN, self._stack.require_running):
            self._report.task_state(run, task)
        run = self._api.dag_run(run)
        tasks = self._api.task_instances(run)
        self._finished.append((run, tasks))
        self._report.finished_run(run)
        try:
            expectation.require(run, tasks)
        except UnexpectedEndError:
            self._report.tasks(self._finished)
            for task in tasks:
                if task.state == "failed" and expectation.tasks.get(task.task_id) != "failed":
                    self._report.failure(run, task.task_id, self._api.errors(run, task.task_id, task.try_number))
            raise

    def _metrics(self, run: DagRun) -> dict[str, Any]:
        metrics: dict[str, Any] = self._require(run, f"{GROUP}.evaluate", "property_files")["metrics"]
        return metrics

    def _require(self, run: DagRun, task_id: str, key: str) -> Any:
        value = self._api.xcom(run, task_id, key)
        if value is None:
            raise UnexpectedEndError(f"{run.dag_id}, run {run.run_id}: {task_id} left no XCom '{key}'.")
        return value
