"""Callback steps: a message goes out, and the answer is the step's end."""

from __future__ import annotations

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import document, fail_step


@pytest.fixture
def queue(aws: Aws) -> CallbackQueue:
    """A queue of the test's own."""
    return CallbackQueue(aws)


def test_the_message_and_the_answer(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """The message's four members, what the step shows while it waits and after, and its outputs as values."""
    outputs = {"text": "String", "count": "Integer", "share": "Float", "good": "Boolean"}
    values = [{"Get": f"Steps.ask.OutputParameters['{name}']"} for name in outputs]
    arn = aws.start(
        document(
            queue.step("ask", outputs, {"who": {"Get": "Parameters.Who"}}),
            fail_step("say", {"Std:Join": {"On": " ", "Values": values}}),
            parameters=({"Name": "Who", "Type": "String", "DefaultValue": "nobody"},),
        ),
        {"Who": "me"},
    )
    message = queue.receive("ask")
    sent = message["token"]
    assert message == {
        "token": sent,
        "pipelineExecutionArn": arn,
        "arguments": {"step": "ask", "who": "me"},
        "status": "Executing",
    }
    waiting = aws.steps(arn)["ask"]
    assert (waiting["StepStatus"], waiting["Metadata"]) == (
        "Executing",
        {"Callback": {"CallbackToken": sent, "SqsQueueUrl": queue.url, "OutputParameters": []}},
    )
    answer = [
        {"Name": "text", "Value": "blue"},
        {"Name": "count", "Value": "3"},
        {"Name": "share", "Value": "0.50"},
        {"Name": "good", "Value": "True"},
    ]
    answered = aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=sent, OutputParameters=answer)
    assert answered["PipelineExecutionArn"] == arn
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert (steps["ask"]["StepStatus"], steps["ask"]["Metadata"]["Callback"]["OutputParameters"]) == (
        "Succeeded",
        answer,
    )
    assert steps["say"]["FailureReason"] == "blue 3 0.5 true"


def test_a_failure_is_the_steps_failure(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """SendPipelineExecutionStepFailure: the step and the execution fail, with the reason sent."""
    arn = aws.start(document(queue.step("ask")))
    assert queue.fail("ask", "nobody answers") == arn
    wait(endpoint, arn)
    step = aws.steps(arn)["ask"]
    assert (step["StepStatus"], step["FailureReason"]) == ("Failed", "nobody answers")
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Failed"


def test_an_output_of_another_type_than_declared_fails_the_step(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue
) -> None:
    """`ten` is no Integer."""
    arn = aws.start(document(queue.step("ask", {"count": "Integer"})))
    queue.succeed("ask", count="ten")
    wait(endpoint, arn)
    assert aws.steps(arn)["ask"]["FailureReason"] == (
        "ClientError: The output parameter 'count' is declared Integer, and its value is 'ten'."
    )


def test_a_step_whose_queue_is_not_there_fails(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """SQS's words, and the queue's address."""
    gone = queue.url + "-gone"
    arn = aws.start(document({**queue.step("ask"), "SqsQueueUrl": gone}))
    wait(endpoint, arn)
    assert aws.steps(arn)["ask"]["FailureReason"] == (
        f"ClientError: Failed to invoke sqs:SendMessage. Error Details: The specified queue does not exist. ({gone})"
    )


def test_an_answer_counts_once(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """The same ClientRequestToken is answered again; another answer is refused; so is an unknown token."""
    arn = aws.start(document(queue.step("ask")))
    sent = queue.receive("ask")["token"]
    request = {"CallbackToken": sent, "ClientRequestToken": token()}
    for _ in range(2):
        assert aws.sagemaker.send_pipeline_execution_step_success(**request)["PipelineExecutionArn"] == arn
    wait(endpoint, arn)
    assert error_of(aws.sagemaker.send_pipeline_execution_step_failure, CallbackToken=sent) == (
        "ValidationException",
        f"The step with the callback token '{sent}' was already answered.",
    )
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert error_of(aws.sagemaker.send_pipeline_execution_step_failure, CallbackToken="0123456789") == (
        "ResourceNotFound",
        "No step waits for the callback token '0123456789'.",
    )


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_stopped_step_ends_when_it_is_answered(
    endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue, succeeds: bool
) -> None:
    """A second message says Stopping; until it is answered, either way, the execution is Stopping too."""
    arn = aws.start(document(queue.step("ask"), queue.step("never", DependsOn=["ask"])))
    first = queue.receive("ask")
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    second = queue.receive("ask", "Stopping")
    assert second == {**first, "status": "Stopping"}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopping"
    assert aws.steps(arn)["ask"]["StepStatus"] == "Stopping"
    send = (
        aws.sagemaker.send_pipeline_execution_step_success
        if succeeds
        else aws.sagemaker.send_pipeline_execution_step_failure
    )
    send(CallbackToken=second["token"])
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {"ask": "Stopped"}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"


def test_the_queue_may_be_a_parameter(endpoint: LocalEndpoint, aws: Aws, queue: CallbackQueue) -> None:
    """SqsQueueUrl is an expression like any other."""
    step = {**queue.step("ask"), "SqsQueueUrl": {"Get": "Parameters.Queue"}}
    arn = aws.start(document(step, parameters=({"Name": "Queue", "Type": "String"},)), {"Queue": queue.url})
    queue.succeed("ask")
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"
