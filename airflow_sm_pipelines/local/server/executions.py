"""Operations on executions that have started: they look at them, change them, and answer their Callback steps."""

from __future__ import annotations

from collections.abc import Callable

from airflow_sm_pipelines.local.callbacks import CallbackAnswer
from airflow_sm_pipelines.local.driver import ExecutionDriver
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.listing import created_within, page
from airflow_sm_pipelines.local.server.versions import shown_aliases
from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord


def describe_pipeline_execution(region: Region, request: Request) -> Response:
    """DescribePipelineExecution."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    with execution.lock:
        response = {
            "PipelineArn": execution.arn.pipeline_arn,
            "PipelineExecutionArn": str(execution.arn),
            "PipelineExecutionStatus": execution.status.value,
            "CreationTime": execution.creation_time,
            "LastModifiedTime": execution.last_modified_time,
            "CreatedBy": {},
            "LastModifiedBy": {},
            "PipelineVersionId": execution.version.version_id,
            **execution.attributes,
            **shown_aliases(execution.version),
        }
        if execution.experiment_config is not None:
            response["PipelineExperimentConfig"] = dict(execution.experiment_config)
        if execution.failure_reason:
            response["FailureReason"] = execution.failure_reason
        return response


def list_pipeline_executions(region: Region, request: Request) -> Response:
    """ListPipelineExecutions."""
    pipeline = region.pipeline(request["PipelineName"])
    by_arn = request.get("SortBy", "CreationTime") == "PipelineExecutionArn"
    alias = request.get("PipelineVersionAlias")
    version = None if alias is None else pipeline.aliased(alias)
    shown, more = page(
        (
            execution
            for execution in region.store.executions()
            if execution.arn.pipeline_arn == pipeline.arn
            and created_within(execution.creation_time, request)
            and (version is None or execution.version is version)
        ),
        request,
        key=lambda execution: str(execution.arn) if by_arn else execution.creation_time,
        identity=lambda execution: str(execution.arn),
    )
    return {"PipelineExecutionSummaries": [_summary(execution) for execution in shown], **more}


def list_pipeline_execution_steps(region: Region, request: Request) -> Response:
    """ListPipelineExecutionSteps: the steps that have started, the latest first unless asked otherwise."""
    execution = region.store.execution(request.get("PipelineExecutionArn", ""))
    with execution.lock:
        shown, more = page(
            execution.steps.values(), request, key=lambda step: step.start_time, identity=lambda step: step.name
        )
        return {"PipelineExecutionSteps": [_step(step) for step in shown], **more}


def list_pipeline_parameters_for_execution(region: Region, request: Request) -> Response:
    """ListPipelineParametersForExecution: what the execution was started with, defaults not included."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    names = list(execution.start_parameters)
    shown, more = page(names, request, key=names.index, identity=str, order="Ascending")
    return {"PipelineParameters": [{"Name": name, "Value": execution.start_parameters[name]} for name in shown], **more}


def describe_pipeline_definition_for_execution(region: Region, request: Request) -> Response:
    """DescribePipelineDefinitionForExecution: the very text the execution runs."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    return {"PipelineDefinition": execution.version.text, "CreationTime": execution.creation_time}


def stop_pipeline_execution(region: Region, request: Request) -> Response:
    """StopPipelineExecution. Asking again with the same token is allowed, as for every idempotent operation."""
    return _once("StopPipelineExecution", region, request, ExecutionDriver.stop)


def retry_pipeline_execution(region: Region, request: Request) -> Response:
    """RetryPipelineExecution: the same execution continues with the definition and parameters it was started with."""
    parallelism = request.get("ParallelismConfiguration")
    return _once("RetryPipelineExecution", region, request, lambda driver: driver.retry(parallelism))


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


def _once(operation: str, region: Region, request: Request, change: Callable[[ExecutionDriver], None]) -> Response:
    execution = region.store.execution(request["PipelineExecutionArn"])

    def act() -> str:
        change(region.driver(execution))
        return str(execution.arn)

    return {"PipelineExecutionArn": region.store.tokens.once(operation, request, act)}


def _answer(region: Region, operation: str, request: Request, answer: CallbackAnswer) -> Response:
    def act() -> str:
        callback = region.services.callbacks.get(request["CallbackToken"])
        callback.answer(answer)
        return callback.execution_arn

    return {"PipelineExecutionArn": region.store.tokens.once(operation, request, act)}


def _summary(execution: ExecutionRecord) -> Response:
    with execution.lock:
        summary = {
            "PipelineExecutionArn": str(execution.arn),
            "StartTime": execution.creation_time,
            "PipelineExecutionStatus": execution.status.value,
            "PipelineExecutionDisplayName": execution.attributes["PipelineExecutionDisplayName"],
            **shown_aliases(execution.version),
        }
        if "PipelineExecutionDescription" in execution.attributes:
            summary["PipelineExecutionDescription"] = execution.attributes["PipelineExecutionDescription"]
        if execution.failure_reason:
            summary["PipelineExecutionFailureReason"] = execution.failure_reason
        return summary


def _step(step: StepRecord) -> Response:
    shown: Response = {
        "StepName": step.name,
        "StartTime": step.start_time,
        "StepStatus": step.status.value,
        "Metadata": step.metadata,
        "AttemptCount": step.attempt,
    }
    optional = {
        "StepDisplayName": step.display_name,
        "StepDescription": step.description,
        "EndTime": step.end_time,
        "FailureReason": step.failure_reason,
    }
    if step.copied_from is not None:
        shown["SelectiveExecutionResult"] = {"SourcePipelineExecutionArn": step.copied_from}
    if step.cached_from is not None:
        shown["CacheHitResult"] = {"SourcePipelineExecutionArn": step.cached_from}
    if step.iteration is not None:
        shown["IterationContext"] = {
            "ParentStepName": step.iteration.parent,
            "Index": step.iteration.index,
            "Item": step.iteration.text,
        }
    return shown | {key: value for key, value in optional.items() if value}
