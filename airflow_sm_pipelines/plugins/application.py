"""What the pages ask for, as a FastAPI application: their own file, XComs of many runs, and what AWS reports.

Each route that tells something of a Dag asks Airflow first whether the person may see it. Nothing is asked of AWS
before a person asks for it, and nothing is shown of an execution that the Dag run has not started.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from airflow.providers.common.compat.sdk import conf
from botocore.config import Config
from fastapi import FastAPI, HTTPException, Query, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy.orm import Session

from airflow_sm_pipelines.compatibility.api_server import MAY_READ_LOGS, MAY_READ_XCOMS, SessionDep, read_xcoms
from airflow_sm_pipelines.exceptions import PipelineExecutionError, SageMakerPipelinesError
from airflow_sm_pipelines.execution.jobs import model_package_report, time_text
from airflow_sm_pipelines.execution.pipeline_report import EXECUTION_REPORT, PIPELINE_REPORT, execution_report
from airflow_sm_pipelines.execution.report import PROPERTY_FILES, STEP_REPORT
from airflow_sm_pipelines.execution.secrets import Secrets
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from airflow_sm_pipelines.links.sagemaker import CloudWatchLogLink, SageMakerJobLink
from airflow_sm_pipelines.plugins.followed import Followed, TaskInstanceName
from airflow_sm_pipelines.plugins.prices import read_prices

STATIC: Final = Path(__file__).parent / "static"

KEYS: Final = (
    PIPELINE_REPORT,
    EXECUTION_REPORT,
    STEP_REPORT,
    PROPERTY_FILES,
    "outcome",
    SageMakerJobLink().xcom_key,
    CloudWatchLogLink().xcom_key,
)
"""The XComs that pages show."""

MOST_RUNS: Final = 50
"""Dag runs in one request for XComs."""

MOST_LINES: Final = 1000
"""Lines of a log in one answer."""

_PATIENCE: Final = Config(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 2})
"""A person waits for the answer."""

Told = TypeVar("Told")


def make_application() -> FastAPI:
    """Return the application; to be mounted in the API server."""
    application = FastAPI(title="SageMaker Pipelines", docs_url=None, redoc_url=None, openapi_url=None)
    application.mount("/static", StaticFiles(directory=STATIC))
    of_a_task = "/dags/{dag_id}/runs/{run_id}/tasks/{task_id}/{map_index}"
    for path, answer, may in (
        ("/dags/{dag_id}/reports", reports, MAY_READ_XCOMS),
        ("/dags/{dag_id}/prices", prices, MAY_READ_XCOMS),
        (f"{of_a_task}/log", log, MAY_READ_LOGS),
        (f"{of_a_task}/model-package", model_package, MAY_READ_XCOMS),
        (f"{of_a_task}/steps", steps, MAY_READ_XCOMS),
    ):
        application.get(path, dependencies=[may])(answer)
    return application


def reports(
    dag_id: str, run_id: Annotated[list[str], Query(min_length=1, max_length=MOST_RUNS)], session: SessionDep
) -> Response:
    """Answer with the XComs of Dag runs that pages show.

    :param dag_id: the Dag.
    :param run_id: its runs.
    :param session: of the database.
    """
    return _json({"reports": read_xcoms(session, dag_id, run_id, KEYS)})


def prices(dag_id: str) -> Response:  # noqa: ARG001  # who may see the Dag may see what its instances cost
    """Answer with the prices of instances, where the deployment has set some.

    :param dag_id: the Dag for whose pages they are.
    """
    try:
        return _json(read_prices(conf.get("sagemaker_pipelines", "prices", fallback=None)))
    except ValueError as error:
        raise HTTPException(500, str(error)) from None


def log(  # noqa: PLR0917  # FastAPI gives them by name
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
    session: SessionDep,
    lines: Annotated[int, Query(ge=1, le=MOST_LINES)] = 100,
) -> Response:
    """Answer with the end of the log of a step's job, each line with its time.

    :param dag_id: the Dag.
    :param run_id: its run.
    :param task_id: the task that follows the step.
    :param map_index: its map index; -1 for a task that is not mapped.
    :param session: of the database.
    :param lines: how many at most.
    """

    def end_of_log(hook: SageMakerPipelineHook, followed: Followed) -> list[dict[str, Any]]:
        job_arn = _step(hook, followed).job_arn
        events = [] if job_arn is None else hook.log_events(job_arn, lines)
        return [{"time": time_text(event.time), "message": event.message} for event in events]

    return _json({"lines": _asked(TaskInstanceName(dag_id, run_id, task_id, map_index), session, end_of_log)})


def model_package(dag_id: str, run_id: str, task_id: str, map_index: int, session: SessionDep) -> Response:
    """Answer with the model package that a step registered, as it is now; ``None`` where it registered none.

    :param dag_id: the Dag.
    :param run_id: its run.
    :param task_id: the task that follows the step.
    :param map_index: its map index; -1 for a task that is not mapped.
    :param session: of the database.
    """

    def registered(hook: SageMakerPipelineHook, followed: Followed) -> dict[str, Any] | None:
        return model_package_report(hook.describe_made(_step(hook, followed)))

    return _json({"model_package": _asked(TaskInstanceName(dag_id, run_id, task_id, map_index), session, registered)})


def steps(dag_id: str, run_id: str, task_id: str, map_index: int, session: SessionDep) -> Response:
    """Answer with the statuses of an execution and of its steps, as they are now.

    :param dag_id: the Dag.
    :param run_id: its run.
    :param task_id: a task that follows the execution or one of its steps.
    :param map_index: its map index; -1 for a task that is not mapped.
    :param session: of the database.
    """
    told = _asked(
        TaskInstanceName(dag_id, run_id, task_id, map_index),
        session,
        lambda hook, followed: execution_report(hook.snapshot(followed.execution_arn)),
    )
    return _json(told)


def _json(told: Any) -> Response:
    """Answer with JSON as browsers read it, of whatever tasks and jobs have told.

    FastAPI's own answer fails for the whole page at one XCom of 300 levels or with half a character. What JSON does not
    have is told as ``null`` (``NaN``) and ``?`` (a lone surrogate).
    """
    try:
        text = json.dumps(told, ensure_ascii=False, allow_nan=False)
    except ValueError:
        readable = json.loads(json.dumps(told), parse_constant=lambda _: None)
        text = json.dumps(readable, ensure_ascii=False)
    return Response(text.encode("utf-8", "replace"), media_type="application/json")


def _asked(
    instance: TaskInstanceName, session: Session, ask: Callable[[SageMakerPipelineHook, Followed], Told]
) -> Told:
    """Ask AWS about what a task instance followed, and hide the secrets that its execution was started with."""
    found = read_xcoms(session, instance.dag_id, [instance.run_id], [PIPELINE_REPORT])
    try:
        followed = Followed.by(instance, found)
    except PipelineExecutionError as error:
        raise HTTPException(404, str(error)) from None
    try:
        hook = SageMakerPipelineHook(**followed.connection.hook_arguments, config_defaults=_PATIENCE)
        followed.require_own(hook)
        told = ask(hook, followed)
        secrets: Secrets = hook.execution_secrets(followed.execution_arn, followed.masked)
    except SageMakerPipelinesError as error:
        raise HTTPException(502, str(error)) from None
    return secrets.hide(told)


def _step(hook: SageMakerPipelineHook, followed: Followed) -> StepSnapshot:
    listed = map(StepSnapshot.from_response, hook.list_steps(followed.execution_arn))
    step = next((step for step in listed if step.name == followed.step_name), None)
    if step is None:
        raise PipelineExecutionError(f"step '{followed.step_name}' of {followed.execution_arn} has not started")
    return step
