"""How long imports take on top of ``airflow.sdk``: fresh processes, one side after the other, several times."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

SIDES: Mapping[str, str] = {
    "this package": "benchmarks.pipelines.ours",
    "this package, and ten steps made and checked": "benchmarks.pipelines.parsed",
    "amazon's SageMaker operators": "airflow.providers.amazon.aws.operators.sagemaker",
    "SageMaker SDK 3": "benchmarks.pipelines.sdk",
}
"""What each side imports. Ours and the SDK's: what the same pipeline takes, written for each."""

_PROGRAM = """
import importlib, json, sys, time
import psutil
from airflow.sdk import DAG, BaseOperator, TaskGroup
process = psutil.Process()
modules, memory, began = len(sys.modules), process.memory_info().rss, time.process_time()
importlib.import_module(sys.argv[1])
seconds = time.process_time() - began
print(json.dumps({
    "seconds": seconds, "modules": len(sys.modules) - modules, "bytes": process.memory_info().rss - memory
}))
"""


@dataclass(frozen=True)
class ImportCost:
    """What an import took on top of ``airflow.sdk``; medians.

    :param seconds: CPU time.
    :param modules: how many modules it loaded.
    :param bytes: how much the process grew.
    """

    seconds: float
    modules: float
    bytes: float


def measure(module: str) -> ImportCost:
    """Import a module in a fresh process.

    :param module: its full name.
    """
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, module],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return ImportCost(**json.loads(process.stdout.splitlines()[-1]))


def measure_alternately(sides: Mapping[str, str], runs: int) -> dict[str, ImportCost]:
    """Import each side's module once for nothing, so that all bytecode is there, then in turns.

    :param sides: the modules by side.
    :param runs: how many turns.
    """
    for module in sides.values():
        measure(module)
    taken: dict[str, list[ImportCost]] = {side: [] for side in sides}
    for _ in range(runs):
        for side, module in sides.items():
            taken[side].append(measure(module))
    return {
        side: ImportCost(*(statistics.median(values) for values in zip(*map(_values, costs), strict=True)))
        for side, costs in taken.items()
    }


def _values(cost: ImportCost) -> tuple[float, float, float]:
    return cost.seconds, cost.modules, cost.bytes
