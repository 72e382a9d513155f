from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOWEST = Path(__file__).parents[1] / "airflow" / "constraints-3.0.6.txt"
REQUIREMENTS = [
    requirement
    for requirement in map(Requirement, requires("airflow-sm-pipelines") or ())
    if requirement.marker is None or requirement.marker.evaluate({"extra": "local"})
]


def lower_bound(requirement: Requirement) -> Version:
    [bound] = [Version(each.version) for each in requirement.specifier if each.operator == ">="]
    return bound


def test_every_lower_bound_is_tested():
    """The environment of Airflow 3.0.6 has each direct dependency in the lowest version allowed with the endpoint."""
    pins = {
        canonicalize_name(name): Version(version)
        for name, version in re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", LOWEST.read_text(), re.MULTILINE)
    }
    bounds: dict[str, Version] = {}
    for requirement in REQUIREMENTS:
        name = canonicalize_name(requirement.name)
        bounds[name] = max(bounds.get(name, Version("0")), lower_bound(requirement))
    assert bounds == {name: pins[name] for name in bounds}


@pytest.mark.parametrize(
    ("airflow", "amazon", "boto3"),
    [("3.0.6", "9.12", "1.39"), ("3.2.1", "9.25", "1.42"), ("3.3.1", "9.34", "1.43")],
)
def test_what_amazon_mwaa_has_is_enough(airflow, amazon, boto3):
    """Its Airflow, amazon provider and boto3; common.compat is lifted by requirements.txt, as the reference says."""
    there = {"apache-airflow": airflow, "apache-airflow-providers-amazon": amazon, "boto3": boto3}
    of_the_provider = [each for each in REQUIREMENTS if each.marker is None and each.name in there]
    assert {each.name: each.specifier.contains(there[each.name]) for each in of_the_provider} == dict.fromkeys(
        there, True
    )
