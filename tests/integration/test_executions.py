"""Executions as the service runs and shows them."""

from __future__ import annotations

import itertools
import uuid
from pathlib import Path
from typing import Any

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, token, wait
from tests.integration.documents import BUCKET, condition_step, document, fail_step, processing_step

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


def test_steps_and_executions_run_at_the_same_time_each_with_its_own_opt_ml(endpoint: LocalEndpoint, aws: Aws) -> None:
    """Two steps of one execution meet each other, and so do those of another execution beside it."""
    script = aws.put_script(MEET)

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
    step = processing_step("data-load-step", aws.put_script(""), DisplayName="__main__.load", Description="loads")
    decide = condition_step("decide", [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}], [], [fail_step("no", "")])
    arn = aws.start(document(step, {**decide, "DependsOn": ["data-load-step"]}))
    wait(endpoint, arn)

    response = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    second, first = response["PipelineExecutionSteps"]
    assert "NextToken" not in response
    job_arn = first["Metadata"]["ProcessingJob"]["Arn"]
    execution_id = arn.rpartition("/")[2]
    prefix = f"arn:aws:sagemaker:eu-west-1:123456789012:processing-job/pipelines-{execution_id}-data-load-step-"
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
            processing_step(
                "slow", aws.put_script(see_it_fail), arguments=({"Get": "Execution.PipelineExecutionArn"},)
            ),
            processing_step("fails", aws.put_script("raise RuntimeError('fails first')")),
            processing_step("after-slow", aws.put_script(""), DependsOn=["slow"]),
            processing_step("after-fails", aws.put_script(""), DependsOn=["fails"]),
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
            processing_step("fails", aws.put_script("raise SystemExit(1)")),
            processing_step("repair", aws.put_script(""), DependsOn=[{"Step": "fails", "Trigger": "Failed"}]),
        )
    )
    wait(endpoint, arn)
    assert {name: step["StepStatus"] for name, step in aws.steps(arn).items()} == {
        "fails": "Failed",
        "repair": "Succeeded",
    }
    described = aws.describe(arn)
    assert (described["PipelineExecutionStatus"], described.get("FailureReason")) == ("CompletedWithFailures", None)


def test_no_more_steps_than_allowed_run_at_once(endpoint: LocalEndpoint, aws: Aws) -> None:
    """MaxParallelExecutionSteps 1: steps that could run together run one after another."""
    definition = document(*(processing_step(f"s{index}", aws.put_script("")) for index in range(3)))
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
