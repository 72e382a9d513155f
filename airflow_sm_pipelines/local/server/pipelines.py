"""Operations on pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.exceptions import PipelineDefinitionError
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.errors import ConflictError, ValidationError
from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server.listing import created_within, newest_first, page
from airflow_sm_pipelines.local.store import PipelineRecord, PipelineVersion

Request = Mapping[str, Any]
Response = dict[str, Any]

_ATTRIBUTES = ("PipelineDisplayName", "PipelineDescription", "ParallelismConfiguration")


def create_pipeline(region: Region, request: Request) -> Response:
    """CreatePipeline: checks the document as far as it can be checked, and remembers it."""
    with region.store.lock:
        arn = region.store.answer_of_token("CreatePipeline", request)
        if arn is not None:
            return {"PipelineArn": arn}
        text = _definition_text(region, request)
        if text is None:
            raise ValidationError("Either PipelineDefinition or PipelineDefinitionS3Location must be provided.")
        name = request["PipelineName"]
        pipeline = PipelineRecord(
            name=name,
            arn=resource_arn(region.name, "pipeline", name),
            role_arn=request["RoleArn"],
            versions=[PipelineVersion(1, text, _parse(name, text))],
            attributes={key: request[key] for key in _ATTRIBUTES if key in request},
        )
        region.store.add_pipeline(pipeline)
        region.store.tags[pipeline.arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", ())}
        region.store.remember_token("CreatePipeline", request, pipeline.arn)
        return {"PipelineArn": pipeline.arn}


def update_pipeline(region: Region, request: Request) -> Response:
    """UpdatePipeline: a new definition is a new version; running executions keep theirs."""
    with region.store.lock:
        pipeline = find_pipeline(region, request["PipelineName"])
        text = _definition_text(region, request)
        if text is not None and text != pipeline.current.text:
            number = pipeline.current.version_id + 1
            pipeline.versions.append(PipelineVersion(number, text, _parse(pipeline.name, text)))
        pipeline.role_arn = request.get("RoleArn", pipeline.role_arn)
        pipeline.attributes.update({key: request[key] for key in _ATTRIBUTES if key in request})
        pipeline.last_modified_time = now()
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": pipeline.current.version_id}


def describe_pipeline(region: Region, request: Request) -> Response:
    """DescribePipeline."""
    with region.store.lock:
        pipeline = find_pipeline(region, request["PipelineName"])
        response = {
            "PipelineArn": pipeline.arn,
            "PipelineName": pipeline.name,
            "PipelineDisplayName": pipeline.name,
            "PipelineDefinition": pipeline.version(request.get("PipelineVersionId")).text,
            "RoleArn": pipeline.role_arn,
            "PipelineStatus": "Active",
            "CreationTime": pipeline.creation_time,
            "LastModifiedTime": pipeline.last_modified_time,
            "CreatedBy": {},
            "LastModifiedBy": {},
            **pipeline.attributes,
        }
        if pipeline.last_run_time is not None:
            response["LastRunTime"] = pipeline.last_run_time
        return response


def delete_pipeline(region: Region, request: Request) -> Response:
    """DeletePipeline: not while an execution of it is running."""
    with region.store.lock:
        pipeline = find_pipeline(region, request["PipelineName"])
        for execution in region.store.executions():
            with execution.lock:
                if execution.arn.pipeline_arn == pipeline.arn and not execution.status.is_terminal:
                    raise ConflictError(
                        f"Pipeline '{pipeline.arn}' cannot be deleted while its execution '{execution.arn}' is"
                        f" {execution.status}. Stop the execution first."
                    )
        region.store.remove_pipeline(pipeline.name)
        region.store.tags.pop(pipeline.arn, None)
        return {"PipelineArn": pipeline.arn}


def list_pipelines(region: Region, request: Request) -> Response:
    """ListPipelines."""
    by_name = request.get("SortBy", "CreationTime") == "Name"
    with region.store.lock:
        found = newest_first(
            (
                pipeline
                for pipeline in region.store.pipelines()
                if pipeline.name.startswith(request.get("PipelineNamePrefix", ""))
                and created_within(pipeline.creation_time, request)
            ),
            request,
            lambda pipeline: pipeline.name if by_name else pipeline.creation_time,
        )
        shown, more = page(found, request)
        return {"PipelineSummaries": [_summary(pipeline) for pipeline in shown], **more}


def find_pipeline(region: Region, name_or_arn: str) -> PipelineRecord:
    """The pipeline of a name or an ARN.

    :param region: Where to look.
    :param name_or_arn: Either.
    :raises ResourceNotFoundError: There is none.
    """
    is_arn = name_or_arn.startswith("arn:")
    return region.store.pipeline(
        name_or_arn, name_or_arn if is_arn else resource_arn(region.name, "pipeline", name_or_arn)
    )


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
    try:
        body = region.host.clients.s3.get_object(Bucket=location["Bucket"], Key=location["ObjectKey"], **version)[
            "Body"
        ]
    except ClientError as error:
        raise ValidationError(
            f"Cannot read the pipeline definition s3://{location['Bucket']}/{location['ObjectKey']}:"
            f" {error.response['Error'].get('Message', error)}"
        ) from error
    content: bytes = body.read()
    return content.decode("utf-8")


def _parse(name: str, text: str) -> PipelineDefinition:
    try:
        definition = PipelineDefinition.from_json(text)
    except PipelineDefinitionError as error:
        raise ValidationError(_invalid(name, error.problems)) from error
    problems = [str(problem) for problem in validate(definition) if problem.severity == "error"]
    if problems:
        raise ValidationError(_invalid(name, problems))
    return definition


def _invalid(name: str, problems: list[str] | tuple[str, ...]) -> str:
    return f"Pipeline definition of '{name}' is invalid: {'; '.join(problems)}"
