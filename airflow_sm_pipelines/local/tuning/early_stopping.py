"""When a training job that looks bad is stopped: the rule of TrainingJobEarlyStoppingType Auto.

Source: the developer guide's page "Stop Training Jobs Early". A value that a training job prints is one epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median

from airflow_sm_pipelines.local.tuning.plan import Objective


def is_worse_than_median(values: Sequence[float], earlier: Iterable[Sequence[float]], objective: Objective) -> bool:
    """Whether a training job is to be stopped after its latest value.

    It is worse than the median of the averages that earlier training jobs had, each up to the same epoch.

    :param values: the objective's values of the training job, in order; at least one.
    :param earlier: those of training jobs that have ended with one. One that had fewer epochs does not count.
    :param objective: what they are compared by.
    """
    epoch = len(values)
    averages = [fmean(each[:epoch]) for each in earlier if len(each) >= epoch]
    return bool(averages) and objective.is_better(median(averages), values[-1])
