"""Operations on executions of pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineParameterError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.local.aws import ACCOUNT_ID
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from airflow_sm_pipelines.local.lookup import ExecutionLookup
from airflow_sm_pipelines.local.names import new_execution_id
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server.listing import created_within, newest_first, page
from airflow_sm_pipelines.local.server.pipelines import find_pipeline
from airflow_sm_pipelines.local.service_model import shape_problems
from airflow_sm_pipelines.local.store import ExecutionRecord, StepRecord

Request = Mapping[str, Any]
Response = dict[str, Any]

_NOT_RUN_HERE = ("SelectiveExecutionConfig", "PipelineVersionAlias", "MlflowExperimentName")


def start_pipeline_execution(region: Region, request: Request) -> Response:
    """StartPipelineExecution: a snapshot of the current version starts to run."""
    with region.store.lock:
        arn = region.store.answer_of_token("StartPipelineExecution", request)
        if arn is not None:
            return {"PipelineExecutionArn": arn}
        for member in _NOT_RUN_HERE:
            if member in request:
                raise ValidationError(f"The local endpoint does not run executions with {member}. Leave it out.")
        pipeline = find_pipeline(region, request["PipelineName"])
        version = pipeline.version(request.get("PipelineVersionId"))
        given = _given(request)
        moment = now()
        attributes = {
            "PipelineExecutionDisplayName": f"execution-{int(moment.timestamp() * 1000)}",
            **{
                key: request[key]
                for key in ("PipelineExecutionDisplayName", "PipelineExecutionDescription")
                if key in request
            },
        }
        parallelism = request.get("ParallelismConfiguration", pipeline.attributes.get("ParallelismConfiguration"))
        if parallelism is not None:
            attributes["ParallelismConfiguration"] = parallelism
        execution = ExecutionRecord(
            arn=PipelineExecutionArn("aws", region.name, ACCOUNT_ID, pipeline.name, new_execution_id()),
            version=version,
            start_parameters=given,
            parameters=_typed(version.definition, given),
            role_arn=request.get("RoleArn", pipeline.role_arn),
            attributes=attributes,
            creation_time=moment,
            last_modified_time=moment,
        )
        execution.experiment_config = _experiment_config(execution, S3Staging(region.host.clients.s3))
        pipeline.last_run_time = moment
        driver = region.add(execution)
        region.store.remember_token("StartPipelineExecution", request, str(execution.arn))
    driver.start()
    return {"PipelineExecutionArn": str(execution.arn)}


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
            "RoleArn": execution.role_arn,
            **execution.attributes,
        }
        if execution.experiment_config is not None:
            response["PipelineExperimentConfig"] = dict(execution.experiment_config)
        if execution.failure_reason:
            response["FailureReason"] = execution.failure_reason
        return response


def list_pipeline_executions(region: Region, request: Request) -> Response:
    """ListPipelineExecutions."""
    pipeline = find_pipeline(region, request["PipelineName"])
    by_arn = request.get("SortBy", "CreationTime") == "PipelineExecutionArn"
    found = newest_first(
        (
            execution
            for execution in region.store.executions()
            if execution.arn.pipeline_arn == pipeline.arn and created_within(execution.creation_time, request)
        ),
        request,
        lambda execution: str(execution.arn) if by_arn else execution.creation_time,
    )
    shown, more = page(found, request)
    return {"PipelineExecutionSummaries": [_summary(execution) for execution in shown], **more}


def list_pipeline_execution_steps(region: Region, request: Request) -> Response:
    """ListPipelineExecutionSteps: the steps that have started, the latest first unless asked otherwise."""
    execution = region.store.execution(request.get("PipelineExecutionArn", ""))
    with execution.lock:
        steps = newest_first(execution.steps.values(), request, lambda step: step.start_time)
        shown, more = page(steps, request)
        return {"PipelineExecutionSteps": [_step(step) for step in shown], **more}


def list_pipeline_parameters_for_execution(region: Region, request: Request) -> Response:
    """ListPipelineParametersForExecution: what the execution was started with, defaults not included."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    parameters = [{"Name": name, "Value": value} for name, value in execution.start_parameters.items()]
    shown, more = page(parameters, request)
    return {"PipelineParameters": shown, **more}


def describe_pipeline_definition_for_execution(region: Region, request: Request) -> Response:
    """DescribePipelineDefinitionForExecution: the very text the execution runs."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    return {"PipelineDefinition": execution.version.text, "CreationTime": execution.creation_time}


def stop_pipeline_execution(region: Region, request: Request) -> Response:
    """StopPipelineExecution. Asking again with the same token is no error, as for every idempotent operation."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    with region.store.lock:  # of two requests with one token, only the first acts
        if region.store.answer_of_token("StopPipelineExecution", request) is None:
            region.stop(execution)
            region.store.remember_token("StopPipelineExecution", request, str(execution.arn))
    return {"PipelineExecutionArn": str(execution.arn)}


def retry_pipeline_execution(region: Region, request: Request) -> Response:
    """RetryPipelineExecution: the same execution goes on with the definition and parameters it was started with."""
    execution = region.store.execution(request["PipelineExecutionArn"])
    with region.store.lock:
        if region.store.answer_of_token("RetryPipelineExecution", request) is None:
            find_pipeline(region, execution.arn.pipeline_arn)
            region.retry(execution, request.get("ParallelismConfiguration"))
            region.store.remember_token("RetryPipelineExecution", request, str(execution.arn))
    return {"PipelineExecutionArn": str(execution.arn)}


def _experiment_config(execution: ExecutionRecord, staging: S3Staging) -> Mapping[str, str] | None:
    config = execution.version.definition.pipeline_experiment_config
    if not isinstance(config, Mapping):
        return None
    try:
        values: Mapping[str, str] = evaluate(config, ExecutionLookup(execution, staging))
    except EvaluationError as error:
        raise ValidationError(f"PipelineExperimentConfig has no value: {error}") from error
    problems = shape_problems("PipelineExperimentConfig", values)
    if problems:
        raise ValidationError(f"PipelineExperimentConfig: {'; '.join(problems)}")
    return values


def _given(request: Request) -> dict[str, str]:
    given: dict[str, str] = {}
    for parameter in request.get("PipelineParameters", ()):
        if parameter["Name"] in given:
            raise ValidationError(f"Pipeline parameter '{parameter['Name']}' is given twice.")
        given[parameter["Name"]] = parameter["Value"]
    return given


def _typed(definition: PipelineDefinition, given: Mapping[str, str]) -> dict[str, Any]:
    declared = {parameter.name: parameter for parameter in definition.parameters}
    problems = [
        f"Unknown pipeline parameter '{name}'. The pipeline declares: {', '.join(declared) or '(none)'}."
        for name in given
        if name not in declared
    ]
    values: dict[str, Any] = {}
    for name, parameter in declared.items():
        if name in given:
            try:
                values[name] = parameter.parse(given[name])
            except PipelineParameterError as error:
                problems.append(str(error))
        elif parameter.default_value is MISSING:
            problems.append(f"Pipeline parameter '{name}' has no default value and none was given.")
        else:
            values[name] = parameter.default_value
    if problems:
        raise ValidationError(" ".join(problems))
    return values


def _summary(execution: ExecutionRecord) -> Response:
    with execution.lock:
        summary = {
            "PipelineExecutionArn": str(execution.arn),
            "StartTime": execution.creation_time,
            "PipelineExecutionStatus": execution.status.value,
            "PipelineExecutionDisplayName": execution.attributes["PipelineExecutionDisplayName"],
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
    return shown | {key: value for key, value in optional.items() if value}
