"""The keeper: what one endpoint has, the next one has."""

from __future__ import annotations

import datetime as dt
import errno
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.persistence.directory import DataDirectory, DataDirectoryError
from airflow_sm_pipelines.local.persistence.keeper import Keeper
from airflow_sm_pipelines.local.region import Region, Regions
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
from airflow_sm_pipelines.local.server import executions, pipelines, starting, tags
from airflow_sm_pipelines.local.server.application import OPERATIONS

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/r"
DEFINITION = json.dumps({"Version": "2020-12-01", "Steps": [{"Name": "no", "Type": "Fail", "Arguments": {}}]})
OTHER = json.dumps({"Version": "2020-12-01", "Steps": [{"Name": "nein", "Type": "Fail", "Arguments": {}}]})


class Opened:
    """An endpoint's region and its keeper, over a data directory.

    :param path: the directory.
    """

    def __init__(self, path: Path) -> None:
        self.directory = DataDirectory(path)
        moto: Any = None  # nothing is kept of it
        self.keeper = Keeper(self.directory, moto)
        interpreter = Interpreter(Path("/usr/bin/python3"), Path("/usr/bin/python3"), "3.11", ())
        nothing: Any = dict.fromkeys(("s3", "sagemaker", "logs"))
        host = JobHost(NamespaceSandbox(("unshare",)), interpreter, path, nothing, REGION, "http://127.0.0.1:9", 1)
        regions = Regions(lambda _: host, changes=self.keeper)
        try:
            self.keeper.restore(regions)
        except DataDirectoryError:
            self.directory.close()
            raise
        self.region: Region = regions.get(REGION)

    def close(self) -> None:
        self.keeper.close()
        self.directory.close()

    def kept(self) -> dict[str, int]:
        """How many documents there are, by kind."""
        found = {each.name: len(list(each.iterdir())) for each in self.directory.path.iterdir() if each.is_dir()}
        return {name: count for name, count in found.items() if count}

    def look(self) -> list[Any]:
        """What the API shows."""
        region = self.region
        arn = region.store.executions()[0].arn
        return [
            pipelines.list_pipelines(region, {}),
            OPERATIONS["ListPipelineVersions"](region, {"PipelineName": "p"}),
            executions.list_pipeline_executions(region, {"PipelineName": "p"}),
            executions.describe_pipeline_execution(region, {"PipelineExecutionArn": str(arn)}),
            executions.list_pipeline_execution_steps(region, {"PipelineExecutionArn": str(arn)}),
            tags.list_tags(region, {"ResourceArn": arn.pipeline_arn}),
            region.store.inference_components,
            region.store.tokens.answers(),
        ]


def test_the_next_endpoint_has_what_this_one_had(tmp_path: Path) -> None:
    """Also after it has had it twice; what is deleted leaves nothing behind."""
    before = Opened(tmp_path)
    region = before.region
    created = {
        "PipelineName": "p",
        "PipelineDefinition": DEFINITION,
        "RoleArn": ROLE,
        "ClientRequestToken": "t" * 32,
        "Tags": [{"Key": "$time", "Value": "v"}],
    }
    pipelines.create_pipeline(region, created)
    pipelines.update_pipeline(region, {"PipelineName": "p", "PipelineDefinition": OTHER})
    started = {"PipelineName": "p", "ClientRequestToken": "u" * 32}
    arn = starting.start_pipeline_execution(region, started)["PipelineExecutionArn"]
    assert region.store.execution(arn).done.wait(30)
    region.store.inference_components["c"] = {"CreationTime": dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)}
    before.keeper.of_region(REGION)
    shown = before.look()
    before.close()

    for _ in range(2):
        after = Opened(tmp_path)
        assert after.look() == shown
        assert after.region.store.execution(arn).done.is_set()
        after.keeper.of_region(REGION)
        assert after.kept() == {
            "definitions": 2,
            "executions": 1,
            "inference-components": 1,
            "pipelines": 1,
            "steps": 1,
            "tags": 1,
            "tokens": 2,
        }
        after.close()

    last = Opened(tmp_path)
    assert starting.start_pipeline_execution(last.region, started) == {"PipelineExecutionArn": arn}
    pipelines.delete_pipeline(last.region, {"PipelineName": "p", "ClientRequestToken": "d" * 32})
    last.region.store.inference_components.clear()
    last.keeper.of_region(REGION)
    assert last.kept() == {"tokens": 1}
    last.close()


def test_what_cannot_be_kept_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request that changed it fails; once there is room again, all is kept, what nobody waits for, too."""
    opened = Opened(tmp_path)
    pipelines.create_pipeline(
        opened.region,
        {"PipelineName": "p", "PipelineDefinition": DEFINITION, "RoleArn": ROLE, "ClientRequestToken": "t" * 32},
    )
    opened.region.store.tags["arn:aws:sagemaker:eu-west-1:1:pipeline/p"] = {"a": "b"}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(opened.directory, "write", full)
        started = {"PipelineName": "p", "ClientRequestToken": "u" * 32}
        arn = starting.start_pipeline_execution(opened.region, started)["PipelineExecutionArn"]
        assert opened.region.store.execution(arn).done.wait(30)
        with pytest.raises(ServiceError) as failure:
            opened.keeper.of_region(REGION)
    assert str(failure.value) == (
        "The local endpoint cannot write its data directory: [Errno 28] No space left on device"
    )
    opened.keeper.of_region(REGION)
    kept = {"definitions": 1, "executions": 1, "pipelines": 1, "steps": 1, "tags": 2, "tokens": 2}
    assert (opened.kept(), len(opened.look()[4]["PipelineExecutionSteps"])) == (kept, 1)
    shown = opened.look()
    opened.close()
    after = Opened(tmp_path)
    assert after.look() == shown
    after.close()
    with pytest.raises(ServiceError, match="shutting down"):
        opened.keeper.of_region(REGION)


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("buckets", {}, "the buckets or objects in the data directory {} are not {}: KeyError('requests')"),
        ("definitions", {}, "the pipelines or their definitions in the data directory {} are not {}: "),
        ("pipelines", {}, "the pipelines or their definitions in the data directory {} are not {}: KeyError('arn')"),
        ("steps", None, "the executions or steps in the data directory {} are not {}: AttributeError("),
        ("jobs", {}, "the jobs in the data directory {} are not {}: KeyError('api')"),
        (
            "tokens",
            {},
            "the tags, inference components or tokens in the data directory {} are not {}: KeyError('request')",
        ),
    ],
)
def test_documents_of_another_version_are_refused(tmp_path: Path, kind: str, value: Any, message: str) -> None:
    """The message says which and what to do, instead of a traceback."""
    opened = Opened(tmp_path)
    created = {"PipelineName": "p", "PipelineDefinition": DEFINITION, "RoleArn": ROLE, "ClientRequestToken": "t" * 32}
    pipelines.create_pipeline(opened.region, created)
    opened.keeper.of_region(REGION)
    opened.directory.write(kind, f"arn:aws:sagemaker:{REGION}:123456789012:pipeline/p#1", value)
    opened.close()
    with pytest.raises(DataDirectoryError) as refusal:
        Opened(tmp_path)
    assert str(refusal.value).startswith(message.format(tmp_path, "those of this version of sm-pipelines"))
    assert str(refusal.value).endswith(". Use the version that wrote them, or remove the directory to start empty")
