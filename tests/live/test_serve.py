"""``sm-pipelines serve`` on a folder of Dags: it runs them, loads them again, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from airflow_sm_pipelines import cli
from harness.airflow_api import AirflowApi

ROOT = Path(__file__).parents[2]
SECONDS = 240
BROKEN = "from airflow.sdk import DAG\nraise ValueError('broken on purpose')\n"

# Not in the group of the other live tests: this has components of its own.
pytestmark = pytest.mark.xdist_group("serve")


@pytest.fixture
def project(tmp_path):
    """A Dag as ``sm-pipelines new`` writes it, and a Dag file that cannot be imported."""
    assert cli.main(["new", "served", "--directory", str(tmp_path)]) == 0
    (tmp_path / "dags" / "broken.py").write_text(BROKEN)
    (tmp_path / "rows.csv").write_text("x,y\n" + "".join(f"{x},{2 * x + 1}\n" for x in range(20)))
    return tmp_path


def read_until(output, *texts):
    """Read the output until each of the texts was in it, and return it."""
    read = ""
    for line in output:
        read += line
        if all(text in read for text in texts):
            return read
    raise AssertionError(f"The output ended without {texts}:\n{read}")


def test_dags_are_served_until_a_signal(project):
    """Import errors are told, a mended file is loaded, a run succeeds at the endpoint, and a signal ends everything."""
    command = [
        sys.executable,
        "-m",
        "airflow_sm_pipelines.cli",
        "serve",
        "dags",
        "--port",
        "0",
        "--bucket",
        "example-ml",
    ]
    served = subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT), "AIRFLOW__CORE__DAGS_FOLDER": "/nowhere", "TMPDIR": str(project)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # Whatever does not come in time, the output then ends, and the test says what was missing.
    watchdog = threading.Timer(SECONDS, served.terminate)
    watchdog.start()
    try:
        said = read_until(served.stdout, "Dag served is loaded", "ValueError: broken on purpose")
        assert "broken.py cannot be imported:\n" in said
        text = (project / "dags" / "served.py").read_text()
        (project / "dags" / "broken.py").write_text(text.replace("served()", "mended()"))
        read_until(served.stdout, "Dag mended is loaded")
        url, password = re.search(r"Airflow UI:\s+(\S+)  user admin  password (\S+)", said).groups()
        endpoint = re.search(r"Local endpoint: (\S+)", said)[1]
        _put(endpoint, project / "rows.csv")
        api = AirflowApi(url, "admin", password)
        api.unpause("served")
        run = api.trigger("served")
        changes = list(api.follow(run, SECONDS, lambda: None))
        assert changes
        assert {task.task_id: task.state for task in api.task_instances(run)} == {
            "train_model.launch": "success",
            "train_model.prepare": "success",
            "train_model.train": "success",
            "train_model.evaluate": "success",
            "train_model.good_enough": "success",
            "train_model.reject": "skipped",
        }
        api.close()
        left = psutil.Process(served.pid).children(recursive=True)
        served.send_signal(signal.SIGINT)
        assert served.wait(60) == 0
        assert [process for process in left if process.is_running()] == []
        assert list(project.glob("sm-pipelines-serve-*")) == []
    finally:
        watchdog.cancel()
        served.terminate()
        served.communicate(timeout=60)


def _put(endpoint, file):
    import boto3

    keys = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    boto3.client("s3", endpoint_url=endpoint, **keys).upload_file(str(file), "example-ml", "served/raw/rows.csv")
