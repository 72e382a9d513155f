"""Find what a request names."""

from __future__ import annotations

from airflow_sm_pipelines.local.names import resource_arn
from airflow_sm_pipelines.local.region import Region
from airflow_sm_pipelines.local.store import PipelineRecord


def find_pipeline(region: Region, name_or_arn: str) -> PipelineRecord:
    """The pipeline of a name or an ARN.

    :param region: where to look.
    :param name_or_arn: either.
    :raises ResourceNotFoundError: there is none.
    """
    is_arn = name_or_arn.startswith("arn:")
    return region.store.pipeline(
        name_or_arn, name_or_arn if is_arn else resource_arn(region.name, "pipeline", name_or_arn)
    )
