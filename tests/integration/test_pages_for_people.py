"""What a person sees who follows a link from Airflow to the local endpoint."""

from __future__ import annotations

import json

import httpx

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, run_one
from tests.integration.documents import processing_step


def page(endpoint: LocalEndpoint, path: str) -> tuple[int, str, str]:
    answer = httpx.get(f"{endpoint.url}/_pages/{path}", trust_env=False)
    return answer.status_code, answer.headers["content-type"], answer.text


def test_an_execution_a_job_and_its_log_can_be_opened(endpoint: LocalEndpoint, aws: Aws) -> None:
    """The execution's page has its steps and leads to the job's, whose log is the job's whole output."""
    step = run_one(endpoint, aws, processing_step("greet", aws.put_script("print('good'); print('morning')")))
    job = step["Metadata"]["ProcessingJob"]["Arn"]
    name = job.rpartition("/")[2].removeprefix("pipelines-").partition("-")[0]
    [arn] = [
        each["PipelineExecutionArn"]
        for pipeline in aws.sagemaker.list_pipelines()["PipelineSummaries"]
        for each in aws.sagemaker.list_pipeline_executions(PipelineName=pipeline["PipelineName"])[
            "PipelineExecutionSummaries"
        ]
        if each["PipelineExecutionArn"].endswith(name)
    ]
    status, kind, text = page(endpoint, arn)
    lines = [line for line in text.splitlines() if not line.startswith(("    started", "    ended"))]
    assert (status, kind, lines) == (
        200,
        "text/plain; charset=utf-8",
        [
            f"Execution {arn}",
            "is Succeeded",
            "",
            "greet (Processing) is Succeeded",
            f"    {job}",
            f"    its description is at /_pages/{job}",
            f"    its log is at /_pages/log/{job}",
        ],
    )
    assert page(endpoint, f"log/{job}") == (200, "text/plain; charset=utf-8", "good\nmorning\n")
    described = json.loads(page(endpoint, job)[2])
    assert (described["ProcessingJobArn"], described["ProcessingJobStatus"]) == (job, "Completed")


def test_what_is_not_there_has_no_page(endpoint: LocalEndpoint, aws: Aws) -> None:
    """An unknown execution, an unknown region, and what is no ARN at all, are not found; the text says what is missing."""
    region = aws.sagemaker.meta.region_name
    aws.sagemaker.list_pipelines()
    lost = f"arn:aws:sagemaker:{region}:123456789012:pipeline/p/execution/abcdef123456"
    assert page(endpoint, lost)[0] == 404
    assert lost in page(endpoint, lost)[2]
    elsewhere = lost.replace(region, "xx-none-1")
    assert page(endpoint, elsewhere)[2] == f"The local endpoint has nothing in the region of {elsewhere}.\n"
    assert page(endpoint, "../etc")[0] == 404
