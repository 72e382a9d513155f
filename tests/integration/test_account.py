"""Commands that read pipelines of an account: what they print, and how they end."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines import cli
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import TEST_KEY, Aws, token
from tests.integration.documents import REGION, ROLE, document, training_step


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's credentials are those of the endpoint's tests."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", TEST_KEY.id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", TEST_KEY.secret)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def put_pipeline(aws: Aws, *versions: dict[str, Any]) -> str:
    """A pipeline of these versions; its name."""
    name = f"account-{uuid.uuid4().hex[:8]}"
    first, *others = map(json.dumps, versions)
    aws.sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=first, RoleArn=ROLE, ClientRequestToken=token())
    for each in others:
        aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=each)
    return name


def trees(number: int) -> dict[str, Any]:
    return document(training_step("train", "s3://box/sourcedir.tar.gz", hyperparameters={"trees": str(number)}))


def test_versions_of_a_pipeline_are_compared(
    endpoint: LocalEndpoint, aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name is the latest version, name@1 the first, and a file is a file: 1 where they differ, 0 where they do not."""
    name = put_pipeline(aws, trees(100), trees(200))
    file = tmp_path / "definition.json"
    file.write_text(json.dumps(trees(200)))

    def diff(*operands: str) -> tuple[int, str, str]:
        status = cli.main(["diff", *operands, "--region", REGION, "--endpoint-url", endpoint.url])
        return (status, *capsys.readouterr())

    changed = "step 'train' HyperParameters.trees 100 → 200\n"
    assert diff(f"{name}@1", name) == (1, changed, "")
    assert diff(f"{name}@1", str(file)) == (1, changed, "")
    assert diff(f"{name}@2", str(file)) == (0, "", "")
    status, out, error = diff(f"{name}-not-there", name)
    assert (status, out) == (2, "")
    assert error.startswith("sm-pipelines diff: DescribePipeline failed: ResourceNotFound: ")


def test_a_region_is_needed(
    aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What boto3 lacks is told in its words, with the status for trouble."""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert cli.main(["diff", "one", "two"]) == 2
    assert capsys.readouterr() == ("", "sm-pipelines diff: You must specify a region.\n")
