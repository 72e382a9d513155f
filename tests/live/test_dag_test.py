"""``dag.test()``: the same Dags in one process, for their authors. It knows neither triggerer nor end events."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from airflow_sm_pipelines.serving.stack import airflow_home
from demo.scenario import REGISTERED, REJECTED

PROGRAM = """
import json
import example_train
endings = {}
for min_accuracy in (0.9, 0.999):
    run = example_train.training.test(run_conf={"min_accuracy": min_accuracy})
    tasks = {task.task_id: task.state for task in run.get_task_instances()}
    endings[str(min_accuracy)] = {"run": run.state, "tasks": tasks}
print(json.dumps(endings))
"""


@pytest.mark.usefixtures("example_runs")
def test_dag_test_ends_every_task_as_the_live_components_do(live, tmp_path):
    """Waiting, branching and failing work without a triggerer: every task has the state it has in a live run."""
    environment = {
        **live.stack.airflow_environment,
        # A database of its own: the live scheduler must not take these runs for its own.
        **airflow_home(tmp_path),
        "PYTHONPATH": live.stack.airflow_environment["AIRFLOW__CORE__DAGS_FOLDER"],
    }
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )

    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout.splitlines()[-1]) == {
        "0.9": {"run": "success", "tasks": REGISTERED},
        "0.999": {"run": "failed", "tasks": REJECTED},
    }
