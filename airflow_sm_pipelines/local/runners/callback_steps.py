"""Callback steps: a message to an SQS queue, and the wait for the answer."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.callbacks import Callback
from airflow_sm_pipelines.local.runners.output_parameters import shown_outputs, typed_outputs
from airflow_sm_pipelines.local.runners.step import StepEnd, StepFailedError, StepRunner

logger = logging.getLogger(__name__)


@dataclass(eq=False)
class CallbackStepRunner(StepRunner):
    """Sends ``{token, pipelineExecutionArn, arguments, status}`` and waits until the token is answered.

    A stop sends a second message with the status ``Stopping``; the step ends only when that is answered, either way
    (botocore's service model, StopPipelineExecution).
    """

    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)
    _message: dict[str, Any] | None = field(default=None, init=False)
    _queue_url: str = field(default="", init=False)

    def run(self) -> StepEnd:
        """Send the message and wait."""
        arguments = self.arguments()
        self._queue_url = evaluate(self.step.extra["SqsQueueUrl"], self.lookup())
        callback = self.services.callbacks.open(str(self.execution.arn))
        message = {"token": callback.token, "pipelineExecutionArn": callback.execution_arn, "arguments": arguments}
        with self._lock:
            if self._stopped.is_set():
                return StepEnd(StepStatus.STOPPED)
            self._report(callback, {})
            self._send({**message, "status": "Executing"})
            self._message = message
        answer = callback.wait()
        if self._stopped.is_set():
            return StepEnd(StepStatus.STOPPED)
        if not answer.succeeded:
            return StepEnd(StepStatus.FAILED, answer.failure_reason)
        self._report(callback, answer.outputs)
        return StepEnd(StepStatus.SUCCEEDED, properties={"OutputParameters": typed_outputs(self.step, answer.outputs)})

    def stop(self) -> None:
        """Tell the queue, from a thread: the queue is behind the door that the request to stop came through."""
        threading.Thread(target=self._say_stopping, name=f"stop-{self.step.name}", daemon=True).start()

    def _say_stopping(self) -> None:
        with self._lock:
            if self._stopped.is_set():
                return
            self._stopped.set()
            if self._message is None:
                return
            try:
                self._send({**self._message, "status": "Stopping"})
            except StepFailedError as error:  # the first message went out, so the answer may still come
                logger.warning("step %s of %s: %s", self.step.name, self.execution.arn, error)

    def _report(self, callback: Callback, outputs: Mapping[str, str]) -> None:
        self.report(
            {
                "Callback": {
                    "CallbackToken": callback.token,
                    "SqsQueueUrl": self._queue_url,
                    "OutputParameters": shown_outputs(outputs),
                }
            }
        )

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self.services.clients["sqs"].send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))
        except ClientError as error:
            raise StepFailedError(
                "ClientError: Failed to invoke sqs:SendMessage. Error Details:"
                f" {error.response['Error'].get('Message', error)} ({self._queue_url})"
            ) from error
