"""``make demo`` without make: it tells what it does, its exit status is the truth, and nothing of it stays behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import httpx
import psutil
import pytest

CLONE = Path(__file__).parent.parent.parent
SECONDS_TO_END = 60
ANYBODY = {"region_name": "us-east-1", "aws_access_key_id": "any", "aws_secret_access_key": "any"}

COMPONENTS = 5  # The local endpoint, and of Airflow: api-server, scheduler, dag-processor, triggerer.

# Not in the group of the other live tests: this has components of its own.
pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def start_demo():
    """Starts demos; in the end they are gone, and so are the logs they leave."""
    started = []

    def start(stdout=subprocess.PIPE, **environment):
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=CLONE,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(demo)
        return demo

    yield start
    for demo in started:
        demo.terminate()
        demo.communicate(timeout=SECONDS_TO_END)
        for directory in (CLONE / ".demo").glob(f"*-{demo.pid}"):
            shutil.rmtree(directory)


def read_until(output, text):
    """Read a demo's output up to the line with a text, and return it."""
    lines = []
    for line in output:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"The demo ended without saying {text!r}:\n{''.join(lines)}")


def started_by(demo):
    """Processes whose environment names the demo's directory: whatever it started, at any depth."""
    mark = str(run_directory(demo)).encode()
    found = []
    for process in psutil.process_iter():
        try:
            environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        except OSError:
            continue  # It has ended, or is somebody else's.
        if mark in environment:
            found.append(process)
    return found


def run_directory(demo):
    [directory] = (CLONE / ".demo").glob(f"*-{demo.pid}")
    return directory


def test_the_demo_shows_its_runs_and_leaves_nothing(start_demo):
    """Whatever the user's environment says: exit status 0, every run and result shown, and no files left."""
    demo = start_demo(
        AWS_PROFILE="somebody",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AIRFLOW__CORE__PARALLELISM="none",
        HTTP_PROXY="http://127.0.0.1:9",
        PYTHONPATH="/nowhere",
    )
    output, _ = demo.communicate()

    assert demo.returncode == 0, output
    assert re.findall(r"^(example_\w+), (\w+) [\d:]{8}: (\w+)$", output, re.MULTILINE) == [
        ("example_ingest", "manual", "success"),
        ("example_train", "asset", "success"),
        ("example_train", "manual", "failed"),
    ]
    assert re.findall(r"│ (accuracy|test_rows) +│ +([\d.]+) │", output) == [
        ("accuracy", "0.9561"),
        ("test_rows", "114"),
    ]
    assert "model-package/breast-cancer/1" in output
    assert "step 'reject' failed: The model is less accurate than MinAccuracy asks for." in output
    assert list((CLONE / ".demo").glob(f"*-{demo.pid}")) == []


def test_on_a_terminal_the_demo_serves_the_ui_until_it_is_interrupted(start_demo):
    """After the Dags have ended as they should, the printed address and password log in; Ctrl-C ends with status 0."""
    controller, terminal = os.openpty()
    demo = start_demo(stdout=terminal, NO_COLOR="1", TERM="dumb", COLUMNS="160")
    os.close(terminal)
    with os.fdopen(controller, "r", encoding="utf-8", newline="") as screen:
        output = read_until(screen, "serving until Ctrl-C")
        url, password = re.findall(r"Airflow UI: (\S+)  user admin  password (\S+)", output)[-1]
        [tab] = re.findall(r"The run's pipeline: (\S+)", output)
        assert re.fullmatch(rf"{url}/dags/example_train/runs/asset_triggered__\S+/plugin/sagemaker", tab)
        [endpoint] = re.findall(r"local endpoint at (\S+),", output)
        queues = boto3.client("sqs", endpoint_url=endpoint, **ANYBODY).list_queues()["QueueUrls"]
        with httpx.Client(base_url=url, trust_env=False) as client:
            page = client.get("/")
            token = client.post("/auth/token", json={"username": "admin", "password": password})
        demo.send_signal(signal.SIGINT)
        demo.wait(SECONDS_TO_END)

    assert (page.status_code, token.status_code, demo.returncode) == (200, 201, 0)
    assert [url.rpartition("/")[2] for url in queues] == ["example-approval"]
    assert list((CLONE / ".demo").glob(f"*-{demo.pid}")) == []


@pytest.mark.parametrize(
    ("moment", "victim", "number", "status"),
    [
        ("starting the local endpoint", "guard", signal.SIGINT, 128 + signal.SIGINT),
        ("starting Airflow", "guard", signal.SIGTERM, 128 + signal.SIGTERM),
        ("Airflow at", "guard", signal.SIGKILL, -signal.SIGKILL),
        ("Airflow at", "worker", signal.SIGKILL, 128 + signal.SIGKILL),
    ],
)
def test_a_demo_that_is_ended_takes_its_processes_along(start_demo, moment, victim, number, status):
    """Whichever of the demo's two processes gets whichever signal whenever, all of its components end too."""
    demo = start_demo()
    read_until(demo.stdout, moment)
    guard = psutil.Process(demo.pid)
    [worker] = guard.children()
    everything = guard.children(recursive=True)
    if moment == "Airflow at":
        assert len(worker.children()) == COMPONENTS

    (guard if victim == "guard" else worker).send_signal(number)
    demo.communicate(timeout=SECONDS_TO_END)
    _, alive = psutil.wait_procs(everything, timeout=SECONDS_TO_END)

    assert (demo.returncode, alive) == (status, [])
    assert started_by(demo) == []
    assert (run_directory(demo) / "logs").is_dir()


def test_a_component_that_dies_fails_the_demo_with_the_end_of_its_log(start_demo):
    """The demo notices within the run, says which component it was and where the logs are, and ends the others."""
    demo = start_demo()
    output = read_until(demo.stdout, "Airflow at")
    everything = psutil.Process(demo.pid).children(recursive=True)
    [scheduler] = [process for process in everything if process.cmdline()[1:] == ["-m", "airflow", "scheduler"]]

    scheduler.kill()
    rest, _ = demo.communicate(timeout=SECONDS_TO_END)
    _, alive = psutil.wait_procs(everything, timeout=SECONDS_TO_END)

    assert (demo.returncode, alive) == (1, []), output + rest
    log = run_directory(demo) / "logs" / "scheduler.log"
    assert f"scheduler ended with status -9. The end of {log}:" in rest
    assert f"The demo failed. Logs: {run_directory(demo)}" in rest
