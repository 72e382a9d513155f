"""Executions as the service runs and shows them."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, token, wait
from tests.integration.documents import BUCKET, document, processing_step

# Two halves of a meeting: each script says through S3 that it is there and waits for the other. Only scripts that
# run at the same time, each with an /opt/ml of its own, get to the end.
MEET = """
import boto3, os, pathlib, sys
mine, other, prefix = sys.argv[1:]
pathlib.Path("/opt/ml/processing/output/o/who.txt").write_text(mine)
sqs = boto3.client("sqs")
queue = {name: sqs.create_queue(QueueName=f"{prefix}-{name}")["QueueUrl"] for name in (mine, other)}
sqs.send_message(QueueUrl=queue[other], MessageBody="here")
assert sqs.receive_message(QueueUrl=queue[mine], WaitTimeSeconds=20)["Messages"]
assert pathlib.Path("/opt/ml/processing/output/o/who.txt").read_text() == mine
"""
# Says that it runs by writing to its queue, then waits for a signal.
RUN_UNTIL_STOPPED = """
import boto3, signal, sys
sqs = boto3.client("sqs")
sqs.send_message(QueueUrl=sqs.create_queue(QueueName=sys.argv[1])["QueueUrl"], MessageBody=str(__import__("os").getpid()))
signal.pause()
"""


def code(aws: Aws, text: str) -> str:
    """Store a script."""
    return aws.put(f"code/{uuid.uuid4().hex}/script.py", text)


def fail_step(name: str, message: Any, **more: Any) -> dict[str, Any]:
    """A Fail step."""
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def condition_step(name: str, conditions: list[Any], if_steps: list[Any], else_steps: list[Any]) -> dict[str, Any]:
    """A Condition step."""
    arguments = {"Conditions": conditions, "IfSteps": if_steps, "ElseSteps": else_steps}
    return {"Name": name, "Type": "Condition", "Arguments": arguments}


def wait_until_running(aws: Aws, queue_name: str) -> int:
    """Wait until a RUN_UNTIL_STOPPED script runs, and return its process id."""
    url = aws.sqs.create_queue(QueueName=queue_name)["QueueUrl"]
    (message,) = aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    return int(message["Body"])


def test_steps_and_executions_run_at_the_same_time_each_with_its_own_opt_ml(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Two steps of one execution meet each other, and so do those of another execution beside it."""
    script = code(aws, MEET)

    def pair() -> dict[str, Any]:
        prefix = uuid.uuid4().hex
        return document(
            *(
                processing_step(
                    mine,
                    script,
                    outputs={"o": f"s3://{BUCKET}/{prefix}/{mine}"},
                    arguments=(mine, other, prefix),
                )
                for mine, other in (("left", "right"), ("right", "left"))
            )
        )

    arns = [aws.start(pair()) for _ in range(2)]
    for arn in arns:
        wait(endpoint, arn)
    ends = [(step["StepStatus"], step.get("FailureReason")) for arn in arns for step in aws.steps(arn).values()]
    assert ends == [("Succeeded", None)] * 4
    assert not Path("/opt/ml").exists()


def test_steps_are_listed_as_in_recorded_executions(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The members of every entry, newest first; facts taken from responses of real executions."""
    step = processing_step("data-load-step", code(aws, ""), DisplayName="__main__.load", Description="loads")
    decide = condition_step("decide", [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}], [], [fail_step("no", "")])
    arn = aws.start(document(step, {**decide, "DependsOn": ["data-load-step"]}))
    wait(endpoint, arn)

    response = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    second, first = response["PipelineExecutionSteps"]
    assert "NextToken" not in response
    job_arn = first["Metadata"]["ProcessingJob"]["Arn"]
    execution_id = arn.rpartition("/")[2]
    prefix = f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/pipelines-{execution_id}-data-load-step-"
    assert job_arn.startswith(prefix)
    assert len(job_arn) == len(prefix) + 10
    start, end = first.pop("StartTime"), first.pop("EndTime")
    assert first == {
        "StepName": "data-load-step",
        "StepDisplayName": "__main__.load",
        "StepDescription": "loads",
        "StepStatus": "Succeeded",
        "Metadata": {"ProcessingJob": {"Arn": job_arn}},
        "AttemptCount": 1,
    }
    assert start <= end <= second.pop("StartTime") <= second.pop("EndTime")
    assert second == {
        "StepName": "decide",
        "StepStatus": "Succeeded",
        "Metadata": {"Condition": {"Outcome": "True"}},
        "AttemptCount": 1,
    }


def test_an_execution_is_described_as_in_recorded_executions(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Display name `execution-<epoch milliseconds>`, the experiment config evaluated, the pipeline's ARN."""
    definition = document(fail_step("no", "no")) | {
        "PipelineExperimentConfig": {
            "ExperimentName": {"Get": "Execution.PipelineName"},
            "TrialName": {"Get": "Execution.PipelineExecutionId"},
        }
    }
    arn = aws.start(definition)
    wait(endpoint, arn)
    described = aws.describe(arn)
    pipeline_arn, _, execution_id = arn.partition("/execution/")
    created = described.pop("CreationTime")
    assert described.pop("LastModifiedTime") >= created
    described.pop("ResponseMetadata")
    assert described == {
        "PipelineArn": pipeline_arn,
        "PipelineExecutionArn": arn,
        "PipelineExecutionDisplayName": f"execution-{round(created.timestamp() * 1000)}",
        "PipelineExecutionStatus": "Failed",
        "PipelineExperimentConfig": {
            "ExperimentName": pipeline_arn.rpartition("/")[2],
            "TrialName": execution_id,
        },
        "FailureReason": "Step failure: One or multiple steps failed",
        "CreatedBy": {},
        "LastModifiedBy": {},
        "PipelineVersionId": 1,
        "RoleArn": "arn:aws:iam::123456789012:role/SageMakerRole",
    }


def test_steps_come_in_pages(endpoint: LocalEndpoint, aws: Aws) -> None:
    """More steps than fit on a page: boto3's paginator finds each of them once, in order."""
    true = [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]
    names = [f"c{index}" for index in range(5)]
    steps = [
        {**condition_step(name, true, [], []), "DependsOn": [names[index - 1]] if index else []}
        for index, name in enumerate(names)
    ]
    arn = aws.start(document(*steps))
    wait(endpoint, arn)
    pages = aws.sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
        PipelineExecutionArn=arn, SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    assert [[step["StepName"] for step in page["PipelineExecutionSteps"]] for page in pages] == [
        ["c0", "c1"],
        ["c2", "c3"],
        ["c4"],
    ]


def test_after_a_failure_running_steps_finish_and_nothing_else_starts(endpoint: LocalEndpoint, aws: Aws) -> None:
    """`slow` runs when `fails` fails; it is left to finish, and what depends on either never appears."""
    see_it_fail = """
import boto3, sys
sagemaker = boto3.client("sagemaker")
status = None
while status != "Failed":
    steps = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=sys.argv[1])["PipelineExecutionSteps"]
    status = {step["StepName"]: step["StepStatus"] for step in steps}["fails"]
"""
    arn = aws.start(
        document(
            processing_step("slow", code(aws, see_it_fail), arguments=({"Get": "Execution.PipelineExecutionArn"},)),
            processing_step("fails", code(aws, "raise RuntimeError('fails first')")),
            processing_step("after-slow", code(aws, ""), DependsOn=["slow"]),
            processing_step("after-fails", code(aws, ""), DependsOn=["fails"]),
        )
    )
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {
        "slow": "Succeeded",
        "fails": "Failed",
    }
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Failed"


def test_a_handled_failure_ends_in_completed_with_failures(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A step with the trigger Failed runs because its upstream failed."""
    arn = aws.start(
        document(
            processing_step("fails", code(aws, "raise SystemExit(1)")),
            processing_step("repair", code(aws, ""), DependsOn=[{"Step": "fails", "Trigger": "Failed"}]),
        )
    )
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {
        "fails": "Failed",
        "repair": "Succeeded",
    }
    described = aws.describe(arn)
    assert (described["PipelineExecutionStatus"], described.get("FailureReason")) == ("CompletedWithFailures", None)


def test_a_condition_that_cannot_be_decided_fails_and_takes_no_branch(endpoint: LocalEndpoint, aws: Aws) -> None:
    """A property file without the value: Failed with the reason, never a silent else."""
    script = "open('/opt/ml/processing/output/o/m.json', 'w').write('{\"loss\": 1}')"
    evaluate = processing_step(
        "evaluate",
        code(aws, script),
        outputs={"o": f"s3://{BUCKET}/{uuid.uuid4().hex}"},
        PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "o", "FilePath": "m.json"}],
    )
    left = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "accuracy"}}
    decide = condition_step(
        "decide",
        [{"Type": "GreaterThan", "LeftValue": left, "RightValue": 0.5}],
        [fail_step("yes", "yes")],
        [fail_step("no", "no")],
    )
    arn = aws.start(document(evaluate, decide))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert list(steps) == ["evaluate", "decide"]
    assert (steps["decide"]["StepStatus"], steps["decide"]["Metadata"]) == ("Failed", {})
    assert steps["decide"]["FailureReason"] == (
        "Property file 'metrics' of step 'evaluate' has nothing at 'accuracy': at the top there is an object with"
        " the keys 'loss'."
    )


def test_a_missing_property_file_is_named(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The script did not write it: S3's words and the place."""
    prefix = uuid.uuid4().hex
    evaluate = processing_step(
        "evaluate",
        code(aws, ""),
        outputs={"o": f"s3://{BUCKET}/{prefix}"},
        PropertyFiles=[{"PropertyFileName": "metrics", "OutputName": "o", "FilePath": "m.json"}],
    )
    message = {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.evaluate.PropertyFiles.metrics"}, "Path": "a"}}
    arn = aws.start(document(evaluate, fail_step("no", message)))
    wait(endpoint, arn)
    assert aws.steps(arn)["no"]["FailureReason"] == (
        f"cannot read s3://{BUCKET}/{prefix}/m.json: Error message from S3: The specified key does not exist."
    )


def test_a_step_type_that_is_not_run_here_fails_with_a_reason(endpoint: LocalEndpoint, aws: Aws) -> None:
    """CreatePipeline takes the document, as AWS would; the step says what the endpoint runs."""
    step = {
        "Name": "notify",
        "Type": "Lambda",
        "Arguments": {},
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "OutputParameters": [],
    }
    arn = aws.start(document(step))
    wait(endpoint, arn)
    assert aws.steps(arn)["notify"]["FailureReason"] == (
        "ClientError: the local endpoint does not run steps of type 'Lambda'. It runs Condition, Fail, Model,"
        " Processing, RegisterModel, Training. Run this pipeline on AWS, or leave the step out locally."
    )


def test_a_model_step_makes_a_model(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The model exists afterwards, and later steps can refer to its name."""
    step = {
        "Name": "create_model",
        "Type": "Model",
        "Arguments": {"PrimaryContainer": {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}},
    }
    arn = aws.start(document(step, fail_step("say", {"Get": "Steps.create_model.ModelName"})))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    name = steps["create_model"]["Metadata"]["Model"]["Arn"].rpartition("/")[2]
    assert name.startswith(f"pipelines-{arn.rpartition('/')[2]}-create-model-")
    assert steps["say"]["FailureReason"] == name
    assert aws.sagemaker.describe_model(ModelName=name)["PrimaryContainer"]["Image"] == "image"


def test_execution_variables_have_values(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Names, ARNs and the start time of the execution, joined."""
    variables = ("PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn", "StartDateTime")
    values = [{"Get": f"Execution.{name}"} for name in variables]
    arn = aws.start(document(fail_step("say", {"Std:Join": {"On": " ", "Values": values}})))
    wait(endpoint, arn)
    pipeline_arn, _, execution_id = arn.partition("/execution/")
    created = aws.describe(arn)["CreationTime"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert aws.steps(arn)["say"]["FailureReason"] == " ".join(
        (pipeline_arn.rpartition("/")[2], pipeline_arn, execution_id, arn, created)
    )


def test_an_outcome_is_a_boolean_to_expressions(endpoint: LocalEndpoint, aws: Aws) -> None:
    """`True` in the metadata, `true` in a Join."""
    decide = condition_step("decide", [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}], [], [fail_step("no", "")])
    say = fail_step("say", {"Std:Join": {"On": " ", "Values": ["it is", {"Get": "Steps.decide.Outcome"}]}})
    arn = aws.start(document(decide, say))
    wait(endpoint, arn)
    steps = aws.steps(arn)
    assert steps["decide"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    assert steps["say"]["FailureReason"] == "it is true"


def test_a_model_package_that_is_refused_is_the_steps_failure(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The operation that refused it, and its words."""
    for arguments, reason in (
        (
            {"ModelPackageGroupName": "under_score"},
            (
                "ClientError: Failed to invoke sagemaker:CreateModelPackageGroup. Error Details: 1 validation error"
                " detected: Value 'under_score' at 'modelPackageGroupName' failed to satisfy constraint: Member must"
                " satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
            ),
        ),
        (
            {"ModelPackageGroupName": "churn", "ModelApprovalStatus": "Maybe"},
            (
                "ClientError: Failed to invoke sagemaker:CreateModelPackage. Error Details: 1 validation error detected:"
                " Value 'Maybe' at 'modelApprovalStatus' failed to satisfy constraint: Member must satisfy enum value"
                " set: [Approved, Rejected, PendingManualApproval]"
            ),
        ),
    ):
        arn = aws.start(document({"Name": "register", "Type": "RegisterModel", "Arguments": arguments}))
        wait(endpoint, arn)
        assert aws.steps(arn)["register"]["FailureReason"] == reason


def test_stopping_ends_the_running_job_and_starts_nothing(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Stopping, then Stopped, for execution, step and job; the process is gone; a second stop is refused."""
    queue = uuid.uuid4().hex
    arn = aws.start(
        document(
            processing_step("runs", code(aws, RUN_UNTIL_STOPPED), arguments=(queue,)),
            processing_step("never", code(aws, ""), DependsOn=["runs"]),
        )
    )
    pid = wait_until_running(aws, queue)
    stop = token()
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=stop)
    wait(endpoint, arn)

    steps = aws.steps(arn)
    assert {name: step["StepStatus"] for name, step in steps.items()} == {"runs": "Stopped"}
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"
    name = steps["runs"]["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
    assert aws.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] == "Stopped"
    assert not Path(f"/proc/{pid}").exists()
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=stop)
    with pytest.raises(ClientError) as error:
        aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    assert error.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": "Only pipelines with 'Executing' status can be stopped",
    }


def test_a_script_that_does_not_listen_is_killed_after_the_grace_period(endpoint: LocalEndpoint, aws: Aws) -> None:
    """SIGTERM ignored: SIGKILL follows, and the execution is Stopped all the same."""
    queue = uuid.uuid4().hex
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + RUN_UNTIL_STOPPED
    deaf = deaf.replace("signal.pause()", "while True: signal.pause()")
    arn = aws.start(document(processing_step("deaf", code(aws, deaf), arguments=(queue,))))
    pid = wait_until_running(aws, queue)
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopping"
    assert aws.steps(arn)["deaf"]["StepStatus"] == "Stopping"
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"
    assert not Path(f"/proc/{pid}").exists()


def test_a_pipeline_is_not_deleted_under_a_running_execution(endpoint: LocalEndpoint, aws: Aws) -> None:
    """ConflictException, and what to do; afterwards the execution can still be described."""
    queue = uuid.uuid4().hex
    arn = aws.start(document(processing_step("runs", code(aws, RUN_UNTIL_STOPPED), arguments=(queue,))))
    name = arn.split("/")[1]
    wait_until_running(aws, queue)
    with pytest.raises(ClientError, match=r"ConflictException.*Stop the execution first\."):
        aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    aws.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=token())
    wait(endpoint, arn)
    aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Stopped"


def test_no_more_steps_than_allowed_run_at_once(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MaxParallelExecutionSteps 1: steps that could run together run one after another."""
    definition = document(*(processing_step(f"s{index}", code(aws, "")) for index in range(3)))
    arn = aws.start(definition)
    wait(endpoint, arn)
    one_by_one = aws.sagemaker.start_pipeline_execution(
        PipelineName=arn.split("/")[1],
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
        ClientRequestToken=token(),
    )["PipelineExecutionArn"]
    wait(endpoint, one_by_one)
    steps = list(aws.steps(one_by_one).values())
    assert [step["StepStatus"] for step in steps] == ["Succeeded"] * 3
    assert all(earlier["EndTime"] <= later["StartTime"] for earlier, later in itertools.pairwise(steps))
