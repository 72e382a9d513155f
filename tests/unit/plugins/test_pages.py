from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from airflow_sm_pipelines import (
    CURRENT_ITEM,
    SageMakerCallbackStepOperator,
    SageMakerFailStepOperator,
    SageMakerPipelineOperator,
    SageMakerPipelineStepSensor,
    __version__,
)
from airflow_sm_pipelines.compatibility import version
from airflow_sm_pipelines.compatibility.version import SCOPES_PAGES
from airflow_sm_pipelines.get_provider_info import get_provider_info
from airflow_sm_pipelines.operators.launch import SageMakerPipelineLaunchOperator
from airflow_sm_pipelines.plugins.pages import SageMakerPipelinesPlugin, _react_apps

needs_pages = pytest.mark.skipif(not version.REACT_PAGES, reason="Airflow gives plugins Chakra UI from 3.2 on")


@pytest.mark.parametrize(
    ("airflow", "has"), [("3.0.6", False), ("3.1.8", False), ("3.2.0b1", True), ("3.3.2", True), ("3.4.0b2", True)]
)
def test_which_versions_have_pages(airflow, has):
    """3.1 takes React apps, and has no Chakra UI for them."""
    assert version.has_react_pages(airflow) is has


@needs_pages
def test_the_tabs():
    """One file has all three; the address tells the version, so that no browser keeps another version's."""
    address = f"/sagemaker-pipelines/static/sagemaker.js?version={__version__}"
    assert [{**page, "applies_to": None} for page in SageMakerPipelinesPlugin.react_apps] == [
        {"applies_to": None, "name": name, "destination": destination, "url_route": route, "bundle_url": address}
        for name, destination, route in (
            ("SageMaker", "dag_run", "sagemaker"),
            ("Models", "dag", "sagemaker-models"),
            ("Step", "task_instance", "sagemaker-step"),
        )
    ]
    [application] = SageMakerPipelinesPlugin.fastapi_apps
    assert (application["url_prefix"], application["name"]) == ("/sagemaker-pipelines", "SageMaker Pipelines")


def test_the_tasks_that_have_a_page(dag, group):
    """Where Airflow can, it shows "Step" of the tasks of steps, mapped ones too, of launches and of whole executions."""
    with group():
        step = SageMakerFailStepOperator(task_id="step", error_message="no")
        mapped = SageMakerCallbackStepOperator.partial(
            task_id="mapped", sqs_queue_url="https://queue", inputs={"x": CURRENT_ITEM}
        ).expand(item=["a", "b"])
    *of_dags, of_tasks = _react_apps(scoped=True)
    named = of_tasks["applies_to"]["operator_name"]
    assert [page.get("applies_to") for page in of_dags] == [None, None]
    assert {
        step.custom_operator_name,
        mapped.operator_name,
        SageMakerPipelineLaunchOperator.custom_operator_name,
        SageMakerPipelineOperator.custom_operator_name,
        SageMakerPipelineStepSensor.custom_operator_name,
    } <= set(named)
    assert named == list(dict.fromkeys(named))


@pytest.mark.parametrize(
    ("base_url", "prefix"),
    [
        ("/", ""),
        ("http://localhost:8080", ""),
        ("https://airflow.example.com/team/", "/team"),
        ("/team", "/team"),
    ],
)
def test_where_the_file_is(monkeypatch, base_url, prefix):
    """Below the path at which the API server serves."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    assert {page["bundle_url"] for page in _react_apps(scoped=False)} == {
        f"{prefix}/sagemaker-pipelines/static/sagemaker.js?version={__version__}"
    }


def test_airflow_finds_the_plugin():
    """By its entry point, which alone loads it; the provider's information names the same class."""
    [entry] = entry_points(group="airflow.plugins", name="sagemaker_pipelines")
    assert entry.load() is SageMakerPipelinesPlugin
    assert get_provider_info()["plugins"] == [
        {
            "name": SageMakerPipelinesPlugin.name,
            "plugin-class": f"{SageMakerPipelinesPlugin.__module__}.{SageMakerPipelinesPlugin.__name__}",
        }
    ]


IMPORTED = """
import json, sys
import airflow.plugins_manager
from airflow.providers.common.compat.sdk import AirflowPlugin, conf
before = set(sys.modules)
import airflow_sm_pipelines.plugins.pages
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_the_plugin_costs_other_processes_nothing():
    """Scheduler, workers and triggerer load plugins, too: no module comes with it that is not our own and small."""
    printed = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True).stdout
    came = set(json.loads(printed.splitlines()[-1]))
    # Airflow reads the provider's information before, and packaging is Airflow's own.
    assert sorted(name for name in came - {"airflow_sm_pipelines"} if not name.startswith("packaging")) == [
        "airflow_sm_pipelines.compatibility",
        "airflow_sm_pipelines.compatibility.base_path",
        "airflow_sm_pipelines.compatibility.version",
        # Names the tasks that have a page, where Airflow can be told.
        *(("airflow_sm_pipelines.definition", "airflow_sm_pipelines.definition.step_types") if SCOPES_PAGES else ()),
        "airflow_sm_pipelines.plugins",
        "airflow_sm_pipelines.plugins.pages",
    ]
