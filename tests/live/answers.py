"""Callback steps: they wait for as long as a test likes, at no cost, and end as the test says."""

from __future__ import annotations

import json
import time

QUEUE = "answers"
SECONDS = 120


class Answers:
    """Answers the Callback steps of ``dags/waiting.py``, all of which send to one queue.

    :param sqs: a client.
    :param sagemaker: a client.
    """

    def __init__(self, sqs, sagemaker) -> None:
        self._sqs = sqs
        self._sagemaker = sagemaker
        self._url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
        self._messages = {}

    def await_waiting(self, arn, *steps):
        """Wait until steps of an execution wait for an answer."""
        for step in steps:
            self._message(arn, step)

    def arguments(self, arn, step):
        """Return what a step of an execution was given, once it waits for an answer."""
        return self._message(arn, step)["arguments"]

    def succeed(self, arn, *steps, **outputs):
        """Let steps of an execution succeed, once they wait for an answer."""
        for step in steps:
            self._sagemaker.send_pipeline_execution_step_success(
                CallbackToken=self._take(arn, step),
                OutputParameters=[{"Name": name, "Value": value} for name, value in outputs.items()],
            )

    def fail(self, arn, *steps, reason="no luck"):
        """Let steps of an execution fail, once they wait for an answer."""
        for step in steps:
            self._sagemaker.send_pipeline_execution_step_failure(
                CallbackToken=self._take(arn, step), FailureReason=reason
            )

    def confirm_stop(self, arn, *steps):
        """Wait until the service says to steps that they are being stopped, and let them end."""
        for step in steps:
            self._message(arn, step, "Stopping")
            self.fail(arn, step)

    def _take(self, arn, step):
        message = self._message(arn, step)
        # A step that runs again sends another message.
        del self._messages[arn, step, "Executing"]
        return message["token"]

    def _message(self, arn, step, status="Executing"):
        deadline = time.monotonic() + SECONDS
        while (arn, step, status) not in self._messages:
            assert time.monotonic() < deadline, f"Step {step} of {arn} sent no message ({status}) in {SECONDS} s."
            found = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=5, MaxNumberOfMessages=10)
            for each in found.get("Messages", ()):
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=each["ReceiptHandle"])
                message = json.loads(each["Body"])
                key = (message["pipelineExecutionArn"], message["arguments"]["step"], message["status"])
                self._messages[key] = message
        return self._messages[arn, step, status]
