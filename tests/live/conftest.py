"""One Airflow and one local endpoint for all live tests, out of the demo's components."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from airflow_sm_pipelines.compatibility.triggerer import TELLS_OF_KILLS
from airflow_sm_pipelines.compatibility.version import TASKS_LIVE_IN_TRIGGERER
from airflow_sm_pipelines.serving.stack import LOOPBACK, SECRET_KEY, USER
from harness.airflow_api import ENDED, SECONDS_BETWEEN_LOOKS, AirflowApi, DagRun
from harness.components import Stack
from tests.faults.proxy import serve
from tests.iam import lacking, operation_of
from tests.live.answers import Answers

CLONE = Path(__file__).parent.parent.parent
BUNDLES = {"examples": CLONE / "dags", "live-tests": Path(__file__).parent / "dags"}
BUCKET = "example-ml"
SECONDS = 300
STRANGER = "stranger"
"""A user of Airflow who may see nothing."""
SECRETS = {
    "password": "pass-0b7e1c55d2",
    "extra": "extra-93c0a6f41b",
    "token": "token-5dd8e07a9c",
    "json": "json-c41f7720ee",
    "argument": "argument-7b3d9912af",
}
"""What the jobs of the Dag "secrets" are given, and what nobody is to find in Airflow."""
PRICES = {"currency": "USD", "per_hour": {"processing": {"ml.m5.large": 36.0}}}
"""Of instances, as pages show them: a cent for each second of processing, and nothing is known of training."""
HEARTBEATS = {
    # A killed worker is noticed by its silence, after five minutes by default; a killed triggerer after half a minute.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
}
SECRETS_OF_AIRFLOW = {
    "AIRFLOW_CONN_SECRETS_DB": json.dumps(
        {
            "conn_type": "postgres",
            "login": "trainer",
            "password": SECRETS["password"],
            "extra": {"api_key": SECRETS["extra"]},
        }
    ),
    "AIRFLOW_VAR_SECRETS_TOKEN": SECRETS["token"],
    "AIRFLOW_VAR_SECRETS_JSON": json.dumps({"password": SECRETS["json"]}),
    "AIRFLOW_VAR_SECRETS_API_KEY": SECRETS["argument"],
}


class Live:
    """The running stack, and the few things tests do with it.

    :param stack: the components.
    :param api: Airflow's REST API, logged in.
    :param proxy: what Airflow's calls to the endpoint go through; the tests' own do not.
    """

    def __init__(self, stack, api, proxy) -> None:
        self.stack = stack
        self.api = api
        self.proxy = proxy
        self.sagemaker = stack.client("sagemaker")
        self.answers = Answers(stack.client("sqs"), self.sagemaker)

    def follow(self, run):
        """Wait for a Dag run's end and return it."""
        for _ in self.api.follow(run, SECONDS, self.stack.require_running):
            pass
        return self.api.dag_run(run)

    def run(self, dag_id, conf=None):
        """Run a Dag to its end and return the run."""
        return self.follow(self.start(dag_id, conf))

    def start(self, dag_id, conf=None):
        """Start a run of a Dag, once Airflow knows it, and return the run."""
        self.api.wait_for_dags({dag_id}, SECONDS, self.stack.require_running)
        return self.api.trigger(dag_id, conf)

    def await_states(self, run, **expected):
        """Wait until tasks, named without their group, are in the states given; fail when the run ends before."""

        def reached():
            states = {task_id.rpartition(".")[2]: state for task_id, state in self.states(run).items()}
            return expected.items() <= states.items()

        self.await_that(reached, f"the states {expected} of {run}", run)

    def processes(self, run, task_id):
        """Return the process that runs a task, once it does, and the worker process that watches over it."""
        self.await_that(lambda: self.states(run).get(task_id) == "running", f"the start of {task_id}", run)

        def pid():
            [task] = [task for task in self.api.task_instances(run) if task.task_id == task_id]
            return task.pid

        self.await_that(lambda: pid() is not None, f"the process of {task_id}", run)
        task = psutil.Process(pid())
        return task, task.parent()

    def await_following(self, run, step):
        """Wait until the trigger of a step's task has seen the step run."""
        seen = f"Step '{step}' is Executing"
        task_id = f"group.{step}"
        self.await_that(
            lambda: seen in [record["event"] for record in self.api.log(run, task_id)],
            f"the trigger of {step} in {run}",
            run,
        )

    def await_that(self, happened, what, run=None):
        """Look at Airflow until something has happened: its API offers nothing to wait for.

        What is to happen in a run happens before its end.
        """
        deadline = time.monotonic() + SECONDS
        over = False
        while not happened():
            assert not over, f"Waited for {what}, but the run has ended: {self.states(run)}"
            assert time.monotonic() < deadline, f"Waited for {what} for {SECONDS} s."
            self.stack.require_running()
            over = run is not None and self.api.dag_run(run).state in ENDED
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def await_execution(self, run, group="group"):
        """Wait for the ARN of the execution that a run's launch task started."""
        self.await_that(lambda: self.execution(run, group) is not None, f"the launch of {run}", run)
        return self.execution(run, group)

    def execution(self, run, group="group"):
        """Return the ARN of the execution that a run's launch task started, or ``None`` before that."""
        return self.api.xcom(run, f"{group}.launch", "return_value")

    def executions(self, pipeline):
        """Return the status of all executions of a pipeline by ARN."""
        found = self.sagemaker.list_pipeline_executions(PipelineName=pipeline)
        return {
            each["PipelineExecutionArn"]: each["PipelineExecutionStatus"]
            for each in found["PipelineExecutionSummaries"]
        }

    def steps(self, arn):
        """Return the status of all steps of an execution that have started."""
        pages = self.sagemaker.get_paginator("list_pipeline_execution_steps")
        return {
            step["StepName"]: step["StepStatus"]
            for page in pages.paginate(PipelineExecutionArn=arn)
            for step in page["PipelineExecutionSteps"]
        }

    def await_killed_trigger(self, run, task_id, try_number=1):
        """Wait until Airflow has cancelled a trigger of a task as if a person had asked for it, and it is gone."""

        def gone():
            events = [record["event"] for record in self.api.log(run, task_id, try_number)]
            cancelled = "Trigger cancelled by user action, invoking on_kill"
            return (cancelled in events or not TELLS_OF_KILLS) and "trigger completed" in events

        self.await_that(gone, f"the end of a cancelled trigger of {task_id} in {run}")

    def tries(self, run):
        """Return the number of the latest try of every task that had one."""
        return {task.task_id: task.try_number for task in self.api.task_instances(run) if task.try_number}

    def printed(self, run, task_id, try_number=1, map_index=-1):
        """Return what a task, and its callbacks, printed; Airflow 3.0 marks that otherwise than later versions."""
        return [
            record["event"]
            for record in self.api.log(run, task_id, try_number, map_index)
            if record.get("logger") == "task.stdout" or record.get("chan") == "stdout"
        ]

    def states(self, run):
        """Return the state of every task of a run."""
        return {task.task_id: task.state for task in self.api.task_instances(run)}


@contextmanager
def running(directory, bundles=BUNDLES, settings=None, **components):
    """Run an Airflow, with a proxy between it and its endpoint, until the block ends; give its :class:`Live`.

    :param directory: for everything that is written.
    :param bundles: where its Dags are, by the names of their bundles.
    :param settings: further Airflow settings.
    :param components: how many of each, as :class:`~harness.components.Stack` says.
    """
    local = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path)},
        }
        for name, path in bundles.items()
    ]
    with serve() as proxy:
        stack = Stack(
            directory,
            bundles["examples"],
            {
                **HEARTBEATS,
                **SECRETS_OF_AIRFLOW,
                "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(local),
                **(settings or {}),
            },
            aws_url=proxy.url,
            **components,
        )
        proxy.forward_to(stack.endpoint_url)
        with stack.running(print):
            stack.client("s3").create_bucket(Bucket=BUCKET)
            api = AirflowApi(stack.airflow_url, USER, stack.password)
            yield Live(stack, api, proxy)
            api.close()
        calls = [operation_of(call.operation, call.request) for call in proxy.calls()]
        missing = lacking("airflow", calls)
        assert missing == [], f"iam/airflow.json does not allow what Airflow called: {missing}"


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    nobody_listens = {
        "conn_type": "aws",
        "login": "local",
        "password": SECRET_KEY,
        "extra": {"region_name": "us-east-1", "endpoint_url": f"http://{LOOPBACK}:9"},
    }
    prices = tmp_path_factory.mktemp("prices") / "prices.json"
    prices.write_text(json.dumps(PRICES))
    settings = {
        "AIRFLOW_CONN_NOBODY_LISTENS": json.dumps(nobody_listens),
        "AIRFLOW__SAGEMAKER_PIPELINES__PRICES": str(prices),
        # Airflow makes the password of a user who has none, and writes it beside the others.
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin,{STRANGER}:",
    }
    if not TASKS_LIVE_IN_TRIGGERER:
        # Each step begins on a worker, also while the Airflow tasks in the middle of four pipelines have one each.
        settings["AIRFLOW__CORE__PARALLELISM"] = "8"
    with running(tmp_path_factory.mktemp("live"), settings=settings) as live:
        live.api.wait_for_dags(
            {"example_ingest", "example_train", "failing_script", "missing_bucket"}, 120, live.stack.require_running
        )
        yield live


@dataclass(frozen=True)
class ExampleRuns:
    """Both runs of example_train, and what the service had right after them.

    :param registered: the run that ingest's Asset started.
    :param rejected: the run whose threshold is out of reach; it ran at the same time.
    :param executions: the status of every execution by its ARN.
    :param model_package_arns: everything in the model registry.
    """

    registered: DagRun
    rejected: DagRun
    executions: dict[str, str]
    model_package_arns: list[str]


@pytest.fixture(scope="session")
def example_runs(live):
    return run_examples(live)


def run_examples(live):
    """Run the example Dags to their ends."""
    live.api.wait_for_dags({"example_ingest", "example_train"}, SECONDS, live.stack.require_running)
    assert live.run("example_ingest").state == "success"
    rejected = live.follow(live.api.trigger("example_train", {"min_accuracy": 0.999}))
    [registered] = [run for run in live.api.dag_runs("example_train") if run.run_id != rejected.run_id]
    registered = live.follow(registered)
    sagemaker = live.stack.client("sagemaker")
    executions = sagemaker.list_pipeline_executions(PipelineName="breast-cancer")["PipelineExecutionSummaries"]
    packages = sagemaker.list_model_packages(ModelPackageGroupName="breast-cancer")["ModelPackageSummaryList"]
    return ExampleRuns(
        registered=registered,
        rejected=rejected,
        executions={each["PipelineExecutionArn"]: each["PipelineExecutionStatus"] for each in executions},
        model_package_arns=[package["ModelPackageArn"] for package in packages],
    )
