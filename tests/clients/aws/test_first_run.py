"""The commands of docs/aws/first-run.md, run by bash and the aws command line against the local endpoint's IAM and S3."""

from __future__ import annotations

import json
import re
import shutil
from urllib.parse import unquote

import pytest

from tests.clients.conftest import ROOT, Client

ACCOUNT = "123456789012"
VALUES = {
    "ACCOUNT": ACCOUNT,
    "REGION": "us-east-1",
    "PREFIX": "churn",
    "BUCKET": f"churn-{ACCOUNT}",
    "EXECUTION_ROLE": "churn-sagemaker",
    "WORKER_ROLE": "airflow-workers",
}


def block(test: str) -> str:
    """The commands that a test of this module runs."""
    page = (ROOT / "docs" / "aws" / "first-run.md").read_text()
    marked = re.escape(f"<!-- tested by: tests/clients/aws/test_first_run.py::{test} -->")
    [commands] = re.findall(rf"{marked}\n```console\n(.*?)```", page, re.DOTALL)
    return str(commands)


def policy(name: str) -> object:
    """A policy with a reader's values in place of its placeholders."""
    text = (ROOT / "iam" / f"{name}.json").read_text()
    for placeholder, value in VALUES.items():
        text = re.sub(rf"\b{placeholder}\b", value, text)
    return json.loads(text)


class Role:
    """What IAM knows of a role."""

    def __init__(self, client: Client, name: str) -> None:
        self.client, self.name = client, name

    def __getitem__(self, policy_name: str) -> object:
        return self._document("get-role-policy", "PolicyDocument", "--policy-name", policy_name)

    @property
    def trust(self) -> object:
        return self._document("get-role", "Role.AssumeRolePolicyDocument")

    def _document(self, operation: str, query: str, *more: str) -> object:
        answer = self.client.call(
            "aws", "iam", operation, "--role-name", self.name, *more, "--query", query, "--output", "json"
        )
        document = json.loads(answer)
        return json.loads(unquote(document)) if isinstance(document, str) else document


@pytest.fixture(scope="module")
def made(client: Client) -> Client:
    """A clone's directory, and the role that Airflow's machines have, in which both blocks run one after the other."""
    shutil.copytree(ROOT / "iam", client.directory / "iam")
    trust = {"Version": "2012-10-17", "Statement": []}
    client.call(
        "aws",
        "iam",
        "create-role",
        "--role-name",
        "airflow-workers",
        "--assume-role-policy-document",
        json.dumps(trust),
    )
    both = block("test_the_roles_and_the_bucket") + block("test_a_role_that_airflow_assumes")
    client.call("bash", "-euo", "pipefail", "-c", both)
    return client


def test_the_roles_and_the_bucket(made: Client) -> None:
    """The execution role and the machine's role have the policies, with the reader's values; the bucket is there."""
    execution_role, workers = Role(made, "churn-sagemaker"), Role(made, "airflow-workers")
    assert execution_role.trust == policy("execution-role-trust")
    assert execution_role["sagemaker-pipelines"] == policy("execution-role")
    assert workers["sagemaker-pipelines"] == policy("airflow")
    assert f"churn-{ACCOUNT}" in made.call("aws", "s3", "ls")


def test_a_role_that_airflow_assumes(made: Client) -> None:
    """The role has Airflow's policy, trusts the machines' role, and that one may assume it."""
    role = Role(made, "churn-airflow")
    assert role.trust == policy("airflow-trust")
    assert role["sagemaker-pipelines"] == policy("airflow")
    [statement] = Role(made, "airflow-workers")["assume-churn-airflow"]["Statement"]  # type: ignore[index]
    arn = f"arn:aws:iam::{ACCOUNT}:role/churn-airflow"
    assert statement == {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    made.call("aws", "sts", "assume-role", "--role-arn", arn, "--role-session-name", "airflow")
