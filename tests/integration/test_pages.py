"""Pages of every List operation on pipelines and executions."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.callbacks import CallbackQueue
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import FAIL_ONLY, ROLE, document, fail_step, instant_step


def test_pipelines_come_in_pages(aws: Aws) -> None:
    """By name or by time of creation, either way, of a prefix."""
    prefix = f"pages-{uuid.uuid4().hex[:8]}"
    names = [f"{prefix}-{letter}" for letter in "cab"]
    for name in names:
        aws.sagemaker.create_pipeline(
            PipelineName=name, PipelineDefinition=json.dumps(FAIL_ONLY), RoleArn=ROLE, ClientRequestToken=token()
        )

    def pages(**request: str) -> list[str]:
        paginator = aws.sagemaker.get_paginator("list_pipelines")
        found = paginator.paginate(PipelineNamePrefix=prefix, PaginationConfig={"PageSize": 2}, **request)
        return ["".join(each["PipelineName"][-1] for each in page["PipelineSummaries"]) for page in found]

    assert pages() == ["ba", "c"]
    assert pages(SortOrder="Ascending") == ["ca", "b"]
    assert pages(SortBy="Name", SortOrder="Ascending") == ["ab", "c"]
    assert pages(ManagedBy="CUSTOMER") == ["ba", "c"]
    assert pages(ManagedBy="AWS") == [""]


def test_executions_are_sorted_and_filtered(endpoint: LocalEndpoint, aws: Aws, name: str) -> None:
    """By ARN or by time of creation; CreatedAfter and CreatedBefore leave out the moment itself."""
    arns = []
    for _ in range(3):
        start = aws.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token())
        arns.append(start["PipelineExecutionArn"])
        wait(endpoint, arns[-1])

    def found(**request: Any) -> list[str]:
        response = aws.sagemaker.list_pipeline_executions(PipelineName=name, **request)
        return [each["PipelineExecutionArn"] for each in response["PipelineExecutionSummaries"]]

    assert found(SortOrder="Ascending") == arns
    assert found(SortBy="PipelineExecutionArn", SortOrder="Ascending") == sorted(arns)
    assert found(SortBy="PipelineExecutionArn") == sorted(arns, reverse=True)
    middle = aws.describe(arns[1])["CreationTime"]
    assert found(
        CreatedAfter=middle - dt.timedelta(milliseconds=1), CreatedBefore=middle + dt.timedelta(milliseconds=1)
    ) == [arns[1]]
    assert found(CreatedAfter=middle) == [arns[2]]
    assert found(CreatedBefore=middle) == [arns[0]]


def test_parameters_come_in_pages(endpoint: LocalEndpoint, aws: Aws) -> None:
    """In the order in which they were given."""
    names = ["C", "A", "D", "B"]
    declared = tuple({"Name": name, "Type": "String"} for name in names)
    arn = aws.start(document(fail_step("no", "no"), parameters=declared), {name: name.lower() for name in names})
    wait(endpoint, arn)
    pages = aws.sagemaker.get_paginator("list_pipeline_parameters_for_execution").paginate(
        PipelineExecutionArn=arn, PaginationConfig={"PageSize": 3}
    )
    assert [page["PipelineParameters"] for page in pages] == [
        [{"Name": name, "Value": name.lower()} for name in names[:3]],
        [{"Name": "B", "Value": "b"}],
    ]


def test_steps_that_start_between_two_pages_are_found(endpoint: LocalEndpoint, aws: Aws) -> None:
    """150 steps, two full pages' worth at the service's size: each once, also while more of them start."""
    queue = CallbackQueue(aws)
    early = [f"early-{index}" for index in range(120)]
    late = [f"late-{index}" for index in range(30)]
    arn = aws.start(
        document(
            *(instant_step(name) for name in early),
            queue.step("gate", DependsOn=early),
            *(instant_step(name, "gate") for name in late),
        )
    )
    queue.receive("gate")
    first = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
    assert len(first["PipelineExecutionSteps"]) == 100
    aws.sagemaker.send_pipeline_execution_step_success(
        CallbackToken=aws.steps(arn)["gate"]["Metadata"]["Callback"]["CallbackToken"]
    )
    wait(endpoint, arn)
    second = aws.sagemaker.list_pipeline_execution_steps(
        PipelineExecutionArn=arn, SortOrder="Ascending", NextToken=first["NextToken"]
    )
    assert "NextToken" not in second
    listed = [step["StepName"] for step in first["PipelineExecutionSteps"] + second["PipelineExecutionSteps"]]
    assert sorted(listed) == sorted([*early, "gate", *late])


@pytest.mark.parametrize(
    ("operation", "by"),
    [
        ("list_pipelines", ""),
        ("list_pipeline_versions", "PipelineName"),
        ("list_pipeline_executions", "PipelineName"),
        ("list_pipeline_execution_steps", "PipelineExecutionArn"),
        ("list_pipeline_parameters_for_execution", "PipelineExecutionArn"),
    ],
)
def test_a_token_from_elsewhere_is_refused(
    endpoint: LocalEndpoint, aws: Aws, name: str, operation: str, by: str
) -> None:
    """ValidationException, not the first page."""
    arn = aws.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token())["PipelineExecutionArn"]
    wait(endpoint, arn)
    what = {"": {}, "PipelineName": {by: name}, "PipelineExecutionArn": {by: arn}}[by]
    assert error_of(getattr(aws.sagemaker, operation), **what, NextToken="bm90aGluZw==") == (
        "ValidationException",
        "Invalid NextToken: it did not come from an earlier response to this request.",
    )


def test_an_execution_is_updated_while_it_runs(endpoint: LocalEndpoint, aws: Aws) -> None:
    """UpdatePipelineExecution: what it is called, and more steps at once from now on."""
    queue = CallbackQueue(aws)
    arn = aws.start(document(queue.step("left"), queue.step("right")))
    queue.succeed("left")
    queue.succeed("right")
    wait(endpoint, arn)
    one = aws.sagemaker.start_pipeline_execution(
        PipelineName=arn.split("/")[1],
        ParallelismConfiguration={"MaxParallelExecutionSteps": 1},
        ClientRequestToken=token(),
    )["PipelineExecutionArn"]
    first = queue.receive("left")
    assert list(aws.steps(one)) == ["left"]
    aws.sagemaker.update_pipeline_execution(
        PipelineExecutionArn=one,
        PipelineExecutionDisplayName="wider",
        PipelineExecutionDescription="two at once",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 2},
    )
    queue.succeed("right")
    described = aws.describe(one)
    assert {
        key: described[key]
        for key in ("PipelineExecutionDisplayName", "PipelineExecutionDescription", "ParallelismConfiguration")
    } == {
        "PipelineExecutionDisplayName": "wider",
        "PipelineExecutionDescription": "two at once",
        "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2},
    }
    aws.sagemaker.send_pipeline_execution_step_success(CallbackToken=first["token"])
    wait(endpoint, one)
    assert aws.describe(one)["PipelineExecutionStatus"] == "Succeeded"
