"""Operations on pipelines."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ConflictError, ValidationError
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.listing import created_within, page
from airflow_sm_pipelines.local.server.versions import add_aliases, requested_version, shown_aliases
from airflow_sm_pipelines.local.store import PipelineRecord, PipelineVersion
from airflow_sm_pipelines.requests import check_requests

_ATTRIBUTES = ("PipelineDisplayName", "PipelineDescription", "ParallelismConfiguration")


def create_pipeline(region: Region, request: Request) -> Response:
    """CreatePipeline: checks the document as far as it can be checked, and remembers it."""

    def act() -> str:
        text = _definition_text(region, request)
        if text is None:
            raise ValidationError("Either PipelineDefinition or PipelineDefinitionS3Location must be provided.")
        name = request["PipelineName"]
        first = PipelineVersion(1, text, _parse(name, text))
        pipeline = PipelineRecord(
            name=name,
            arn=resource_arn(region.name, "pipeline", name),
            role_arn=request["RoleArn"],
            versions=[first],
            attributes={key: request[key] for key in _ATTRIBUTES if key in request},
        )
        add_aliases(pipeline, first, request.get("PipelineVersionAliases", ()))
        region.store.add_pipeline(pipeline)
        region.store.tags[pipeline.arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        return pipeline.arn

    return {"PipelineArn": region.store.tokens.once("CreatePipeline", request, act)}


def update_pipeline(region: Region, request: Request) -> Response:
    """UpdatePipeline: a new definition is a new version; running executions keep theirs."""
    with region.store.lock:
        pipeline = region.pipeline(request["PipelineName"])
        text = _definition_text(region, request)
        aliases = request.get("PipelineVersionAliases", ())
        if text is not None and text != pipeline.current.text:
            version = PipelineVersion(pipeline.current.version_id + 1, text, _parse(pipeline.name, text))
            add_aliases(pipeline, version, aliases)
            pipeline.versions.append(version)
        elif aliases:
            raise ValidationError(
                "PipelineVersionAliases can be given only when the update changes the pipeline definition. Use"
                " UpdatePipelineVersion to change the aliases of an existing version."
            )
        pipeline.role_arn = request.get("RoleArn", pipeline.role_arn)
        pipeline.attributes.update({key: request[key] for key in _ATTRIBUTES if key in request})
        pipeline.last_modified_time = now()
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": pipeline.current.version_id}


def describe_pipeline(region: Region, request: Request) -> Response:
    """DescribePipeline: its latest version unless the request names another."""
    with region.store.lock:
        pipeline = region.pipeline(request["PipelineName"])
        version = requested_version(pipeline, request)
        response = {
            "PipelineArn": pipeline.arn,
            "PipelineName": pipeline.name,
            "PipelineDisplayName": pipeline.name,
            "PipelineDefinition": version.text,
            "RoleArn": pipeline.role_arn,
            "PipelineStatus": "Active",
            "CreationTime": pipeline.creation_time,
            "LastModifiedTime": pipeline.last_modified_time,
            "CreatedBy": {},
            "LastModifiedBy": {},
            **pipeline.attributes,
            **version.attributes,
            **shown_aliases(version),
        }
        if pipeline.last_run_time is not None:
            response["LastRunTime"] = pipeline.last_run_time
        return response


def delete_pipeline(region: Region, request: Request) -> Response:
    """DeletePipeline: its executions go with it. Not while one of them is running."""

    def act() -> str:
        with region.store.lock:
            pipeline = region.pipeline(request["PipelineName"])
            for execution in region.store.executions():
                with execution.lock:
                    if execution.arn.pipeline_arn == pipeline.arn and not execution.status.is_terminal:
                        raise ConflictError(
                            f"Pipeline '{pipeline.arn}' cannot be deleted while its execution '{execution.arn}' is"
                            f" {execution.status}. Stop the execution first."
                        )
            region.remove(pipeline)
            return pipeline.arn

    return {"PipelineArn": region.store.tokens.once("DeletePipeline", request, act)}


def list_pipelines(region: Region, request: Request) -> Response:
    """ListPipelines."""
    by_name = request.get("SortBy", "CreationTime") == "Name"
    with region.store.lock:
        shown, more = page(
            (
                pipeline
                for pipeline in region.store.pipelines()
                if pipeline.name.startswith(request.get("PipelineNamePrefix", ""))
                and created_within(pipeline.creation_time, request)
                and request.get("ManagedBy", "CUSTOMER") == "CUSTOMER"
            ),
            request,
            key=lambda pipeline: pipeline.name if by_name else pipeline.creation_time,
            identity=lambda pipeline: pipeline.arn,
        )
        return {"PipelineSummaries": [_summary(pipeline) for pipeline in shown], **more}


def _summary(pipeline: PipelineRecord) -> Response:
    summary = {
        "PipelineArn": pipeline.arn,
        "PipelineName": pipeline.name,
        "PipelineDisplayName": pipeline.attributes.get("PipelineDisplayName", pipeline.name),
        "RoleArn": pipeline.role_arn,
        "CreationTime": pipeline.creation_time,
        "LastModifiedTime": pipeline.last_modified_time,
    }
    if "PipelineDescription" in pipeline.attributes:
        summary["PipelineDescription"] = pipeline.attributes["PipelineDescription"]
    if pipeline.last_run_time is not None:
        summary["LastExecutionTime"] = pipeline.last_run_time
    return summary


def _definition_text(region: Region, request: Request) -> str | None:
    location = request.get("PipelineDefinitionS3Location")
    if location is None:
        text: str | None = request.get("PipelineDefinition")
        return text
    if "PipelineDefinition" in request:
        raise ValidationError("Only one of PipelineDefinition and PipelineDefinitionS3Location can be provided.")
    version = {"VersionId": location["VersionId"]} if "VersionId" in location else {}
    s3 = region.host.clients["s3"]
    try:
        body = s3.get_object(Bucket=location["Bucket"], Key=location["ObjectKey"], **version)["Body"]
    except ClientError as error:
        raise ValidationError(
            f"Cannot read the pipeline definition s3://{location['Bucket']}/{location['ObjectKey']}:"
            f" {error.response['Error'].get('Message', error)}"
        ) from error
    content: bytes = body.read()
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValidationError(
            f"Cannot read the pipeline definition s3://{location['Bucket']}/{location['ObjectKey']}: it is not UTF-8:"
            f" {error}"
        ) from error


def _parse(name: str, text: str) -> PipelineDefinition:
    try:
        definition = PipelineDefinition.from_json(text)
    except PipelineDefinitionError as error:
        raise ValidationError(_invalid(name, error.problems)) from error
    found = [*validate(definition), *check_requests(definition)]
    problems = [problem for problem in found if problem.severity == "error"]
    if problems:
        raise ValidationError(_invalid(name, problems))
    return definition


def _invalid(name: str, problems: Sequence[Problem]) -> str:
    return f"Pipeline definition of '{name}' is invalid: {'; '.join(map(str, problems))}"
