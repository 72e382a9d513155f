"""How the training jobs of a tuning job stand: counted, compared, and as their summaries show it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from airflow_sm_pipelines.local.tuning.plan import Definition, Objective

MOST_SUMMARIES: Final = 50
"""So many of the best training jobs can be read of a Tuning step."""

_IMPROVEMENT: Final = 0.01
"""Less than a hundredth of the best value does not count as an improvement (botocore's service model)."""

_OF_DESCRIPTION: Final = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingStartTime",
    "TrainingEndTime",
    "TrainingJobStatus",
    "FailureReason",
)

Summary = dict[str, Any]
"""A HyperParameterTrainingJobSummary."""


def summary(
    described: Mapping[str, Any], definition: Definition, tuned: Mapping[str, str], objective_status: str, value: float
) -> Summary:
    """Return the summary of a training job.

    :param described: the training job, as DescribeTrainingJob shows it.
    :param definition: its definition.
    :param tuned: the hyperparameters that were chosen for it.
    :param objective_status: Pending, Succeeded or Failed.
    :param value: of the objective; counts where it Succeeded.
    """
    shown: Summary = {
        **({} if definition.name is None else {"TrainingJobDefinitionName": definition.name}),
        **{member: described[member] for member in _OF_DESCRIPTION if member in described},
        "TunedHyperParameters": dict(tuned),
        "ObjectiveStatus": objective_status,
    }
    if objective_status == "Succeeded":
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": "Maximize" if definition.objective.maximize else "Minimize",
            "MetricName": definition.objective.metric,
            "Value": value,
        }
    return shown


def final_value(shown: Summary) -> float | None:
    """Return the value of the objective; ``None`` when there is none.

    :param shown: a summary.
    """
    metric = shown.get("FinalHyperParameterTuningJobObjectiveMetric")
    return None if metric is None else float(metric["Value"])


def ranked(summaries: Iterable[Summary], objective: Objective) -> list[Summary]:
    """Return the training jobs that have a value of the objective, the best first.

    Those that completed come before those that were stopped, which may have no model. Of equal ones the first launched
    comes first.

    :param summaries: in the order in which they were launched.
    :param objective: what they are compared by.
    """
    sign = -1 if objective.maximize else 1
    valued = [(value, shown) for shown in summaries if (value := final_value(shown)) is not None]
    valued.sort(key=lambda each: (each[1]["TrainingJobStatus"] != "Completed", sign * each[0]))
    return [shown for _, shown in valued]


def training_job_counters(summaries: Iterable[Summary]) -> dict[str, int]:
    """Return TrainingJobStatusCounters.

    :param summaries: of all training jobs.
    """
    counted = Counter(_counter(shown) for shown in summaries)
    names = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
    return {name: counted[name] for name in names}


def objective_counters(summaries: Iterable[Summary]) -> dict[str, int]:
    """Return ObjectiveStatusCounters.

    :param summaries: of all training jobs.
    """
    counted = Counter(shown["ObjectiveStatus"] for shown in summaries)
    return {name: counted[name] for name in ("Succeeded", "Pending", "Failed")}


def not_improving(values: Sequence[float], objective: Objective) -> int:
    """Return how many of the latest values in a row have improved the best one before them by less than 1 %.

    :param values: of the objective, in the order in which the training jobs ended.
    :param objective: what they are compared by.
    """
    count, best = 0, None
    for value in values:
        better = best is None or objective.is_better(value, best)
        improves = best is None or (better and abs(value - best) >= _IMPROVEMENT * abs(best))
        count = 0 if improves else count + 1
        best = value if better else best
    return count


def _counter(shown: Summary) -> str:
    status = str(shown["TrainingJobStatus"])
    if status == "Failed":
        is_ours = shown.get("FailureReason", "").startswith("InternalServerError")
        return "RetryableError" if is_ours else "NonRetryableError"
    return "InProgress" if status == "Stopping" else status
