"""StartPipelineExecution: a version of a pipeline, its parameters, and what else an execution is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.evaluation import evaluate
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.exceptions import EvaluationError, PipelineParameterError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.local.aws import ACCOUNT_ID
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.driver import ExecutionDriver
from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.jobs.staging import S3Staging
from airflow_sm_pipelines.local.lookup import ExecutionLookup
from airflow_sm_pipelines.local.names import new_execution_id
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.runnable import not_run_here
from airflow_sm_pipelines.local.selection import Selection
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.versions import requested_version
from airflow_sm_pipelines.local.service_model import shape_problems
from airflow_sm_pipelines.local.store import ExecutionRecord, PipelineRecord, PipelineVersion

_NOT_RUN_HERE = ("MlflowExperimentName",)


def start_pipeline_execution(region: Region, request: Request) -> Response:
    """StartPipelineExecution: a snapshot of a version, the latest unless the request names another, starts to run."""
    started: list[ExecutionDriver] = []

    def act() -> str:
        with region.store.lock:
            for member in _NOT_RUN_HERE:
                if member in request:
                    raise ValidationError(f"The local endpoint does not run executions with {member}. Leave it out.")
            pipeline = region.pipeline(request["PipelineName"])
            if "RoleArn" in request:
                raise ValidationError(
                    "RoleArn cannot be specified for a pipeline that you created: its executions use the role of the"
                    " pipeline."
                )
            execution = _new_execution(region, pipeline, requested_version(pipeline, request), request)
            started.append(region.add(execution))
            return str(execution.arn)

    arn = region.store.tokens.once("StartPipelineExecution", request, act)
    for driver in started:
        driver.start()
    return {"PipelineExecutionArn": arn}


def _new_execution(
    region: Region, pipeline: PipelineRecord, version: PipelineVersion, request: Request
) -> ExecutionRecord:
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
    selection = request.get("SelectiveExecutionConfig")
    if selection is not None:
        attributes["SelectiveExecutionConfig"] = selection
    execution = ExecutionRecord(
        arn=PipelineExecutionArn("aws", region.name, ACCOUNT_ID, pipeline.name, new_execution_id()),
        version=version,
        start_parameters=given,
        parameters=_typed(version.definition, given),
        role_arn=pipeline.role_arn,
        attributes=attributes,
        creation_time=moment,
        last_modified_time=moment,
    )
    if selection is not None:
        _select(region, execution, selection)
    _require_runnable(region, execution)
    execution.experiment_config = _experiment_config(execution, S3Staging(region.host.clients["s3"]))
    pipeline.last_run_time = moment
    version.last_execution_arn = str(execution.arn)
    return execution


def _require_runnable(region: Region, execution: ExecutionRecord) -> None:
    found = not_run_here(execution.version.definition, region.runners, execution.selected)
    if found:
        raise ValidationError(
            f"The local endpoint cannot run this pipeline: {'; '.join(map(str, found))}. Run it on AWS, or have the"
            " endpoint leave such steps out: with --stub TYPE the steps of a type succeed with stand-in properties, and"
            " nothing is run for them."
        )


def _select(region: Region, execution: ExecutionRecord, config: Mapping[str, Any]) -> None:
    selected = tuple(dict.fromkeys(step["StepName"] for step in config["SelectedSteps"]))
    source_arn = config.get("SourcePipelineExecutionArn")
    source = None if source_arn is None else region.store.execution(source_arn)
    selection = Selection(PipelineGraph.of(execution.version.definition), selected)
    execution.steps = selection.copied_from(source, execution.arn.pipeline_arn)
    execution.selected = frozenset(selected)


def _experiment_config(execution: ExecutionRecord, staging: S3Staging) -> Mapping[str, str] | None:
    config = execution.version.definition.pipeline_experiment_config
    if not isinstance(config, Mapping):
        return None
    # Only what the API knows can be reported.
    known = {member: config[member] for member in ("ExperimentName", "TrialName") if member in config}
    try:
        values: Mapping[str, str] = evaluate(known, ExecutionLookup(execution, staging))
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
                values[name] = parameter.parse_start_value(given[name])
            except PipelineParameterError as error:
                problems.append(str(error))
        elif parameter.default_value is MISSING:
            problems.append(f"Pipeline parameter '{name}' has no default value and none was given.")
        else:
            values[name] = parameter.default_value
    if problems:
        raise ValidationError(" ".join(problems))
    return values
