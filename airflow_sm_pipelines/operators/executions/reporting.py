"""What a task that has started an execution leaves for pages that show it: the XCom ``pipeline_report``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.exceptions import SageMakerPipelinesError
from airflow_sm_pipelines.execution.jobs import time_text
from airflow_sm_pipelines.execution.pipeline_report import PIPELINE_REPORT, StartedPipeline
from airflow_sm_pipelines.links.sagemaker import SageMakerPipelineExecutionLink
from airflow_sm_pipelines.settings import AwsConnection

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook, UpsertResult

ASSET_EVENTS_REPORTED: Final = 20
"""Of how many events that triggered the Dag run the report tells, at most: of the latest ones."""


def report_start(
    context: Context,
    hook: SageMakerPipelineHook,
    log: Any,
    execution_arn: str,
    *,
    pipeline_name: str,
    definition: Callable[[], PipelineDefinition],
    sent: Mapping[str, str],
    masked: Mapping[str, str],
    connection: AwsConnection,
    links: Mapping[str, str],
    upserted: UpsertResult | None = None,
    task_ids: Mapping[str, str] | None = None,
    code: Sequence[str] = (),
) -> None:
    """Push the XCom ``pipeline_report``. The execution has started, so an unreadable part does not fail the task.

    :param context: Airflow's.
    :param hook: asks AWS.
    :param log: the task's log, which says what could not be read.
    :param execution_arn: the execution.
    :param pipeline_name: the pipeline.
    :param definition: returns what the execution runs; may ask AWS.
    :param sent: the values with which it was started.
    :param masked: those of them that hold secrets, as Airflow shows them.
    :param connection: by which AWS is asked.
    :param links: the XComs of the task's links.
    :param upserted: what happened to the pipeline; ``None`` where it was taken as it is.
    :param task_ids: the tasks that follow the steps, by the names of the steps.
    :param code: S3 URIs of uploaded code.
    """
    try:
        started = StartedPipeline(
            pipeline_name,
            execution_arn,
            definition(),
            sent,
            masked,
            task_ids or {},
            _version(hook, execution_arn, log),
            created=upserted is not None and upserted.action == "created",
            changes=() if upserted is None else upserted.changes,
            code=code,
            assets=_asset_events(context),
            links=_page(links),
            connection={
                "aws_conn_id": connection.aws_conn_id,
                "region_name": connection.region_name,
                "verify": connection.verify,
            },
        )
    except SageMakerPipelinesError as error:
        log.warning("What the execution runs cannot be shown in Airflow's pages: %s", error)
        return
    context["ti"].xcom_push(key=PIPELINE_REPORT, value=started.report())


def _version(hook: SageMakerPipelineHook, execution_arn: str, log: Any) -> int | None:
    try:
        version: int | None = hook.describe_execution(execution_arn).get("PipelineVersionId")
    except SageMakerPipelinesError as error:
        log.info("Which version of the pipeline runs is not known: %s", error)
        return None
    return version


def _page(links: Mapping[str, str]) -> dict[str, str]:
    address = links.get(SageMakerPipelineExecutionLink().xcom_key)
    return {} if address is None else {"execution": address}


def _asset_events(context: Context) -> list[dict[str, Any]]:
    """The asset events that triggered the Dag run, the latest first."""
    lists: Any = context.get("triggering_asset_events") or {}
    events = {(event.timestamp, event.asset.uri) for name in lists for event in lists[name]}
    latest = sorted(events, reverse=True)[:ASSET_EVENTS_REPORTED]
    return [{"uri": uri, "timestamp": time_text(timestamp)} for timestamp, uri in latest]
