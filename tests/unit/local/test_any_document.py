"""The whole life of any document that CreatePipeline takes: every answer is one that SageMaker would give."""

from __future__ import annotations

import copy
import itertools
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from werkzeug.test import Client

from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.runners.registry import STAND_INS, runners_with
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
from airflow_sm_pipelines.local.server.application import Application
from tests.unit.definition.documents import JSON
from tests.unit.definition.valid_pipelines import ROLE, places, valid_pipelines

REGION = "us-east-1"
ODD = st.one_of(
    JSON,
    st.sampled_from(
        [
            None, 1e300, -0.0, 10**400, "", " ", "a" * 300, "a" * 5000, "\x00", "\ud800", "é\n", [], {}, [[]], True,
            {"Get": "Parameters.Text"}, {"Get": "Execution.StartDateTime"}, {"Get": "PipelineExperimentConfig.TrialName"},
            {"Std:Join": {"On": "", "Values": ["x" * 1000, {"Get": "Parameters.Count"}]}},
        ]
    ),
)  # fmt: skip
"""Values that may stand where they are not expected."""

TOP = ("Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps", "Other")
ADDED = ("DisplayName", "Description", "CacheConfig", "RetryPolicies", "OutputParameters", "Other", "TrialName", "Tags")
numbers = itertools.count()


class NoFiles:
    """S3 without objects, and nothing else: steps have only stand-ins, which leave no files."""

    def __getitem__(self, service: str) -> NoFiles:
        assert service == "s3"
        return self

    def get_object(self, **_: Any) -> None:
        raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "There is none."}}, "GetObject")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Valid documents, with up to three values replaced, added or taken away anywhere."""
    document: dict[str, Any] = copy.deepcopy(draw(valid_pipelines()))
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["replace", "replace", "add", "remove", "top"]))
        found = list(places(document))
        if kind == "top":
            document[draw(st.sampled_from(TOP))] = draw(ODD)
        elif found:
            container, key, value, _ = found[draw(st.integers(0, len(found) - 1))]
            if kind == "replace":
                container[key] = draw(ODD)
            elif kind == "remove":
                del container[key]
            elif isinstance(value, dict):
                value[draw(st.sampled_from(ADDED))] = draw(ODD)
    return document


class Endpoint:
    """The endpoint's side of SageMaker, asked as over the wire. Everything but decisions has stand-ins.

    :param directory: where jobs would be.
    """

    def __init__(self, directory: Path) -> None:
        interpreter = Interpreter(Path("/usr/bin/python3"), Path("/usr/bin/python3"), "3.11", ())
        clients: Any = NoFiles()
        host = JobHost(NamespaceSandbox(("unshare",)), interpreter, directory, clients, REGION, "http://127.0.0.1:9", 1)
        self.regions = Regions(lambda _: host, runners_with(STAND_INS))
        moto: Any = None  # never asked
        self._client = Client(Application(self.regions, moto))

    def ask(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """An answer, which was held against the API's model; ``None`` when the service refuses."""
        answer = self._client.post(
            "/", data=json.dumps(request), headers={"X-Amz-Target": f"SageMaker.{operation}", "Host": "localhost"}
        )
        content: dict[str, Any] = json.loads(answer.get_data(as_text=True))
        assert answer.status_code in (200, 400), (operation, content)
        return content if answer.status_code == 200 else None

    def must(self, operation: str, **request: Any) -> dict[str, Any]:
        """An answer that is no refusal."""
        answer = self.ask(operation, **request)
        assert answer is not None, operation
        return answer


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    logging.getLogger("airflow_sm_pipelines.local").setLevel(logging.CRITICAL)
    yield Endpoint(tmp_path_factory.mktemp("jobs"))
    logging.getLogger("airflow_sm_pipelines.local").setLevel(logging.NOTSET)


def look(endpoint: Endpoint, name: str) -> None:
    """Ask for all that there is to see of a pipeline."""
    endpoint.must("DescribePipeline", PipelineName=name)
    endpoint.must("ListPipelines", PipelineNamePrefix=name)
    arn = endpoint.must("DescribePipeline", PipelineName=name)["PipelineArn"]
    endpoint.must("ListPipelineVersions", PipelineName=name)
    endpoint.must("ListTags", ResourceArn=arn)
    endpoint.must("ListPipelineExecutions", PipelineName=name)


def live(endpoint: Endpoint, document: Mapping[str, Any]) -> str:
    """The life of a document, and how it ends."""
    name = f"any-{next(numbers)}"
    token = f"{name:-<32}"
    text = json.dumps(document)
    pipeline = {"PipelineName": name, "RoleArn": ROLE}
    if endpoint.ask("CreatePipeline", PipelineDefinition=text, ClientRequestToken=token, **pipeline) is None:
        return "refused"
    look(endpoint, name)
    endpoint.must("UpdatePipeline", PipelineDefinition=text + " ", **pipeline)
    started = endpoint.ask("StartPipelineExecution", PipelineName=name, ClientRequestToken=token)
    status = "not started"
    if started is not None:
        arn = started["PipelineExecutionArn"]
        execution = endpoint.regions.get(REGION).store.execution(arn)
        assert execution.done.wait(20), "the execution does not end"
        status = endpoint.must("DescribePipelineExecution", PipelineExecutionArn=arn)["PipelineExecutionStatus"]
        steps = endpoint.must("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
        assert [step for step in steps if "InternalServerError" in step.get("FailureReason", "")] == []
        endpoint.must("ListPipelineParametersForExecution", PipelineExecutionArn=arn)
        shown = endpoint.must("DescribePipelineDefinitionForExecution", PipelineExecutionArn=arn)
        assert shown["PipelineDefinition"] == text + " "
        endpoint.must("UpdatePipelineExecution", PipelineExecutionArn=arn, PipelineExecutionDisplayName="seen")
        endpoint.ask("RetryPipelineExecution", PipelineExecutionArn=arn, ClientRequestToken=token)
        assert execution.done.wait(20), "the execution does not end again"
        look(endpoint, name)
    endpoint.must("DeletePipeline", PipelineName=name, ClientRequestToken=token)
    assert endpoint.ask("DescribePipeline", PipelineName=name) is None
    return status


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(document=documents())
def test_no_document_makes_the_endpoint_fail(endpoint: Endpoint, document: dict[str, Any]) -> None:
    """It is refused with a reason, or taken, shown, changed, run to its end and deleted: never an internal error."""
    event(live(endpoint, document))
