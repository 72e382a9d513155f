"""Versions of pipelines, what they are called, and executions of them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import ROLE, document, fail_step


def definition(message: str) -> str:
    """A definition that ends with a message."""
    return json.dumps(document(fail_step("no", message)))


class Versions:
    """A pipeline of three versions.

    :param aws: Clients for the endpoint.
    """

    def __init__(self, aws: Aws) -> None:
        self.name = f"versions-{uuid.uuid4().hex[:8]}"
        self._sagemaker = aws.sagemaker
        self.arn = self._sagemaker.create_pipeline(
            PipelineName=self.name,
            PipelineDefinition=definition("one"),
            PipelineVersionAliases=["first", "stable"],
            RoleArn=ROLE,
            ClientRequestToken=token(),
        )["PipelineArn"]
        self.updates = [
            self.update(PipelineDefinition=definition("two")),
            self.update(PipelineDefinition=definition("three"), PipelineVersionAliases=["latest.3"]),
        ]

    def update(self, **request: Any) -> int:
        """Update the pipeline; the number of its version."""
        return int(self._sagemaker.update_pipeline(PipelineName=self.name, **request)["PipelineVersionId"])

    def change(self, version: int, **request: Any) -> None:
        """UpdatePipelineVersion."""
        response = self._sagemaker.update_pipeline_version(PipelineArn=self.arn, PipelineVersionId=version, **request)
        response.pop("ResponseMetadata")
        assert response == {"PipelineArn": self.arn, "PipelineVersionId": version}

    def aliases(self) -> dict[int, list[str]]:
        """The aliases of each version that has some."""
        response = self._sagemaker.list_pipeline_versions(PipelineName=self.name, SortOrder="Ascending")
        return {
            each["PipelineVersionId"]: each["PipelineVersionAliases"]
            for each in response["PipelineVersionSummaries"]
            if "PipelineVersionAliases" in each
        }

    def start(self, **request: Any) -> str:
        """Start an execution."""
        response = self._sagemaker.start_pipeline_execution(
            PipelineName=self.name, ClientRequestToken=token(), **request
        )
        return str(response["PipelineExecutionArn"])


@pytest.fixture
def versions(aws: Aws) -> Versions:
    """A pipeline of three versions."""
    return Versions(aws)


def test_an_update_that_changes_the_definition_makes_a_version(versions: Versions) -> None:
    """Numbers count from 1; the same definition, or none, is no new version."""
    assert versions.updates == [2, 3]
    assert versions.update(PipelineDefinition=definition("three")) == 3
    assert versions.update(PipelineDescription="described") == 3


def test_versions_are_listed(endpoint: LocalEndpoint, aws: Aws, versions: Versions) -> None:
    """The latest first, with what they are called and their latest execution; in pages, and by time."""
    first_run = versions.start(PipelineVersionId=2)
    second_run = versions.start(PipelineVersionId=2)
    for arn in (first_run, second_run):
        wait(endpoint, arn)
    versions.change(2, PipelineVersionDisplayName="second", PipelineVersionDescription="the second one")
    summaries = aws.sagemaker.list_pipeline_versions(PipelineName=versions.name)["PipelineVersionSummaries"]
    times = [each.pop("CreationTime") for each in summaries]
    assert times == sorted(times, reverse=True)
    assert summaries == [
        {"PipelineArn": versions.arn, "PipelineVersionId": 3, "PipelineVersionAliases": ["latest.3"]},
        {
            "PipelineArn": versions.arn,
            "PipelineVersionId": 2,
            "PipelineVersionDisplayName": "second",
            "PipelineVersionDescription": "the second one",
            "LastExecutionPipelineExecutionArn": second_run,
        },
        {"PipelineArn": versions.arn, "PipelineVersionId": 1, "PipelineVersionAliases": ["first", "stable"]},
    ]
    paginator = aws.sagemaker.get_paginator("list_pipeline_versions")
    pages = paginator.paginate(PipelineName=versions.arn, SortOrder="Ascending", PaginationConfig={"PageSize": 2})
    numbers = [[each["PipelineVersionId"] for each in page["PipelineVersionSummaries"]] for page in pages]
    assert numbers == [[1, 2], [3]]
    late = aws.sagemaker.list_pipeline_versions(PipelineName=versions.name, CreatedAfter=times[0])
    assert late["PipelineVersionSummaries"] == []


def test_a_version_is_described(aws: Aws, versions: Versions) -> None:
    """By number, by alias, and the latest without either; with what the version is called."""
    versions.change(1, PipelineVersionDisplayName="the-first", PipelineVersionDescription="where it began")
    shown = {
        str(request): aws.sagemaker.describe_pipeline(PipelineName=versions.name, **request)
        for request in ({}, {"PipelineVersionId": 2}, {"PipelineVersionAlias": "stable"})
    }
    called = ("PipelineVersionDisplayName", "PipelineVersionDescription", "PipelineVersionAliases")
    assert {
        request: (each["PipelineDefinition"], {key: each[key] for key in called if key in each})
        for request, each in shown.items()
    } == {
        "{}": (definition("three"), {"PipelineVersionAliases": ["latest.3"]}),
        "{'PipelineVersionId': 2}": (definition("two"), {}),
        "{'PipelineVersionAlias': 'stable'}": (
            definition("one"),
            {
                "PipelineVersionDisplayName": "the-first",
                "PipelineVersionDescription": "where it began",
                "PipelineVersionAliases": ["first", "stable"],
            },
        ),
    }


@pytest.mark.parametrize(
    ("request_", "version", "message"),
    [({}, 3, "three"), ({"PipelineVersionId": 2}, 2, "two"), ({"PipelineVersionAlias": "first"}, 1, "one")],
)
def test_an_execution_runs_the_version_it_was_started_from(
    endpoint: LocalEndpoint, aws: Aws, versions: Versions, request_: dict[str, Any], version: int, message: str
) -> None:
    """By number, by alias, and the latest without either; moving the alias later changes nothing."""
    arn = versions.start(**request_)
    versions.change(1, PipelineVersionAliasOperations={"Remove": ["first"]})
    versions.change(3, PipelineVersionAliasOperations={"Add": ["first"]})
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineVersionId"] == version
    assert aws.steps(arn)["no"]["FailureReason"] == message


def test_executions_of_a_version_are_found_by_its_alias(endpoint: LocalEndpoint, aws: Aws, versions: Versions) -> None:
    """The alias is looked up when the list is asked for; executions show the aliases their version has now."""
    old, new = versions.start(PipelineVersionId=1), versions.start()
    for arn in (old, new):
        wait(endpoint, arn)

    def found(alias: str) -> list[str]:
        response = aws.sagemaker.list_pipeline_executions(PipelineName=versions.name, PipelineVersionAlias=alias)
        return [each["PipelineExecutionArn"] for each in response["PipelineExecutionSummaries"]]

    assert (found("stable"), found("latest.3")) == ([old], [new])
    versions.change(1, PipelineVersionAliasOperations={"Remove": ["stable"]})
    versions.change(3, PipelineVersionAliasOperations={"Add": ["stable"]})
    assert found("stable") == [new]
    assert aws.describe(old)["PipelineVersionAliases"] == ["first"]
    summaries = aws.sagemaker.list_pipeline_executions(PipelineName=versions.name)["PipelineExecutionSummaries"]
    assert [each["PipelineVersionAliases"] for each in summaries] == [["latest.3", "stable"], ["first"]]


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"PipelineVersionId": 4}, "ResourceNotFound", "Pipeline '{arn}' has no version 4."),
        (
            {"PipelineVersionAlias": "nobody"},
            "ResourceNotFound",
            "Pipeline '{arn}' has no version with the alias 'nobody'.",
        ),
        (
            {"PipelineVersionId": 1, "PipelineVersionAlias": "first"},
            "ValidationException",
            "Only one of PipelineVersionId and PipelineVersionAlias can be specified.",
        ),
    ],
)
def test_a_version_that_does_not_exist_is_not_found(
    aws: Aws, versions: Versions, request_: dict[str, Any], error: str, message: str
) -> None:
    """Neither described nor started; a version is named in one way."""
    expected = (error, message.format(arn=versions.arn))
    name = versions.name
    assert error_of(aws.sagemaker.describe_pipeline, PipelineName=name, **request_) == expected
    start = {"PipelineName": name, "ClientRequestToken": token(), **request_}
    assert error_of(aws.sagemaker.start_pipeline_execution, **start) == expected


def test_an_alias_belongs_to_one_version(aws: Aws, versions: Versions) -> None:
    """ConflictException until it is taken from the other version; a refused request changes nothing at all."""
    conflict = (
        "ConflictException",
        (f"Version 1 of pipeline '{versions.arn}' has the alias 'stable'. Remove it from that version first."),
    )
    before = versions.aliases()
    third = {"PipelineArn": versions.arn, "PipelineVersionId": 3}
    assert (
        error_of(
            aws.sagemaker.update_pipeline_version,
            **third,
            PipelineVersionDisplayName="third",
            PipelineVersionAliasOperations={"Remove": ["latest.3"], "Add": ["new", "stable"]},
        )
        == conflict
    )
    assert versions.aliases() == before
    fourth = {"PipelineName": versions.name, "PipelineDefinition": definition("four")}
    assert error_of(aws.sagemaker.update_pipeline, **fourth, PipelineVersionAliases=["stable"]) == conflict
    assert aws.sagemaker.describe_pipeline(PipelineName=versions.name)["PipelineDefinition"] == definition("three")
    versions.change(1, PipelineVersionAliasOperations={"Remove": ["stable"]})
    versions.change(3, PipelineVersionAliasOperations={"Add": ["stable"]})
    assert versions.aliases() == {1: ["first"], 3: ["latest.3", "stable"]}


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ({"Add": ["42"]}, "The alias '42' consists of numbers only; a version ID looks like that."),
        ({"Remove": ["first"]}, "Version 2 of pipeline '{arn}' does not have the alias 'first'."),
    ],
)
def test_aliases_that_cannot_be(aws: Aws, versions: Versions, operations: dict[str, list[str]], message: str) -> None:
    """ValidationException: all digits, or not the version's to lose."""
    assert error_of(
        aws.sagemaker.update_pipeline_version,
        PipelineArn=versions.arn,
        PipelineVersionId=2,
        PipelineVersionAliasOperations=operations,
    ) == ("ValidationException", message.format(arn=versions.arn))


def test_a_version_has_ten_aliases_at_most(aws: Aws, versions: Versions) -> None:
    """Ten are fine, and giving one again is too; the eleventh is refused."""
    ten = [f"a{index}" for index in range(10)]
    versions.change(2, PipelineVersionAliasOperations={"Add": ten})
    versions.change(2, PipelineVersionAliasOperations={"Add": ["a0"]})
    assert versions.aliases()[2] == ten
    assert error_of(
        aws.sagemaker.update_pipeline_version,
        PipelineArn=versions.arn,
        PipelineVersionId=2,
        PipelineVersionAliasOperations={"Add": ["a10"]},
    ) == ("ValidationException", "A pipeline version can have at most 10 aliases.")


def test_aliases_come_with_a_new_definition_only(aws: Aws, versions: Versions) -> None:
    """UpdatePipeline with an unchanged definition and an alias: ValidationException that names the right operation."""
    assert error_of(
        aws.sagemaker.update_pipeline,
        PipelineName=versions.name,
        PipelineDefinition=definition("three"),
        PipelineVersionAliases=["new"],
    ) == (
        "ValidationException",
        (
            "PipelineVersionAliases can be given only when the update changes the pipeline definition. Use"
            " UpdatePipelineVersion to change the aliases of an existing version."
        ),
    )


def test_the_role_of_an_execution_is_its_pipelines(aws: Aws, versions: Versions) -> None:
    """RoleArn is for pipelines that AWS manages."""
    start = {"PipelineName": versions.name, "ClientRequestToken": token(), "RoleArn": ROLE}
    assert error_of(aws.sagemaker.start_pipeline_execution, **start) == (
        "ValidationException",
        "RoleArn cannot be specified for a pipeline that you created: its executions use the role of the pipeline.",
    )


def test_a_pipeline_made_again_is_a_new_one(endpoint: LocalEndpoint, aws: Aws, versions: Versions) -> None:
    """Deleted with its executions, tokens and aliases: the same requests make everything anew."""
    start = {"PipelineName": versions.name, "ClientRequestToken": token()}
    old = aws.sagemaker.start_pipeline_execution(**start)["PipelineExecutionArn"]
    wait(endpoint, old)
    delete = {"PipelineName": versions.name, "ClientRequestToken": token()}
    for _ in range(2):
        assert aws.sagemaker.delete_pipeline(**delete)["PipelineArn"] == versions.arn
    aws.sagemaker.create_pipeline(
        PipelineName=versions.name, PipelineDefinition=definition("again"), RoleArn=ROLE, ClientRequestToken=token()
    )
    assert versions.aliases() == {}
    assert aws.sagemaker.list_pipeline_executions(PipelineName=versions.name)["PipelineExecutionSummaries"] == []
    new = aws.sagemaker.start_pipeline_execution(**start)["PipelineExecutionArn"]
    assert new != old
    wait(endpoint, new)
    assert aws.describe(new)["PipelineVersionId"] == 1
