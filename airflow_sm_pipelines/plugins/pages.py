"""What Airflow's plugins manager reads (entry point ``airflow.plugins``).

Every process of Airflow that loads plugins imports this module, so it imports nothing that only the API server needs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from airflow.plugins_manager import AirflowPlugin

from airflow_sm_pipelines import __version__
from airflow_sm_pipelines.compatibility.base_path import base_path
from airflow_sm_pipelines.compatibility.version import REACT_PAGES, SCOPES_PAGES

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX: Final = "/sagemaker-pipelines"
"""Below which the API server serves the pages and what they ask for."""

BUNDLE: Final = "sagemaker.js"
"""The one file that has all pages; each registers itself under its name."""

_PAGES: Final = (
    {"name": "SageMaker", "destination": "dag_run", "url_route": "sagemaker"},
    {"name": "Models", "destination": "dag", "url_route": "sagemaker-models"},
    {"name": "Step", "destination": "task_instance", "url_route": "sagemaker-step"},
)

_OTHER_TASKS: Final = ("Launch pipeline", "Pipeline execution", "Step sensor")
"""How Airflow's pages name tasks that are not steps and have something to show."""


class LateApplication:
    """An ASGI application that is made when it is asked for the first time."""

    def __init__(self) -> None:
        self._application: FastAPI | None = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer a request, as ASGI has it."""
        if self._application is None:
            from airflow_sm_pipelines.plugins.application import make_application

            self._application = make_application()
        await self._application(scope, receive, send)


def _react_apps(*, scoped: bool) -> list[dict[str, Any]]:
    # The version in the address has browsers forget the file of another version.
    address = f"{base_path()}{PREFIX}/static/{BUNDLE}?version={__version__}"
    *of_dags, of_tasks = ({**page, "bundle_url": address} for page in _PAGES)
    return [*of_dags, {**of_tasks, "applies_to": {"operator_name": _tasks_with_a_page()}} if scoped else of_tasks]


def _tasks_with_a_page() -> list[str]:
    from airflow_sm_pipelines.definition.step_types import STEP_TYPES

    return [*STEP_TYPES, *(f"{name} for each item" for name in STEP_TYPES), *_OTHER_TASKS]


class SageMakerPipelinesPlugin(AirflowPlugin):
    """
    The tabs "SageMaker" of a Dag run, "Models" of a Dag and "Step" of a task instance; none before Airflow 3.2.

    From 3.4 on "Step" is a tab of tasks that have something to show there. Nothing tells Airflow whether a Dag has a
    pipeline, so the other two are tabs of every Dag.
    """

    name = "sagemaker_pipelines"
    fastapi_apps: list[Any] = (  # Airflow's class has it so
        [{"app": LateApplication(), "url_prefix": PREFIX, "name": "SageMaker Pipelines"}] if REACT_PAGES else []
    )
    react_apps: list[Any] = _react_apps(scoped=SCOPES_PAGES) if REACT_PAGES else []  # as above
