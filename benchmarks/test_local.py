"""The local endpoint: what a step costs above the process it runs, and how soon ``sm-pipelines run`` runs the first."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.settings import EndpointSettings
from benchmarks.report import Report
from tests.integration.clients import Aws, wait
from tests.integration.documents import document, processing_step

COUNT = 30
AT_ONCE = 4


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[tuple[LocalEndpoint, Aws]]:
    """An endpoint and a client of it."""
    with LocalEndpoint(EndpointSettings(state_directory=tmp_path / "state")) as endpoint:
        client = Aws(endpoint.url)
        client.create_bucket()
        yield endpoint, client


def _bare(count: int, at_once: int) -> float:
    """Return the seconds that so many processes take that do nothing, so many at once."""
    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        for ended in threads.map(lambda _: subprocess.run([sys.executable, "-c", "pass"], check=True), range(count)):
            assert ended.returncode == 0
    return time.perf_counter() - began


def _steps(endpoint: LocalEndpoint, aws: Aws, script: str, count: int, *, chained: bool) -> float:
    """Return the seconds of an execution of Processing steps that do nothing."""
    steps: list[dict[str, Any]] = []
    for index in range(count):
        steps.append(processing_step(f"p{index}", script))
        if chained and index:
            steps[index]["DependsOn"] = [f"p{index - 1}"]
    began = time.perf_counter()
    execution = aws.start(document(*steps))
    wait(endpoint, execution, 300)
    took = time.perf_counter() - began
    assert aws.describe(execution)["PipelineExecutionStatus"] == "Succeeded"
    return took


def test_steps(report: Report, quick: bool, aws: tuple[LocalEndpoint, Aws]) -> None:
    """Steps that do nothing, one after the other and side by side, beside as many bare processes, in turns."""
    endpoint, client = aws
    script = client.put_script("pass")
    count = 3 if quick else COUNT
    _steps(endpoint, client, script, 1, chained=False)  # the first client of a service takes longer
    rows = []
    for name, chained in (("one after the other", True), ("side by side", False)):
        at_once = 1 if chained else AT_ONCE
        turns = [
            (_steps(endpoint, client, script, count, chained=chained), _bare(count, at_once))
            for _ in range(1 if quick else 5)
        ]
        ours, bare = (statistics.median(each) / count for each in zip(*turns, strict=True))
        rows.append((name, ours, bare, ours - bare, ours / bare))
    report.put(
        f"{count} Processing steps that do nothing, seconds each",
        ("", "steps", "bare processes", "steps above those", "ratio"),
        rows,
    )


def test_first_step(report: Report, quick: bool, tmp_path: Path) -> None:
    """From the start of ``sm-pipelines run`` until it says that the first step runs, beside ``import airflow.sdk``."""
    (tmp_path / "script.py").write_text("pass\n")
    (tmp_path / "only.json").write_text(json.dumps(document(processing_step("only", "script.py"))))
    rounds = [(_until_first_step(tmp_path), _imports()) for _ in range(1 if quick else 5)]
    ours, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
    report.put(
        "Until the first step runs",
        ("", "seconds", "as ratio to ours"),
        [("sm-pipelines run", ours, 1.0), ("import airflow.sdk", theirs, theirs / ours)],
    )


def _until_first_step(folder: Path) -> float:
    command = [sys.executable, "-m", "airflow_sm_pipelines.cli", "run", "only.json"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if re.match("step only: (Executing|Succeeded)", line):
                took = time.perf_counter() - began
                break
        process.communicate()
    assert process.returncode == 0
    return took


def _imports() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import airflow.sdk"], check=True)
    return time.perf_counter() - began
