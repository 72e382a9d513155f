"""Continuing after a failure: which failure it was, whether its execution can be resumed, and the tokens for that.

A failure has an identity: the execution, the step, and when the step ended. By it a later try knows whether it sees
the failure that an earlier try ended with, or a new one. No clock of ours is compared with one of the service's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from functools import lru_cache

from airflow_sm_pipelines.documentation import see
from airflow_sm_pipelines.execution.snapshot import ExecutionSnapshot, StepSnapshot
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus


class OnRetry(str, Enum):
    """What another try of a task does with the failed execution it finds."""

    RESUME = "resume"
    RESTART = "restart"


def failure_identity(snapshot: ExecutionSnapshot, step_name: str | None = None) -> str:
    """Return what tells a failure from every other one, before and after it.

    :param snapshot: the execution, with the failure in it.
    :param step_name: the step that is waited for. One that has not ended itself, and ``None``, stand for the failure
        of the execution.
    """
    step = None if step_name is None else snapshot.steps.get(step_name)
    if step is not None and step.status.is_terminal:
        return f"{snapshot.arn} {_endings([step])}"
    failed = [each for each in snapshot.steps.values() if each.status in (StepStatus.FAILED, StepStatus.STOPPED)]
    # Stopped between two steps, an execution has no step that says when. The service changes this time only when the
    # execution itself changes.
    when = "" if failed else f" {_seconds(snapshot.last_modified_time)}"
    return f"{snapshot.arn} {snapshot.status}{when} {_endings(failed)}".rstrip()


def is_stopped(snapshot: ExecutionSnapshot, step_name: str | None = None) -> bool:
    """Whether a step, or else its execution, did not end well because somebody stopped it.

    :param snapshot: the execution.
    :param step_name: the step that is waited for; one that has not started stands for the execution.
    """
    step = None if step_name is None else snapshot.steps.get(step_name)
    return snapshot.status is ExecutionStatus.STOPPED if step is None else step.status is StepStatus.STOPPED


def token_after(snapshot: ExecutionSnapshot, on_retry: OnRetry) -> str:
    """Return the ClientRequestToken for continuing after a failure: the same for all who continue so after one failure.

    :param snapshot: the execution, over.
    :param on_retry: whether it is resumed, or another one is started instead.
    :return: 64 hexadecimal digits.
    """
    return hashlib.sha256(f"{on_retry.value} {failure_identity(snapshot)}".encode()).hexdigest()


@lru_cache(maxsize=128)
def definition_digest(text: str) -> str:
    """Return what tells a pipeline definition from others, however its JSON is laid out.

    :param text: the definition, as JSON.
    :return: 64 hexadecimal digits.
    """
    return hashlib.sha256(json.dumps(json.loads(text), sort_keys=True).encode()).hexdigest()


def resume_refusal(snapshot: ExecutionSnapshot) -> str | None:
    """Say why the service would not resume an execution; ``None`` where it may.

    :param snapshot: the execution, over.
    """
    for step in snapshot.failed_steps:
        if step.type == "Fail":
            return (
                f"execution {snapshot.arn} ended in the Fail step '{step.name}', and SageMaker does not resume such an "
                f"execution{f' ({step.reason})' if step.reason else ''}. Clear the task that launched it to start a "
                f"new execution. {see('sagemaker-does-not-resume-it')}"
            )
    return None


def _endings(steps: Iterable[StepSnapshot]) -> str:
    return ", ".join(sorted(f"{step.name} {step.status} {_seconds(step.end_time)}" for step in steps))


def _seconds(time: datetime | None) -> str:
    """The same text in every time zone: boto3 gives times in the machine's own."""
    return "?" if time is None else f"{time.timestamp():.3f}"
