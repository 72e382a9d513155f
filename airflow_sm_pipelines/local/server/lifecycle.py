"""Operations that change executions of pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.local.region import Region

Request = Mapping[str, Any]
Response = dict[str, Any]


def stop_pipeline_execution(region: Region, request: Request) -> Response:
    """StopPipelineExecution. Asking again with the same token is no error, as for every idempotent operation."""
    execution = region.store.execution(request["PipelineExecutionArn"])

    def act() -> str:
        region.driver(execution).stop()
        return str(execution.arn)

    return {"PipelineExecutionArn": region.store.tokens.once("StopPipelineExecution", request, act)}


def retry_pipeline_execution(region: Region, request: Request) -> Response:
    """RetryPipelineExecution: the same execution goes on with the definition and parameters it was started with."""
    execution = region.store.execution(request["PipelineExecutionArn"])

    def act() -> str:
        region.driver(execution).retry(request.get("ParallelismConfiguration"))
        return str(execution.arn)

    return {"PipelineExecutionArn": region.store.tokens.once("RetryPipelineExecution", request, act)}


def update_pipeline_execution(region: Region, request: Request) -> Response:
    """UpdatePipelineExecution: its name, its description, and how many of its steps may run at once from now on."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    region.driver(execution).update(
        {
            key: request[key]
            for key in ("PipelineExecutionDisplayName", "PipelineExecutionDescription", "ParallelismConfiguration")
            if key in request
        }
    )
    return {"PipelineExecutionArn": str(execution.arn)}
