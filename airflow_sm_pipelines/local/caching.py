"""Step caching: a step whose attributes are those of an earlier run takes that run's results.

Sources: those of :mod:`airflow_sm_pipelines.definition.caching`.
A run counts when it succeeded, in the same pipeline, not longer ago than ``ExpireAfter``; of several the latest.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_sm_pipelines.definition.caching import CACHE_CONFIG, oldest_that_counts
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.step_types import step_type
from airflow_sm_pipelines.definition.steps import Step
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.lookup import ExecutionLookup
from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord


def cache_key(step: Step, lookup: Callable[[Mapping[str, str]], ExecutionLookup]) -> str:
    """What tells a run of a step from runs that made something else.

    :param step: a step that is cached.
    :param lookup: where its expressions find their values, given the name of its job.
    :raises EvaluationError: an expression has no value.
    """
    known = step_type(step.type)
    looked_at: dict[str, Any] = {"Name": step.name, "Type": step.type}
    if known.cache_attributes is None:
        looked_at |= {"Arguments": step.arguments, **{key: step.extra.get(key) for key in known.required_keys}}
    else:
        looked_at |= {name: step.arguments.get(name) for name in known.cache_attributes}
    # Each run's job has its own name: attributes that hold it are never those of another run.
    job_name = uuid.uuid4().hex
    values = evaluate(looked_at, lookup({"TrainingJobName": job_name, "ProcessingJobName": job_name}))
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


def find_hit(
    step: Step, key: str, execution: ExecutionRecord, executions: Iterable[ExecutionRecord], moment: dt.datetime
) -> tuple[str, StepRecord] | None:
    """The earlier run whose results a step takes.

    :param step: the step.
    :param key: its cache key.
    :param execution: the execution it runs in. Its lock is not held.
    :param executions: all executions.
    :param moment: the time now.
    :return: the execution's ARN and the step's record; ``None`` when no run counts.
    """
    oldest = oldest_that_counts(step.extra[CACHE_CONFIG], moment)
    hits: list[tuple[dt.datetime, str, StepRecord]] = []
    for other in executions:
        if other.arn.pipeline_arn != execution.arn.pipeline_arn:
            continue
        with other.lock:
            record = other.steps.get(step.name)
            if record is None or record.status is not StepStatus.SUCCEEDED or record.cache_key != key:
                continue
            if record.end_time is not None and (oldest is None or record.end_time >= oldest):
                hits.append((record.end_time, str(other.arn), record))
    latest = max(hits, key=lambda hit: hit[0], default=None)
    return None if latest is None else latest[1:]
