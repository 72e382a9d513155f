"""The command line: checking a document of 50 steps, in a process of its own as a user's editor or CI starts it."""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.report import Report

GOLDEN = Path(__file__).parent.parent / "tests" / "golden" / "sdk3" / "machine_learning.json"


def _seconds(*arguments: str) -> float:
    """Return the CPU time of a Python process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_validate(report: Report, quick: bool, tmp_path: Path) -> None:
    """``sm-pipelines validate`` beside a process that only imports ``airflow.sdk`` or boto3, in turns."""
    document = json.loads(GOLDEN.read_text(encoding="utf-8"))
    first = document["Steps"][0]
    document["Steps"] = [{**first, "Name": f"{first['Name']}-{number}"} for number in range(50)]
    file = tmp_path / "fifty.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    sides = {
        "sm-pipelines validate, 50 steps": ("-m", "airflow_sm_pipelines.cli", "validate", str(file)),
        "import airflow.sdk": ("-c", "from airflow.sdk import DAG"),
        "a boto3 client for SageMaker": ("-c", "import boto3; boto3.client('sagemaker', region_name='us-east-1')"),
    }
    rounds = [{side: _seconds(*command) for side, command in sides.items()} for _ in range(1 if quick else 7)]
    took = {side: statistics.median(each[side] for each in rounds) for side in sides}
    ours = took["sm-pipelines validate, 50 steps"]
    report.put(
        "Checking 50 steps, CPU time of the whole process",
        ("", "seconds", "as ratio to ours"),
        [(side, seconds, seconds / ours) for side, seconds in took.items()],
    )
