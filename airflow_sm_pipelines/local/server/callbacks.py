"""Operations that answer Callback steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.local.callbacks import CallbackAnswer
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.region import Region

Request = Mapping[str, Any]
Response = dict[str, Any]


def send_pipeline_execution_step_success(region: Region, request: Request) -> Response:
    """SendPipelineExecutionStepSuccess."""
    outputs: dict[str, str] = {}
    for parameter in request.get("OutputParameters", ()):
        if parameter["Name"] in outputs:
            raise ValidationError(f"Output parameter '{parameter['Name']}' is given twice.")
        outputs[parameter["Name"]] = parameter["Value"]
    return _answer(region, "SendPipelineExecutionStepSuccess", request, CallbackAnswer(True, outputs))


def send_pipeline_execution_step_failure(region: Region, request: Request) -> Response:
    """SendPipelineExecutionStepFailure."""
    answer = CallbackAnswer(False, {}, request.get("FailureReason", ""))
    return _answer(region, "SendPipelineExecutionStepFailure", request, answer)


def _answer(region: Region, operation: str, request: Request, answer: CallbackAnswer) -> Response:
    def act() -> str:
        callback = region.callbacks.get(request["CallbackToken"])
        callback.answer(answer)
        return callback.execution_arn

    return {"PipelineExecutionArn": region.store.tokens.once(operation, request, act)}
