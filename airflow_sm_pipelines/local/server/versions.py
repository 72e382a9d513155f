"""Operations on versions of pipelines, and their aliases.

The rules for aliases are those of botocore's service model: unique within the pipeline, at most ten for a version, not
all digits; one that moves is taken from one version first and given to the other then.
"""

from __future__ import annotations

from collections.abc import Iterable

from airflow_sm_pipelines.local.errors import ConflictError, ValidationError
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.server import Request, Response
from airflow_sm_pipelines.local.server.listing import created_within, page
from airflow_sm_pipelines.local.store import PipelineRecord, PipelineVersion

_MAXIMUM_ALIASES = 10
_ATTRIBUTES = ("PipelineVersionDisplayName", "PipelineVersionDescription")


def list_pipeline_versions(region: Region, request: Request) -> Response:
    """ListPipelineVersions: the latest first unless asked otherwise."""
    with region.store.lock:
        pipeline = region.pipeline(request["PipelineName"])
        shown, more = page(
            (version for version in pipeline.versions if created_within(version.creation_time, request)),
            request,
            key=lambda version: version.version_id,
            identity=lambda version: str(version.version_id),
        )
        return {"PipelineVersionSummaries": [_summary(pipeline, version) for version in shown], **more}


def update_pipeline_version(region: Region, request: Request) -> Response:
    """UpdatePipelineVersion: what a version is called. Its definition never changes."""
    with region.store.lock:
        pipeline = region.pipeline(request["PipelineArn"])
        version = pipeline.version(request["PipelineVersionId"])
        operations = request.get("PipelineVersionAliasOperations", {})
        before = list(version.aliases)
        try:
            _remove_aliases(pipeline, version, operations.get("Remove", ()))
            add_aliases(pipeline, version, operations.get("Add", ()))
        except Exception:
            version.aliases = before  # all of the request or nothing
            raise
        version.attributes.update({key: request[key] for key in _ATTRIBUTES if key in request})
        return {"PipelineArn": pipeline.arn, "PipelineVersionId": version.version_id}


def requested_version(pipeline: PipelineRecord, request: Request) -> PipelineVersion:
    """The version that a request names by PipelineVersionId or PipelineVersionAlias; else the latest.

    :param pipeline: the pipeline.
    :param request: the request.
    :raises ValidationError: it names both.
    :raises ResourceNotFoundError: there is no such version.
    """
    if "PipelineVersionId" in request and "PipelineVersionAlias" in request:
        raise ValidationError("Only one of PipelineVersionId and PipelineVersionAlias can be specified.")
    if "PipelineVersionAlias" in request:
        return pipeline.aliased(request["PipelineVersionAlias"])
    return pipeline.version(request["PipelineVersionId"]) if "PipelineVersionId" in request else pipeline.current


def shown_aliases(version: PipelineVersion) -> dict[str, list[str]]:
    """``{"PipelineVersionAliases": [...]}``; empty when the version has none.

    :param version: the version.
    """
    return {"PipelineVersionAliases": list(version.aliases)} if version.aliases else {}


def add_aliases(pipeline: PipelineRecord, version: PipelineVersion, aliases: Iterable[str]) -> None:
    """Give a version more aliases.

    :param pipeline: its pipeline.
    :param version: the version; it need not be among the pipeline's yet.
    :param aliases: the aliases. One that the version has already is allowed.
    :raises ValidationError: an alias consists of digits, or there are too many.
    :raises ConflictError: another version has an alias.
    """
    for alias in aliases:
        if alias.isdigit():
            raise ValidationError(f"The alias '{alias}' consists of numbers only; a version ID looks like that.")
        for other in pipeline.versions:
            if other is not version and alias in other.aliases:
                raise ConflictError(
                    f"Version {other.version_id} of pipeline '{pipeline.arn}' has the alias '{alias}'. Remove it from"
                    " that version first."
                )
        if alias not in version.aliases:
            version.aliases.append(alias)
    if len(version.aliases) > _MAXIMUM_ALIASES:
        raise ValidationError(f"A pipeline version can have at most {_MAXIMUM_ALIASES} aliases.")


def _remove_aliases(pipeline: PipelineRecord, version: PipelineVersion, aliases: Iterable[str]) -> None:
    for alias in aliases:
        if alias not in version.aliases:
            raise ValidationError(
                f"Version {version.version_id} of pipeline '{pipeline.arn}' does not have the alias '{alias}'."
            )
        version.aliases.remove(alias)


def _summary(pipeline: PipelineRecord, version: PipelineVersion) -> Response:
    summary: Response = {
        "PipelineArn": pipeline.arn,
        "PipelineVersionId": version.version_id,
        "CreationTime": version.creation_time,
        **version.attributes,
        **shown_aliases(version),
    }
    if version.last_execution_arn is not None:
        summary["LastExecutionPipelineExecutionArn"] = version.last_execution_arn
    return summary
