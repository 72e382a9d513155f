"""The policies in iam/ allow what the package calls, and nothing that it does not call."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore import xform_name

import airflow_sm_pipelines
from airflow_sm_pipelines.definition.step_types import RESOURCES, STEP_TYPES
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.hooks.pipeline import SageMakerPipelineHook
from tests.iam import (
    ANYWHERE,
    CALLS,
    IAM,
    OF_BOTOCORE,
    PLACEHOLDERS,
    Need,
    allows,
    lacking,
    listed,
    operation_of,
    statements,
)
from tests.scripted_service import EXECUTION_ARN, step

PACKAGE = Path(airflow_sm_pipelines.__file__).parent
DOCS = IAM.parent / "docs" / "aws"
OF_PEOPLE = ("cli", "local", "running", "serving", "testing")
"""What does not run in Airflow's components: the command line and the tests of Dags have the credentials of whoever runs them."""

ROOMS_OF_AIRFLOW = [path for path in PACKAGE.iterdir() if path.name not in OF_PEOPLE]

THROUGH_A_VARIABLE = {"hooks/executions.py: _listed", "hooks/pipeline.py: _describe"}
"""Where the operation's name is not a literal; tests below run them with every value that they can have."""

CLIENTS = {
    "hooks/pipeline.py: client",  # _describe asks its model which operations there are
    "hooks/services.py: client",  # where clients are made and called
    "links/sagemaker.py: client",  # its endpoint's address
}


def nodes() -> Iterator[tuple[str, ast.AST, str]]:
    """All nodes of the Airflow side's code, with their file and the function that they stand in."""
    for root in ROOMS_OF_AIRFLOW:
        for path in [root] if root.suffix == ".py" else root.rglob("*.py"):
            file = str(path.relative_to(PACKAGE))
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield from ((file, node, function.name) for node in ast.walk(function))


def called(name: str) -> Iterator[tuple[str, ast.Call]]:
    """All calls of a method, with where they stand."""
    for file, node, function in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
            yield f"{file}: {function}", node


def operation(service: str, method: str) -> str:
    """The API's name of a client's method."""
    model = boto3.Session()._session.get_service_model(service)
    [name] = [name for name in model.operation_names if xform_name(name) == method]
    return name


def literal_operations() -> set[str]:
    """The operations that the code names."""
    found = {
        operation(*(argument.value for argument in call.args[:2]))
        for _, call in called("call")
        if len(call.args) == 2 and all(isinstance(argument, ast.Constant) for argument in call.args)
    }
    listings = {
        call.args[1].value
        for _, call in called("_listed")
        if len(call.args) == 2 and isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)
    }
    return found | {operation("sagemaker", method) for method in listings}


class Recorder(SageMakerPipelineHook):
    """A hook that notes what it would call."""

    def __init__(self) -> None:
        super().__init__(aws_conn_id=None, region_name="us-east-1")
        self.calls = []

    def call(self, service, method, **arguments):
        self.calls.append((self.client(service).meta.method_to_api_mapping[method], arguments))
        return {}


def recorded_operations() -> dict[str, dict[str, str]]:
    """The operations whose names the catalogue of step types gives, with a request of each."""
    hook = Recorder()
    for resource in RESOURCES.values():
        if resource.is_listed:
            hook.running_job_arns(resource.type)
        snapshot = StepSnapshot.from_response(
            {
                **step("made", "Succeeded"),
                "StartTime": None,
                "Metadata": {_metadata(resource.type): {"Arn": f"{ANYWHERE}{resource.type}/pipelines-abc"}},
            }
        )
        assert snapshot.job_arn is not None, resource
        hook.describe_made(snapshot)
    return dict(hook.calls)


def _metadata(resource_type: str) -> str:
    [member, *_] = [row.metadata for row in STEP_TYPES.values() if row.resource and row.resource.type == resource_type]
    return member


def test_every_call_names_its_operation_or_is_run_below():
    """A call through a variable cannot be read from the code, so there are two such places, which are known."""
    through_a_variable = {
        where
        for where, call in called("call")
        if len(call.args) != 2 or not all(isinstance(argument, ast.Constant) for argument in call.args)
    }
    assert through_a_variable == THROUGH_A_VARIABLE


def test_nothing_calls_aws_but_the_hooks_call():
    """A client that is used directly would need permissions that this test does not see."""
    ways = {"client", "get_client_type", "get_conn", "get_paginator", "get_waiter", "get_waiter_client", "resource"}
    used = {
        f"{file}: {node.func.attr}"
        for file, node, _ in nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ways
    }
    assert used == CLIENTS
    imported = {
        f"{file}: {name}"
        for file, node, _ in nodes()
        for name in _imported(node)
        if name.partition(".")[0] in ("aiobotocore", "aioboto3", "boto3") or (".operators" in name and "amazon" in name)
    }
    assert imported == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def test_the_map_of_actions_has_the_calls_and_nothing_else():
    """Each operation that the code can call has an IAM action in tests/iam.py."""
    assert literal_operations() | set(recorded_operations()) == set(CALLS) - OF_BOTOCORE


def test_the_policy_of_airflow_allows_every_call():
    """Each call is allowed, for the resource that it is about."""
    requests = {
        name: {
            "PipelineName": "churn",
            "PipelineExecutionArn": EXECUTION_ARN,
            "RoleArn": "arn:aws:iam::123456789012:role/any",
            "ResourceArn": f"{ANYWHERE}pipeline/churn",
            "Tags": [{"Key": "team", "Value": "ml"}],
            "CallbackToken": "abcd1234",
            "Bucket": "lab",
            "Key": "code/x.py",
            "QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/churn",
            "logGroupName": "/aws/sagemaker/TrainingJobs",
            "logStreamName": "pipelines-abc/algo-1",
            "ModelPackageName": f"{ANYWHERE}model-package/churn/1",
        }
        for name in CALLS
    }
    for name, request in recorded_operations().items():
        requests[name] = {**requests[name], **request}
    assert lacking("airflow", requests.items()) == []


def test_what_a_policy_lacks_is_found():
    """The check is able to fail: for an unknown call, another service's role, another type of resource."""
    assert lacking("airflow", [("DeletePipeline", {"PipelineName": "churn"})]) == [
        "DeletePipeline: tests/iam.py does not know its IAM action"
    ]
    assert lacking("execution-role", [("ListTags", {"ResourceArn": f"{ANYWHERE}pipeline/churn"})]) == [
        f"ListTags: Need(action='sagemaker:ListTags', resource='{ANYWHERE}pipeline/churn', passed_to=None)"
    ]
    role = "arn:aws:iam::123456789012:role/any"
    assert allows("airflow", Need("iam:PassRole", role, "sagemaker.amazonaws.com"))
    assert not allows("airflow", Need("iam:PassRole", role, "lambda.amazonaws.com"))
    assert not allows("airflow", Need("sagemaker:DescribePipelineExecution", f"{ANYWHERE}pipeline/churn"))


def test_the_policy_of_airflow_allows_nothing_else():
    """Each action is that of a call, or what such a call needs besides."""
    actions = {action for statement in statements("airflow") for action in listed(statement["Action"])}
    assert actions == {action for action, _ in CALLS.values()} | {"iam:PassRole"}


NOT_IN_THE_ROLE = {"EMR", "EMRServerless", "Lineage", "Job", "Cleanup"}
"""Step types for which docs/aws/permissions.md says what to add to the execution role."""


@pytest.mark.parametrize("name", sorted(set(STEP_TYPES) - NOT_IN_THE_ROLE))
def test_the_execution_role_may_do_what_a_step_does(name):
    """SageMaker creates, describes and stops with the pipeline's role what a step makes."""
    row = STEP_TYPES[name]
    known = boto3.Session()._session.get_service_model("sagemaker").operation_names
    wanted = [
        Need(f"sagemaker:{verb}{row.resource.api}", f"{ANYWHERE}{row.resource.type}/pipelines-abc")
        for verb in ("Create", "Describe", "Stop")
        if row.resource and f"{verb}{row.resource.api}" in known
    ]
    if wanted:
        wanted.append(Need("sagemaker:AddTags", f"{ANYWHERE}{row.resource.type}/pipelines-abc"))
    wanted += {
        "Callback": [Need("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:churn")],
        "Lambda": [Need("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:churn")],
        "RegisterModel": [
            Need(f"sagemaker:{verb}ModelPackage{what}", f"{ANYWHERE}model-package-group/churn")
            for verb, what in (("Create", ""), ("Create", "Group"), ("Describe", "Group"))
        ],
    }.get(name, [])
    assert [need for need in wanted if not allows("execution-role", need)] == []
    assert bool(wanted) == (name not in ("Condition", "Fail", "ForEach"))


def test_the_page_says_what_to_add_for_the_other_step_types():
    """Each type that the role's policy leaves out has a row in docs/aws/permissions.md."""
    page = (DOCS / "permissions.md").read_text()
    assert [name for name in sorted(NOT_IN_THE_ROLE) if not re.search(rf"^\|[^|]*`{name}`", page, re.MULTILINE)] == []


def test_the_page_explains_each_statement():
    """Each statement of both policies has a row, by its Sid."""
    page = (DOCS / "permissions.md").read_text()
    sids = [statement["Sid"] for name in ("airflow", "execution-role") for statement in statements(name)]
    assert [sid for sid in sids if f"| `{sid}` |" not in page] == []


@pytest.mark.parametrize("file", sorted(IAM.glob("*.json")), ids=lambda path: path.stem)
def test_the_policies_are_of_the_form_that_iam_takes(file):
    """A policy is JSON of this version within IAM's limit, its placeholders are those of the page, no action a wildcard."""
    document = json.loads(file.read_text())
    assert document["Version"] == "2012-10-17"
    assert len(re.sub(r"\s", "", file.read_text())) <= 6144
    actions = [action for statement in document["Statement"] for action in listed(statement["Action"])]
    assert [
        action for action in actions if not re.fullmatch(r"[a-z0-9]+:[A-Z]\w+", action) and action != "sts:AssumeRole"
    ] == []
    words = set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", file.read_text()))
    assert words <= {*PLACEHOLDERS, "WORKER_ROLE"}


def test_calls_of_s3_are_known_by_their_address():
    """What the proxy of the live tests sees of S3 is a method and a path."""
    place = {"Bucket": "lab", "Key": "code/x.py"}
    assert [
        operation_of("PUT /lab/code/x.py", {}),
        operation_of("HEAD /lab/code/x.py", {}),
        operation_of("GET /lab/code/x.py?x-id=GetObject", {}),
        operation_of("HEAD /lab", {}),
        operation_of("GET /lab?list-type=2&prefix=code", {}),
        operation_of("GET /lab/code/x.py?acl", {}),
        operation_of("AddTags", {"ResourceArn": "x"}),
    ] == [
        ("PutObject", place),
        ("HeadObject", place),
        ("GetObject", place),
        ("HeadBucket", {"Bucket": "lab"}),
        ("GET /lab?list-type=2&prefix=code", {}),
        ("GET /lab/code/x.py?acl", {}),
        ("AddTags", {"ResourceArn": "x"}),
    ]
