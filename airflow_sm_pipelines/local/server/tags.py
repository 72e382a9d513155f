"""Tags of pipelines, jobs and inference components. The tags of everything else are moto's."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_sm_pipelines.local.errors import ResourceNotFoundError
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.runners.registry import JOBS
from airflow_sm_pipelines.local.server import Request, Response

_TYPES = ("pipeline", "inference-component", *(job.resource.type for job in JOBS))
_OURS = re.compile(rf"arn:[^:]*:sagemaker:[^:]*:[^:]*:({'|'.join(_TYPES)})/")


def is_ours(arn: object) -> bool:
    """Whether a resource is of a kind that moto does not have, whether it exists or not.

    :param arn: the ResourceArn of a request, not checked yet.
    """
    return isinstance(arn, str) and _OURS.match(arn) is not None


def add_tags(region: Region, request: Request) -> Response:
    """AddTags."""
    with region.store.lock:
        tags = _tags(region, request["ResourceArn"])
        tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {"Tags": _shown(tags)}


def list_tags(region: Region, request: Request) -> Response:
    """ListTags."""
    with region.store.lock:
        return {"Tags": _shown(_tags(region, request["ResourceArn"]))}


def delete_tags(region: Region, request: Request) -> Response:
    """DeleteTags."""
    with region.store.lock:
        tags = _tags(region, request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}


def _tags(region: Region, arn: str) -> dict[str, str]:
    if arn not in region.store.tags:
        # A job may have been made by a step, so its own request is looked at.
        for job in (job for jobs in region.services.jobs for job in jobs.all()):
            if job.arn == arn:
                region.store.tags[arn] = {tag["Key"]: tag["Value"] for tag in job.request.get("Tags", ())}
                break
        else:
            raise ResourceNotFoundError(f"Resource '{arn}' does not exist.")
    return region.store.tags[arn]


def _shown(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
