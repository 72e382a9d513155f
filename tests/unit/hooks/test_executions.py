from __future__ import annotations

import itertools
from datetime import datetime, timezone

import pytest

from airflow_sm_pipelines.exceptions import SageMakerServiceError
from airflow_sm_pipelines.hooks.executions import StartRequest
from tests.scripted_service import EXECUTION_ARN, Refusal
from tests.versions import needs_argument

TOKEN = "t" * 32
OTHER = EXECUTION_ARN.replace("abcdef123456", "source123456")


def summaries(*ids: str) -> list[dict[str, str]]:
    return [{"PipelineExecutionArn": f"arn:{each}", "PipelineExecutionStatus": "Succeeded"} for each in ids]


@needs_argument("MlflowExperimentName")
def test_start_with_everything(service, hook):
    """Version, parallelism, selected steps, their source and the MLflow experiment are members of the request."""
    service.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    hook.start_execution(
        StartRequest(
            pipeline_name="churn",
            parameters={},
            client_request_token="t" * 32,
            description="by Airflow",
            pipeline_version_id=3,
            max_parallel_execution_steps=2,
            selected_steps=["train", "evaluate"],
            source_pipeline_execution_arn=OTHER,
            mlflow_experiment_name="churn models",
        )
    )
    assert service.requests_of("StartPipelineExecution") == [
        {
            "PipelineName": "churn",
            "ClientRequestToken": "t" * 32,
            "PipelineParameters": [],
            "PipelineExecutionDescription": "by Airflow",
            "PipelineVersionId": 3,
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 2},
            "SelectiveExecutionConfig": {
                "SelectedSteps": [{"StepName": "train"}, {"StepName": "evaluate"}],
                "SourcePipelineExecutionArn": OTHER,
            },
            "MlflowExperimentName": "churn models",
        }
    ]


@needs_argument("PipelineVersionAlias")
def test_start_of_an_aliased_version_with_steps_that_need_no_source(service, hook):
    """A version can be named by its alias, and steps that need no other step's outputs have no source."""
    service.answers["StartPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    hook.start_execution(
        StartRequest(
            pipeline_name="churn",
            parameters={},
            client_request_token="t" * 32,
            pipeline_version_alias="approved",
            selected_steps=["prepare"],
        )
    )
    assert service.requests_of("StartPipelineExecution") == [
        {
            "PipelineName": "churn",
            "ClientRequestToken": "t" * 32,
            "PipelineParameters": [],
            "PipelineVersionAlias": "approved",
            "SelectiveExecutionConfig": {"SelectedSteps": [{"StepName": "prepare"}]},
        }
    ]


def test_every_stop_has_a_token_of_its_own(service, hook):
    """A stop after a resume is no repetition of the stop before it."""
    service.answers["StopPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    hook.stop_execution(EXECUTION_ARN)
    hook.stop_execution(EXECUTION_ARN)
    first, second = service.requests_of("StopPipelineExecution")
    assert first["PipelineExecutionArn"] == second["PipelineExecutionArn"] == EXECUTION_ARN
    assert len({first["ClientRequestToken"], second["ClientRequestToken"]}) == 2


def test_retry(service, hook):
    """A retry names the execution, its token, and how many steps may run at once where that is asked for."""
    service.answers["RetryPipelineExecution"] = [{"PipelineExecutionArn": EXECUTION_ARN}]
    hook.retry_execution(EXECUTION_ARN, client_request_token="t" * 32)
    hook.retry_execution(EXECUTION_ARN, client_request_token="u" * 32, max_parallel_execution_steps=4)
    assert service.requests_of("RetryPipelineExecution") == [
        {"PipelineExecutionArn": EXECUTION_ARN, "ClientRequestToken": "t" * 32},
        {
            "PipelineExecutionArn": EXECUTION_ARN,
            "ClientRequestToken": "u" * 32,
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": 4},
        },
    ]


def test_executions_are_listed_the_latest_first_over_all_pages(service, hook):
    """All pages are followed, with the limits in each request."""
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": summaries("c", "b"), "NextToken": "page-2"},
        {"PipelineExecutionSummaries": summaries("a")},
    ]
    after, before = (datetime(2026, 1, day, tzinfo=timezone.utc) for day in (1, 2))
    listed = list(hook.list_executions("churn", created_after=after, created_before=before, page_size=2))
    assert listed == summaries("c", "b", "a")
    request = {
        "PipelineName": "churn",
        "SortBy": "CreationTime",
        "SortOrder": "Descending",
        "MaxResults": 2,
        "CreatedAfter": after.timestamp(),
        "CreatedBefore": before.timestamp(),
    }
    assert service.requests_of("ListPipelineExecutions") == [request, request | {"NextToken": "page-2"}]


def test_pages_that_nobody_looks_at_are_not_asked_for(service, hook):
    """Whoever wants the latest execution only costs one call."""
    service.answers["ListPipelineExecutions"] = [
        {"PipelineExecutionSummaries": summaries("b"), "NextToken": "page-2"},
        {"PipelineExecutionSummaries": summaries("a")},
    ]
    assert list(itertools.islice(hook.list_executions("churn", page_size=1), 1)) == summaries("b")
    assert service.count("ListPipelineExecutions") == 1


def test_executions_of_no_pipeline(service, hook):
    """A pipeline that does not exist is an error with the service's code, which callers tell from others."""
    service.answers["ListPipelineExecutions"] = [Refusal("ResourceNotFound", "Pipeline 'churn' does not exist.")]
    with pytest.raises(SageMakerServiceError) as caught:
        list(hook.list_executions("churn"))
    assert caught.value.code == "ResourceNotFound"


@pytest.mark.parametrize(
    ("operation", "call", "passes"),
    [
        ("StopPipelineExecution", lambda hook: hook.stop_execution(EXECUTION_ARN), True),
        ("RetryPipelineExecution", lambda hook: hook.retry_execution(EXECUTION_ARN, client_request_token=TOKEN), True),
        (
            "StartPipelineExecution",
            lambda hook: hook.start_execution(StartRequest("p", {}, TOKEN)),
            False,
        ),
    ],
    ids=["stop", "retry", "start"],
)
def test_conflicts_that_pass(service, hook, operation, call, passes):
    """An execution between two steps can soon be stopped and retried; a start whose token was used otherwise never works."""
    service.answers[operation] = [Refusal("ConflictException", "no")]
    with pytest.raises(SageMakerServiceError) as caught:
        call(hook)
    assert caught.value.retryable is passes
