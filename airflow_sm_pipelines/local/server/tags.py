"""Tags of pipelines and jobs. The tags of everything else are moto's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_sm_pipelines.local.region import Region

Request = Mapping[str, Any]
Response = dict[str, Any]


def add_tags(region: Region, request: Request) -> Response:
    """AddTags."""
    with region.store.lock:
        tags = region.store.tags[request["ResourceArn"]]
        tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return {"Tags": _shown(tags)}


def list_tags(region: Region, request: Request) -> Response:
    """ListTags."""
    with region.store.lock:
        return {"Tags": _shown(region.store.tags[request["ResourceArn"]])}


def delete_tags(region: Region, request: Request) -> Response:
    """DeleteTags."""
    with region.store.lock:
        for key in request["TagKeys"]:
            region.store.tags[request["ResourceArn"]].pop(key, None)
        return {}


def _shown(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
