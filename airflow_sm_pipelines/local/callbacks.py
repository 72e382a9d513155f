"""Callback steps that wait for their answer, found by their token."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass

from airflow_sm_pipelines.local.errors import ResourceNotFoundError, ValidationError
from airflow_sm_pipelines.local.names import new_callback_token


@dataclass(frozen=True)
class CallbackAnswer:
    """What SendPipelineExecutionStepSuccess or SendPipelineExecutionStepFailure said.

    :param succeeded: which of the two.
    :param outputs: the output parameters by name, as sent.
    :param failure_reason: as sent; empty for a success.
    """

    succeeded: bool
    outputs: Mapping[str, str]
    failure_reason: str = ""


class Callback:
    """One Callback step that waits.

    :param token: what its answer is sent with.
    :param execution_arn: the execution it belongs to.
    """

    def __init__(self, token: str, execution_arn: str) -> None:
        self.token = token
        self.execution_arn = execution_arn
        self._answer: Future[CallbackAnswer] = Future()

    def wait(self) -> CallbackAnswer:
        """Wait for the answer, for as long as it takes."""
        return self._answer.result()

    def answer(self, answer: CallbackAnswer) -> None:
        """Let the step end.

        :param answer: how it ended.
        :raises ValidationError: it was answered before.
        """
        try:
            self._answer.set_result(answer)
        except InvalidStateError:  # the service documents no wording for this
            raise ValidationError(f"The step with the callback token '{self.token}' was already answered.") from None


class Callbacks:
    """The Callback steps of one region. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: dict[str, Callback] = {}

    def open(self, execution_arn: str) -> Callback:
        """A callback with its own token.

        :param execution_arn: the execution of the step.
        """
        callback = Callback(new_callback_token(), execution_arn)
        with self._lock:
            self._callbacks[callback.token] = callback
        return callback

    def get(self, token: str) -> Callback:
        """The callback of a token.

        :param token: the token.
        :raises ResourceNotFoundError: no step was given it.
        """
        with self._lock:
            callback = self._callbacks.get(token)
        if callback is None:
            raise ResourceNotFoundError(f"No step waits for the callback token '{token}'.")
        return callback
