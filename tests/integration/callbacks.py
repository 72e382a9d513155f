"""Callback steps as a test answers them: a step that waits for as long as the test likes, without a job."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.integration.clients import Aws


class CallbackQueue:
    """A queue of its own, whose messages the test answers.

    :param aws: Clients for the endpoint.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self.url = aws.sqs.create_queue(QueueName=f"callbacks-{uuid.uuid4().hex}")["QueueUrl"]
        self._early: list[dict[str, Any]] = []

    def step(
        self, name: str, outputs: dict[str, str] | None = None, arguments: dict[str, Any] | None = None, **more: Any
    ) -> dict[str, Any]:
        """A Callback step that uses the queue.

        Messages do not name the step that sent them, so its name is among the arguments.
        """
        return {
            "Name": name,
            "Type": "Callback",
            "Arguments": {"step": name, **(arguments or {})},
            "SqsQueueUrl": self.url,
            "OutputParameters": [{"OutputName": key, "OutputType": type_} for key, type_ in (outputs or {}).items()],
            **more,
        }

    def receive(self, step: object, status: str = "Executing") -> dict[str, Any]:
        """The next message of a step, of ``None`` for one without arguments; those of other steps are kept for later."""
        while True:
            for message in self._early:
                if (message["arguments"].get("step"), message["status"]) == (step, status):
                    self._early.remove(message)
                    return message
            received = self._aws.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=20, MaxNumberOfMessages=10)
            assert received.get("Messages"), f"no message of step {step} with status {status} came"
            for message in received["Messages"]:
                self._aws.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                self._early.append(json.loads(message["Body"]))

    def succeed(self, step: object, status: str = "Executing", **outputs: str) -> str:
        """Wait for a step's message and answer it with success."""
        return str(
            self._aws.sagemaker.send_pipeline_execution_step_success(
                CallbackToken=self.receive(step, status)["token"],
                OutputParameters=[{"Name": name, "Value": value} for name, value in outputs.items()],
            )["PipelineExecutionArn"]
        )

    def fail(self, step: object, reason: str, status: str = "Executing") -> str:
        """Wait for a step's message and answer it with failure."""
        return str(
            self._aws.sagemaker.send_pipeline_execution_step_failure(
                CallbackToken=self.receive(step, status)["token"], FailureReason=reason
            )["PipelineExecutionArn"]
        )
