from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import airflow
import jsonschema
import pytest

import airflow_sm_pipelines
from airflow_sm_pipelines.get_provider_info import get_provider_info

PACKAGE = Path(airflow_sm_pipelines.__file__).parent


def listed(kind: str) -> list[str]:
    return [module for entry in get_provider_info()[kind] for module in entry["python-modules"]]


def test_metadata_fit_airflows_schema():
    """The metadata are what Airflow's providers manager accepts, with no key it does not know."""
    schema = json.loads((Path(airflow.__file__).parent / "provider_info.schema.json").read_text())
    jsonschema.validate(get_provider_info(), schema)
    assert set(get_provider_info()) <= set(schema["properties"])


@pytest.mark.parametrize("kind", ["operators", "sensors", "hooks", "triggers"])
def test_listed_modules_can_be_imported(kind):
    """Every module that the metadata list exists."""
    assert [importlib.import_module(module).__name__ for module in listed(kind)] == listed(kind)


@pytest.mark.parametrize(
    ("kind", "base"), [("operators", "BaseOperator"), ("sensors", "BaseOperator"), ("triggers", "BaseTrigger")]
)
def test_all_modules_are_listed(kind, base):
    """Every module with an operator, a sensor or a trigger that can be used is listed."""
    found = []
    for module_info in pkgutil.walk_packages([str(PACKAGE / kind)], f"airflow_sm_pipelines.{kind}."):
        module = importlib.import_module(module_info.name)
        if any(
            isinstance(value, type)
            and value.__module__ == module_info.name
            and base in {parent.__name__ for parent in value.__mro__[1:]}
            and not getattr(value, "__abstractmethods__", None)
            for value in vars(module).values()
        ):
            found.append(module_info.name)
    assert sorted(listed(kind)) == sorted(found)


def test_links_are_listed():
    """The extra links of the metadata are those of the links module."""
    module = importlib.import_module("airflow_sm_pipelines.links.sagemaker")
    links = [
        f"{module.__name__}.{name}"
        for name, value in vars(module).items()
        if isinstance(value, type) and name.endswith("Link") and name[0] != "_" and value.__module__ == module.__name__
    ]
    assert get_provider_info()["extra-links"] == sorted(links)


def test_airflow_finds_the_provider():
    """The installed package announces itself to Airflow with these metadata."""
    (point,) = (
        point for point in entry_points(group="apache_airflow_provider") if "airflow_sm_pipelines" in point.value
    )
    assert point.load()() == get_provider_info()


def test_reading_the_metadata_is_cheap():
    """Every Airflow process reads the metadata: doing so imports neither Airflow nor boto3."""
    code = (
        "import json, sys; from airflow_sm_pipelines.get_provider_info import get_provider_info; "
        "get_provider_info(); print(json.dumps(sorted({'airflow', 'boto3', 'botocore'} & set(sys.modules))))"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert json.loads(output) == []
