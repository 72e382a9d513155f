"""What the service's description of a job, or of a model package, tells of how it ran."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Final

from airflow_sm_pipelines.definition.step_types import Resource

_LAST_WORDS: Final = frozenset({"Completed", "Failed", "Stopped", "Interrupted", "MaxRuntimeExceeded"})
"""Secondary statuses that say how a training job ended, and take no time."""


def job_report(resource: Resource, described: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what there is to tell of how long a job took, and of what it measured.

    ===================  ==========================================================================================
    ``kind``             ``processing``, ``training``, ``transform``, ``hyper-parameter-tuning``, ...
    ``start``, ``end``   when its instances ran, as the service counts: ISO 8601, in UTC; ``None`` until then
    ``seconds``          between them; ``None`` until it is over
    ``billable_seconds`` of each instance; less than ``seconds`` with spot instances; ``None`` for what launches jobs
    ``phases``           of a training job: ``name``, ``start`` and ``end`` of each secondary status that took time
    ``metrics``          of a training job: the final value of each metric, by name
    ``best``             of a tuning job: ``name``, ``metric`` and ``value`` of its best training job
    ===================  ==========================================================================================

    :param resource: what it is.
    :param described: the response of its Describe operation, as boto3 returns it.
    :return: ``None`` for what is not a job.
    """
    if resource.ran is None:
        return None
    start, end = (described.get(member) for member in resource.ran)
    seconds = None if start is None or end is None else round((end - start).total_seconds(), 3)
    return {
        "kind": resource.type.removesuffix("-job"),
        "start": time_text(start),
        "end": time_text(end),
        "seconds": seconds,
        "billable_seconds": described.get("BillableTimeInSeconds", seconds if resource.has_instances else None),
        "phases": [
            {"name": each["Status"], "start": time_text(each["StartTime"]), "end": time_text(each.get("EndTime"))}
            for each in described.get("SecondaryStatusTransitions", ())
            if each["Status"] not in _LAST_WORDS
        ],
        "metrics": {each["MetricName"]: number(each["Value"]) for each in described.get("FinalMetricDataList", ())},
        "best": _best(described.get("BestTrainingJob", {})),
    }


def _best(job: Mapping[str, Any]) -> dict[str, Any] | None:
    metric = job.get("FinalHyperParameterTuningJobObjectiveMetric")
    if metric is None:
        return None
    return {"name": job["TrainingJobName"], "metric": metric["MetricName"], "value": number(metric["Value"])}


def number(value: float) -> float | str:
    """Return a number as JSON; one that JSON does not have, such as ``nan``, as text.

    :param value: the number.
    """
    return value if math.isfinite(value) else str(value)


def model_package_report(described: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the group, the version and the approval status of a model package; ``None`` for anything else.

    :param described: the response of a Describe operation.
    """
    if "ModelPackageArn" not in described:
        return None
    return {
        "group": described.get("ModelPackageGroupName"),
        "version": described.get("ModelPackageVersion"),
        "approval_status": described.get("ModelApprovalStatus"),
    }


def time_text(time: datetime | None) -> str | None:
    """Return a time as ISO 8601 in UTC: the same text in every time zone, since boto3 gives times in the machine's own.

    :param time: with a time zone.
    """
    return None if time is None else time.astimezone(timezone.utc).isoformat()
