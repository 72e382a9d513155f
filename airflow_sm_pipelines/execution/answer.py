"""What the end of an Airflow task in the middle of a pipeline means to the Callback step that stands for it.

==============================================  =================================================================
the Airflow task                                the answer
==============================================  =================================================================
succeeded                                       success, with the outputs that the step declares
succeeded, and skipped what comes behind it,    failure
as a rejected approval or a short circuit does
succeeded, without an output, or with one that  failure
is none of its type or too long
failed, was skipped, could not start            failure
is not over                                     none yet
==============================================  =================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

RETURN_VALUE: Final = "return_value"

LONGEST_REASON: Final = 256
LONGEST_OUTPUT: Final = 1024
MOST_OUTPUTS: Final = 50
"""Limits of the two requests (botocore's model)."""

_FAILURES: Final = {
    "failed": "failed",
    "skipped": "was skipped",
    "upstream_failed": "could not start, since a task before it failed",
    "removed": "is no longer in the Dag",
}


@dataclass(frozen=True)
class AnsweredTask:
    """An Airflow task in the middle of a pipeline.

    :param task_id: its full id.
    :param queue_url: the queue that its Callback step sends its message to.
    :param followers: the full ids of the tasks of the pipeline directly behind it, where it may skip them.
    """

    task_id: str
    queue_url: str
    followers: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return this as JSON, the keywords of which it is made again."""
        return {**asdict(self), "followers": list(self.followers)}


@dataclass(frozen=True)
class Answer:
    """What the service receives for a Callback step.

    :param outputs: the output parameters of a success; ``None`` for a failure.
    :param reason: why it failed, at most 256 characters; empty for a success.
    """

    outputs: Mapping[str, str] | None
    reason: str = ""

    @classmethod
    def failure(cls, reason: str) -> Answer:
        """Return an answer that fails the step.

        :param reason: why; cut where it is too long.
        """
        return cls(None, reason if len(reason) <= LONGEST_REASON else f"{reason[: LONGEST_REASON - 3]}...")

    def request_token(self, pipeline_execution_arn: str, callback_token: str) -> str:
        """Return the ClientRequestToken: the same answer, sent again after it was lost, has the same one.

        :param pipeline_execution_arn: the execution.
        :param callback_token: of the step.
        """
        told = json.dumps([pipeline_execution_arn, callback_token, self.outputs, self.reason], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


def callback_token_in(message: str, pipeline_execution_arn: str, task_id: str) -> str | None:
    """Return the token in a message that a Callback step has sent; ``None`` where it is that of another step.

    :param message: the body.
    :param pipeline_execution_arn: the execution.
    :param task_id: the full id of the Airflow task that the step stands for.
    """
    try:
        told = json.loads(message)
    except ValueError:
        return None  # somebody else's
    if not isinstance(told, dict) or told.get("pipelineExecutionArn") != pipeline_execution_arn:
        return None
    arguments = told.get("arguments")
    token = told.get("token")
    ours = isinstance(arguments, dict) and arguments.get("task_id") == task_id
    return token if ours and isinstance(token, str) else None


def is_over(state: str | None) -> bool:
    """Say whether an Airflow task has ended for good. One that waits for a retry has not.

    :param state: Airflow's.
    """
    return state == "success" or state in _FAILURES


def failed_answer(task_id: str, state: str | None) -> Answer | None:
    """Return the answer for a task that ended without a success; ``None`` for others.

    :param task_id: the task's full id.
    :param state: Airflow's.
    """
    return Answer.failure(f"Airflow task '{task_id}' {_FAILURES[state]}") if state in _FAILURES else None


def skipping_answer(task: AnsweredTask, skipped: Collection[str]) -> Answer | None:
    """Return the answer for a task that succeeded and skipped what comes behind it; ``None`` where it skipped nothing.

    :param task: the task.
    :param skipped: the full ids of the tasks that it skipped.
    """
    behind = [each for each in task.followers if each in skipped]
    if not behind:
        return None
    return Answer.failure(
        f"Airflow task '{task.task_id}' skipped '{behind[0]}', which comes after it, as a rejected approval does"
    )


def successful_answer(task_id: str, declared: Mapping[str, str], xcoms: Mapping[str, Any]) -> Answer:
    """Return the answer for a task that succeeded.

    :param task_id: the task's full id.
    :param declared: the types of the step's outputs by their names.
    :param xcoms: the task's XComs by their keys. An output is the XCom of its name, or that member of a dict that the
        task returned.
    """
    outputs = {}
    for name, type_ in declared.items():
        value = _value(name, xcoms)
        if value is None:
            return Answer.failure(f"Airflow task '{task_id}' pushed no XCom '{name}', which a later step uses")
        text = _text(value, type_)
        if text is None:
            kind = type(value).__name__
            return Answer.failure(f"Airflow task '{task_id}' pushed an XCom '{name}' of type {kind}, expected {type_}")
        if len(text) > LONGEST_OUTPUT:
            return Answer.failure(
                f"Airflow task '{task_id}' pushed an XCom '{name}' of {len(text)} characters; a Callback step takes at "
                f"most {LONGEST_OUTPUT}"
            )
        outputs[name] = text
    return Answer(outputs)


def _value(name: str, xcoms: Mapping[str, Any]) -> Any:
    if xcoms.get(name) is not None:
        return xcoms[name]
    returned = xcoms.get(RETURN_VALUE)
    return returned.get(name) if isinstance(returned, Mapping) else None


def _text(value: Any, type_: str) -> str | None:
    """Return a value as the service takes it; ``None`` where it is none of its type."""
    if isinstance(value, bool):
        return str(value).lower() if type_ in ("Boolean", "String") else None
    if isinstance(value, int):
        return str(value) if type_ in ("Integer", "Float", "String") else None
    if isinstance(value, float):
        return repr(value) if type_ in ("Float", "String") else None
    return value if isinstance(value, str) and type_ == "String" else None
