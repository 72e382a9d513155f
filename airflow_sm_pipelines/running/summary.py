"""The end of a run, as text for people and as JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.running.results import StepResults
from airflow_sm_pipelines.running.rows import Row

MOST_VALUES: Final = 20
"""So many values of a step's property files are shown; all of them are in its outputs."""


@dataclass(frozen=True)
class Summary:
    """How an execution ended.

    :param snapshot: as the endpoint has it.
    :param rows: all steps of the definition.
    :param results: what the steps that started have left.
    :param directory: where the outputs landed.
    """

    snapshot: ExecutionSnapshot
    rows: Sequence[Row]
    results: Sequence[StepResults]
    directory: Path

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON."""
        results = {each.step.name: each for each in self.results}
        return {
            "pipeline": self.snapshot.arn.pipeline_name,
            "execution_arn": str(self.snapshot.arn),
            "status": str(self.snapshot.status),
            "failure_reason": self.snapshot.failure_reason,
            "directory": str(self.directory),
            "steps": [_step(row, results.get(row.name)) for row in self.rows],
        }

    def lines(self) -> Iterator[str]:
        """Yield this as text."""
        arn = self.snapshot.arn
        yield f"pipeline {arn.pipeline_name}, execution {arn.execution_id}: {self.snapshot.status}"
        for each in self.results:
            if each.step.status is StepStatus.FAILED:
                yield from _failure(each)
        yield from _section("conditions", [line for each in self.results for line in _conditions(each)])
        yield from _section("metrics", [line for each in self.results for line in _metrics(each)])
        yield from _section(
            "outputs",
            [f"{each.step.name}  {name}: {path}" for each in self.results for name, path in each.outputs.items()],
        )
        yield from (remark for each in self.results for remark in each.remarks)


def _section(heading: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{heading}:"
        yield from (f"  {line}" for line in lines)


def _failure(results: StepResults) -> Iterator[str]:
    yield f"step {results.step.name} failed: {results.step.reason or 'no reason is given'}"
    if results.log_tail:
        yield f"  the last lines of its log ({len(results.log_tail)}):"
        yield from (f"    {line}" for line in results.log_tail)


def _metrics(results: StepResults) -> Iterator[str]:
    """Yield a line for each metric of a job, and for each value in a step's property files, up to a number."""
    step = results.step.name
    yield from (f"{step}  {name} = {value:g}" for name, value in results.metrics.items())
    values = [found for name, content in results.property_files.items() for found in _values(name, content)]
    yield from (f"{step}  {path} = {value}" for path, value in values[:MOST_VALUES])
    if len(values) > MOST_VALUES:
        yield f"{step}  ... and {len(values) - MOST_VALUES} more values in its property files"


def _values(path: str, content: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts, numbers and booleans in a property file, each with its place."""
    if isinstance(content, Mapping):
        for key, inner in content.items():
            yield from _values(f"{path}.{key}", inner)
    elif isinstance(content, list):
        for index, inner in enumerate(content):
            yield from _values(f"{path}[{index}]", inner)
    else:
        yield path, f"{content:g}" if type(content) is float else json.dumps(content, ensure_ascii=False)


def _conditions(results: StepResults) -> Iterator[str]:
    if results.step.condition_outcome is not None:
        yield f"{results.step.name}: {results.step.condition_outcome}"
        yield from (f"  {each}" for each in results.comparisons)


def _step(row: Row, results: StepResults | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": row.name,
        "type": row.type,
        "status": row.state,
        "seconds": row.seconds,
        "attempt": row.attempt,
    }
    if results is None:
        return shown
    step = results.step
    optional = {
        "job_arn": step.job_arn,
        "failure_reason": step.reason if step.status is StepStatus.FAILED else None,
        "log_tail": list(results.log_tail),
        "outcome": step.condition_outcome,
        "comparisons": [each.to_dict() for each in results.comparisons],
        "metrics": {name: _number(value) for name, value in results.metrics.items()},
        "property_files": dict(results.property_files),
        "outputs": {name: str(path) for name, path in results.outputs.items()},
        "cached_from": step.cache_hit_source,
        "copied_from": step.selective_source,
        "remarks": list(results.remarks),
    }
    return shown | {key: value for key, value in optional.items() if value not in (None, [], {})}


def _number(value: float) -> float | str:
    """A number as JSON has it; one that is not finite as a text, as in AWS's own JSON: JSON has no such number."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
