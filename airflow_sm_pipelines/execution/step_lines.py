"""A step in one line, for people: what it does or how it ended, after how long, and why."""

from __future__ import annotations

import re
from typing import Final

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.status import StepStatus

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return a text without what a terminal takes for a command. Line ends and tabs stay.

    :param text: may come from a job, and hold anything.
    """
    return _CONTROL.sub("", text)


def step_line(step: StepSnapshot) -> str:
    """Return what there is to say of a step, such as ``step train: Succeeded after 3.2 s``.

    :param step: the step.
    """
    line = f"step {step.name}: {step.status}{after(step)}{attempt(step)}"
    remark = step_remark(step)
    if remark and step.status is StepStatus.FAILED:
        return f"{line}: {remark}"
    return f"{line}, {remark}" if remark else line


def step_remark(step: StepSnapshot) -> str:
    """Return why a step failed, what a condition came to, or where a result was taken from; may be empty.

    :param step: the step.
    """
    if step.status is StepStatus.FAILED:
        return printable(step.reason or "")
    if step.condition_outcome is not None:
        return f"outcome {step.condition_outcome}"
    if step.cache_hit_source:
        return f"from the cache of execution {_id(step.cache_hit_source)}"
    if step.selective_source:
        return f"not selected, from execution {_id(step.selective_source)}"
    return ""


def after(step: StepSnapshot) -> str:
    """Return how long a step took, such as `` after 3.2 s``; empty until it has ended.

    :param step: the step.
    """
    if step.start_time is None or step.end_time is None:
        return ""
    return f" after {(step.end_time - step.start_time).total_seconds():.1f} s"


def attempt(step: StepSnapshot) -> str:
    """Return which attempt it is, such as `` (attempt 2)``; empty for the first.

    :param step: the step.
    """
    return f" (attempt {step.attempt_count})" if step.attempt_count > 1 else ""


def _id(arn: str) -> str:
    return PipelineExecutionArn.parse(arn).execution_id
