"""Starts the stub and a waiting process, and reads what the latter says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from airflow_sm_pipelines.serving.stack import SECRET_KEY
from benchmarks.triggers.waiting import Plan, Waited


def measure(
    side: str,
    executions: int,
    *,
    directory: Path,
    waiter_delay: int = Plan.waiter_delay,
    start_seconds: float = Plan.start_seconds,
    steady_seconds: float = Plan.steady_seconds,
    refused: Sequence[str] = (),
) -> Waited:
    """Let one side wait for executions that do not end.

    :param side: ``ours``, ``amazon`` or ``idle``.
    :param executions: how many executions, with ten triggers or with amazon's one each.
    :param directory: for what Airflow writes.
    :param waiter_delay: the interval between two looks, in seconds.
    :param start_seconds: what counts as the start, and is reported apart.
    :param steady_seconds: how long to measure after that.
    :param refused: operations that the service refuses.
    :raises RuntimeError: when one of the two processes fails; with what it said.
    """
    stub = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.triggers.stub", str(executions), *refused],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with stub:
        assert stub.stdout is not None
        url = stub.stdout.readline().strip()
        plan = Plan(side, url, executions, waiter_delay, start_seconds, steady_seconds)
        extra = {"region_name": "us-east-1", "endpoint_url": url}
        connection = {"conn_type": "aws", "login": "local", "password": SECRET_KEY, "extra": extra}
        waiting = subprocess.run(
            [sys.executable, "-m", "benchmarks.triggers.waiting", json.dumps(asdict(plan))],
            env={**os.environ, "AIRFLOW_HOME": str(directory), "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection)},
            capture_output=True,
            text=True,
            check=False,
        )
    if waiting.returncode or stub.returncode:
        raise RuntimeError(f"{side}: status {waiting.returncode}, stub {stub.returncode}:\n{waiting.stderr[-4000:]}")
    return Waited.from_json(waiting.stdout.splitlines()[-1])
