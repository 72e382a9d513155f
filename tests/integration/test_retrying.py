"""Retrying executions: the same execution goes on where it failed or was stopped."""

from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.local.runners.registry import RUNNERS
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import BUCKET, FAIL_ONLY, TRUE, condition_step, document, fail_step, processing_step
from tests.integration.test_stopping import SlowToStart

# Works once the object named by its argument is there.
NEEDS = f"""
import boto3, sys
boto3.client("s3").head_object(Bucket={BUCKET!r}, Key=sys.argv[1])
"""

# Writes its process's own random number, so that two runs never look alike.
RANDOM = "import uuid; open('/opt/ml/processing/output/o/n.txt', 'w').write(uuid.uuid4().hex)"

# Says that it runs by taking a message from its queue; with nothing there it waits to be stopped.
WAIT_FOR_MESSAGE = """
import boto3, sys
sqs = boto3.client("sqs")
url = sqs.create_queue(QueueName=sys.argv[1])["QueueUrl"]
sqs.send_message(QueueUrl=sqs.create_queue(QueueName=sys.argv[1] + "-runs")["QueueUrl"], MessageBody="here")
while not sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20).get("Messages"):
    pass
"""


def retry(aws: Aws, arn: str, **more: Any) -> str:
    """Retry an execution."""
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": token(), **more}
    return str(aws.sagemaker.retry_pipeline_execution(**request)["PipelineExecutionArn"])


def statuses(aws: Aws, arn: str) -> dict[str, tuple[str, int]]:
    """Status and AttemptCount of each step that is listed, by name."""
    return {name: (step["StepStatus"], step["AttemptCount"]) for name, step in aws.steps(arn).items()}


def test_a_retry_runs_what_failed_and_what_never_started(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Same ARN, Succeeded in the end; the step that had succeeded keeps its times, its job and its output."""
    key = uuid.uuid4().hex
    prefix = uuid.uuid4().hex
    arn = aws.start(
        document(
            processing_step("works", aws.put_script(RANDOM), outputs={"o": f"s3://{BUCKET}/{prefix}"}),
            processing_step("fails", aws.put_script(NEEDS), arguments=(key,), DependsOn=["works"]),
            processing_step("after", aws.put_script(""), DependsOn=["fails"]),
        )
    )
    wait(endpoint, arn)
    before = aws.steps(arn)
    number = aws.get(f"s3://{BUCKET}/{prefix}/n.txt")
    assert statuses(aws, arn) == {"works": ("Succeeded", 1), "fails": ("Failed", 1)}
    assert aws.describe(arn)["FailureReason"] == "Step failure: One or multiple steps failed"

    aws.put(key, "")
    assert retry(aws, arn) == arn
    wait(endpoint, arn)

    after = aws.steps(arn)
    described = aws.describe(arn)
    assert (described["PipelineExecutionStatus"], described.get("FailureReason")) == ("Succeeded", None)
    assert statuses(aws, arn) == {"works": ("Succeeded", 1), "fails": ("Succeeded", 2), "after": ("Succeeded", 1)}
    assert after["works"] == before["works"]
    assert aws.get(f"s3://{BUCKET}/{prefix}/n.txt") == number
    assert after["fails"]["StartTime"] >= before["fails"]["EndTime"]
    assert after["fails"]["Metadata"] != before["fails"]["Metadata"]
    assert "FailureReason" not in after["fails"]


def test_a_retry_that_fails_again_can_be_retried_again(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Each retry is one more attempt of the step, with another token each time."""
    key = uuid.uuid4().hex
    arn = aws.start(document(processing_step("fails", aws.put_script(NEEDS), arguments=(key,))))
    wait(endpoint, arn)
    retry(aws, arn)
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"fails": ("Failed", 2)}
    aws.put(key, "")
    retry(aws, arn)
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"fails": ("Succeeded", 3)}


def test_while_it_is_retried_an_execution_is_executing(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A stopped execution: Executing again, the stopped step runs again, and there is no failure reason."""
    queue = uuid.uuid4().hex
    arn = aws.start(document(processing_step("waits", aws.put_script(WAIT_FOR_MESSAGE), arguments=(queue,))))
    url, runs = (aws.sqs.create_queue(QueueName=name)["QueueUrl"] for name in (queue, f"{queue}-runs"))
    assert aws.sqs.receive_message(QueueUrl=runs, WaitTimeSeconds=20)["Messages"]
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"waits": ("Stopped", 1)}

    retry(aws, arn)
    assert aws.sqs.receive_message(QueueUrl=runs, WaitTimeSeconds=20)["Messages"]
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Executing"
    assert statuses(aws, arn) == {"waits": ("Executing", 2)}
    assert not endpoint.wait_for_execution(arn, timeout=0)
    aws.sqs.send_message(QueueUrl=url, MessageBody="go on")
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Succeeded"


def test_a_retry_keeps_definition_parameters_and_outcomes(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The branch decided before stays decided, later updates of the pipeline do not touch the execution."""
    key = uuid.uuid4().hex
    inner = processing_step("inner", aws.put_script(NEEDS), arguments=({"Get": "Parameters.Key"},))
    definition = document(
        condition_step("decide", TRUE, [inner], [fail_step("never", "no")]),
        parameters=({"Name": "Key", "Type": "String", "DefaultValue": "not-there"},),
    )
    arn = aws.start(definition, {"Key": key})
    wait(endpoint, arn)
    decided = aws.steps(arn)["decide"]
    aws.sagemaker.update_pipeline(PipelineName=arn.split("/")[1], PipelineDefinition=json.dumps(FAIL_ONLY))
    aws.put(key, "")
    retry(aws, arn)
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"decide": ("Succeeded", 1), "inner": ("Succeeded", 2)}
    assert aws.steps(arn)["decide"] == decided
    described = aws.describe(arn)
    assert (described["PipelineExecutionStatus"], described["PipelineVersionId"]) == ("Succeeded", 1)


def test_several_retries_with_one_token_are_one_retry(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Ten requests at once: each is answered with the ARN, the step has run once more, and not again later."""
    arn = aws.start(document(processing_step("fails", aws.put_script("raise SystemExit(1)"))))
    wait(endpoint, arn)
    request = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    together = threading.Barrier(10)

    def ask(_: int) -> str:
        together.wait()
        return str(aws.sagemaker.retry_pipeline_execution(**request)["PipelineExecutionArn"])

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(10))) == [arn] * 10
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"fails": ("Failed", 2)}
    assert aws.sagemaker.retry_pipeline_execution(**request)["PipelineExecutionArn"] == arn
    assert statuses(aws, arn) == {"fails": ("Failed", 2)}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Failed"


def test_a_retry_can_bring_its_own_parallelism(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MaxParallelExecutionSteps 1 for the retry: one after another, and described so."""
    key = uuid.uuid4().hex
    script = aws.put_script(NEEDS)
    arn = aws.start(document(*(processing_step(name, script, arguments=(key,)) for name in ("left", "right"))))
    wait(endpoint, arn)
    assert "ParallelismConfiguration" not in aws.describe(arn)
    aws.put(key, "")
    retry(aws, arn, ParallelismConfiguration={"MaxParallelExecutionSteps": 1})
    wait(endpoint, arn)
    assert aws.describe(arn)["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 1}
    first, second = aws.steps(arn).values()
    assert [first["StepStatus"], second["StepStatus"]] == ["Succeeded", "Succeeded"]
    assert first["EndTime"] <= second["StartTime"]


def test_an_execution_that_ended_in_a_fail_step_cannot_be_retried(endpoint: LocalEndpoint, aws: Aws) -> None:
    """ValidationException that names the step; the execution stays as it was."""
    arn = aws.start(document(fail_step("stop-here", "no")))
    wait(endpoint, arn)
    before = aws.steps(arn)
    assert error_of(aws.sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn, ClientRequestToken=token()) == (
        "ValidationException",
        f"Pipeline execution '{arn}' ended in the Fail step 'stop-here', so it cannot be retried",
    )
    assert aws.steps(arn) == before
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Failed"


def test_a_fail_step_that_was_stopped_is_no_end(
    endpoint: LocalEndpoint, aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The execution was stopped before its Fail step had run: it can be retried, and fails then."""
    SlowToStart.reached, SlowToStart.let_go = threading.Event(), threading.Event()
    with monkeypatch.context() as slow:
        slow.setitem(RUNNERS, "Fail", SlowToStart)
        arn = aws.start(document(fail_step("no", "no")))
        assert SlowToStart.reached.wait(60)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    SlowToStart.let_go.set()
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"no": ("Stopped", 1)}
    retry(aws, arn)
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"no": ("Failed", 2)}


@pytest.mark.parametrize("handled", [False, True])
def test_only_what_failed_or_was_stopped_can_be_retried(endpoint: LocalEndpoint, aws: Aws, handled: bool) -> None:
    """Succeeded and CompletedWithFailures are no reason to retry: ValidationException."""
    steps = [condition_step("decide", TRUE, [], [])]
    if handled:
        steps = [
            processing_step("fails", aws.put_script("raise SystemExit(1)")),
            {**condition_step("repair", TRUE, [], []), "DependsOn": [{"Step": "fails", "Trigger": "Failed"}]},
        ]
    arn = aws.start(document(*steps))
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == ("CompletedWithFailures" if handled else "Succeeded")
    assert error_of(aws.sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn, ClientRequestToken=token()) == (
        "ValidationException",
        "Only pipelines with 'Failed' or 'Stopped' status can be retried",
    )


def test_a_running_execution_cannot_be_retried(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Executing: ValidationException, and it runs on undisturbed."""
    queue = uuid.uuid4().hex
    arn = aws.start(document(processing_step("waits", aws.put_script(WAIT_FOR_MESSAGE), arguments=(queue,))))
    assert error_of(aws.sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn, ClientRequestToken=token()) == (
        "ValidationException",
        "Only pipelines with 'Failed' or 'Stopped' status can be retried",
    )
    url = aws.sqs.create_queue(QueueName=queue)["QueueUrl"]
    aws.sqs.send_message(QueueUrl=url, MessageBody="go on")
    wait(endpoint, arn)
    assert statuses(aws, arn) == {"waits": ("Succeeded", 1)}
