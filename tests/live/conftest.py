"""One Airflow and one local endpoint for all live tests, out of the demo's components."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from demo.airflow_api import AirflowApi, DagRun
from demo.components import LOOPBACK, USER, Stack

CLONE = Path(__file__).parent.parent.parent
BUNDLES = {"examples": CLONE / "dags", "live-tests": Path(__file__).parent / "dags"}
BUCKET = "example-ml"


class Live:
    """The running stack, and the few things tests do with it.

    :param stack: the components.
    :param api: Airflow's REST API, logged in.
    """

    def __init__(self, stack: Stack, api: AirflowApi) -> None:
        self.stack = stack
        self.api = api

    def follow(self, run):
        """Wait for a Dag run's end and return it."""
        for _ in self.api.follow(run, 300, self.stack.require_running):
            pass
        return self.api.dag_run(run)

    def run(self, dag_id, conf=None):
        """Run a Dag to its end and return the run."""
        return self.follow(self.api.trigger(dag_id, conf))

    def states(self, run):
        """Return the state of every task of a run."""
        return {task.task_id: task.state for task in self.api.task_instances(run)}


@pytest.fixture(scope="session")
def live(tmp_path_factory):
    directory = tmp_path_factory.mktemp("live")
    bundles = [
        {
            "name": name,
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path)},
        }
        for name, path in BUNDLES.items()
    ]
    stack = Stack(
        directory,
        BUNDLES["examples"],
        {
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
            "AIRFLOW_CONN_NOBODY_LISTENS": json.dumps(
                {
                    "conn_type": "aws",
                    "login": "local",
                    "password": "local",
                    "extra": {"region_name": "us-east-1", "endpoint_url": f"http://{LOOPBACK}:9"},
                }
            ),
        },
    )
    with stack.running(print):
        stack.client("s3").create_bucket(Bucket=BUCKET)
        api = AirflowApi(stack.airflow_url, USER, stack.password)
        api.wait_for_dags(
            {"example_ingest", "example_train", "failing_script", "wrong_role"}, 120, stack.require_running
        )
        yield Live(stack, api)
        api.close()


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
