"""Airflow writes *** for each of its secrets wherever it stands in a log: those of the demo and of the compose file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from airflow.sdk._shared.secrets_masker import SecretsMasker

from harness.components import Stack

CLONE = Path(__file__).parents[2]


def secrets_of(environment):
    """The values that Airflow takes for secrets, of an environment, a password within a URL or a connection included."""
    found = {name: value for name, value in environment.items() if re.search(r"(SECRET|_KEY|PASSWORD)$", name)}
    for name, value in environment.items():
        if name.endswith("_CONN"):
            found[name] = urlsplit(value).password
        elif name.startswith("AIRFLOW_CONN_"):
            found[name] = json.loads(value)["password"]
    return {name: value for name, value in found.items() if value}


@pytest.fixture
def vocabulary():
    """What is said to users, and what logs are made of."""
    files = [
        CLONE / "README.md",
        *(CLONE / "docs").rglob("*.md"),
        *(path for path in (CLONE / "airflow_sm_pipelines").rglob("*.py") if path.parent.name != "serving"),  # has them
        *(CLONE / "dags").rglob("*.py"),
    ]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def assert_that_no_word_is_masked(secrets, vocabulary):
    masker = SecretsMasker()
    for secret in secrets.values():
        masker.add_mask(secret)
    assert [name for name, secret in secrets.items() if masker.redact(secret) == secret] == []
    assert [line for line in vocabulary.splitlines() if masker.redact(line) != line] == []


def test_the_compose_file_has_no_secret_that_is_a_word(vocabulary):
    """Neither the password of the database nor that of the endpoint's connection, nor a key, with the file's defaults."""
    text = (CLONE / "docker" / "compose.yaml").read_text(encoding="utf-8")
    compose = yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))
    environment = {**compose["x-airflow"]["environment"], **compose["services"]["postgres"]["environment"]}
    secrets = secrets_of(environment)
    assert sorted(secrets) == [
        "AIRFLOW_CONN_AWS_DEFAULT",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "POSTGRES_PASSWORD",
    ]
    assert_that_no_word_is_masked(secrets, vocabulary)


def test_the_demo_has_no_secret_that_is_a_word(vocabulary, tmp_path):
    """Nor have the live tests and benchmarks, which run the same components."""
    secrets = secrets_of(Stack(tmp_path, tmp_path).airflow_environment)
    assert sorted(secrets) == [
        "AIRFLOW_CONN_AWS_DEFAULT",
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CORE__FERNET_KEY",
    ]
    assert_that_no_word_is_masked(secrets, vocabulary)
