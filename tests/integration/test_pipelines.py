"""Pipelines: made, changed, found, deleted, and refused."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.validation import validate
from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from airflow_sm_pipelines.requests import check_requests
from tests.integration.clients import Aws, error_of, token
from tests.integration.documents import FAIL_ONLY, IMAGE, ROLE, condition_step, document, processing_step


def test_a_pipeline_is_created_described_updated_listed_and_deleted(aws: Aws) -> None:
    """The life of a pipeline; a changed document is a new version, an equal one is not."""
    name = f"life-{uuid.uuid4().hex[:8]}"
    text = json.dumps(FAIL_ONLY, indent=1)
    created = aws.sagemaker.create_pipeline(
        PipelineName=name,
        PipelineDefinition=text,
        PipelineDescription="first",
        RoleArn=ROLE,
        ClientRequestToken=token(),
        Tags=[{"Key": "team", "Value": "churn"}],
    )
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/{name}"
    assert created["PipelineArn"] == arn

    described = aws.sagemaker.describe_pipeline(PipelineName=name)
    times = {described.pop("CreationTime"), described.pop("LastModifiedTime")}
    described.pop("ResponseMetadata")
    assert len(times) == 1
    assert described == {
        "PipelineArn": arn,
        "PipelineName": name,
        "PipelineDisplayName": name,
        "PipelineDefinition": text,
        "PipelineDescription": "first",
        "RoleArn": ROLE,
        "PipelineStatus": "Active",
        "CreatedBy": {},
        "LastModifiedBy": {},
    }
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "churn"}]
    aws.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "stage", "Value": "test"}])
    aws.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert aws.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "stage", "Value": "test"}]

    same = aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=text, PipelineDescription="second")
    other = aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(FAIL_ONLY))
    assert (same["PipelineVersionId"], other["PipelineVersionId"]) == (1, 2)
    assert aws.sagemaker.describe_pipeline(PipelineName=arn)["PipelineDescription"] == "second"
    assert aws.sagemaker.describe_pipeline(PipelineName=name, PipelineVersionId=1)["PipelineDefinition"] == text

    summaries = aws.sagemaker.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]
    assert [(each["PipelineName"], each["PipelineArn"]) for each in summaries] == [(name, arn)]
    assert aws.sagemaker.delete_pipeline(PipelineName=name, ClientRequestToken=token())["PipelineArn"] == arn
    assert error_of(aws.sagemaker.describe_pipeline, PipelineName=name) == (
        "ResourceNotFound",
        f"Pipeline '{arn}' does not exist.",
    )


def test_a_definition_is_read_from_s3_too(aws: Aws) -> None:
    """PipelineDefinitionS3Location, for documents over 100 KiB."""
    name = f"s3-{uuid.uuid4().hex[:8]}"
    key = aws.put(f"definitions/{name}.json", json.dumps(FAIL_ONLY)).partition("/definitions")[2]
    location = {"Bucket": "ml-data", "ObjectKey": f"definitions{key}"}
    aws.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinitionS3Location=location, RoleArn=ROLE, ClientRequestToken=token()
    )
    assert aws.sagemaker.describe_pipeline(PipelineName=name)["PipelineDefinition"] == json.dumps(FAIL_ONLY)
    missing = {"Bucket": "ml-data", "ObjectKey": "definitions/nothing.json"}
    assert error_of(aws.sagemaker.update_pipeline, PipelineName=name, PipelineDefinitionS3Location=missing) == (
        "ValidationException",
        "Cannot read the pipeline definition s3://ml-data/definitions/nothing.json: The specified key does not exist.",
    )
    aws.s3.put_object(Bucket="ml-data", Key="definitions/latin.json", Body=b"\xe9")
    latin = {"Bucket": "ml-data", "ObjectKey": "definitions/latin.json"}
    assert error_of(aws.sagemaker.update_pipeline, PipelineName=name, PipelineDefinitionS3Location=latin) == (
        "ValidationException",
        (
            "Cannot read the pipeline definition s3://ml-data/definitions/latin.json: it is not UTF-8: 'utf-8' codec can't "
            "decode byte 0xe9 in position 0: unexpected end of data"
        ),
    )


def test_an_invalid_document_is_refused_with_every_problem(aws: Aws) -> None:
    """A reference to no step and a duplicate name: both are named, with their places; nothing is created."""
    broken = document(
        {"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Steps.trian.Outcome"}}},
        {"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": ""}},
    )
    code, message = error_of(
        aws.sagemaker.create_pipeline,
        PipelineName="broken",
        PipelineDefinition=json.dumps(broken),
        RoleArn=ROLE,
        ClientRequestToken=token(),
    )
    assert code == "ValidationException"
    assert message.startswith("Pipeline definition of 'broken' is invalid: ")
    assert "trian" in message
    assert "$.Steps[0].Arguments.ErrorMessage" in message
    assert "$.Steps[1]" in message
    assert aws.sagemaker.list_pipelines(PipelineNamePrefix="broken")["PipelineSummaries"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"ProcessingJobName": "n" * 64},
        {"AppSpecification": {"ImageUri": IMAGE, "ContainerArguments": ["--values", "v" * 257]}},
        {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 0, "InstanceType": "ml.m5.large"}}},
        {"Enviroment": {}},
    ],
)
def test_what_the_create_request_would_be_refused_for_is_refused(aws: Aws, change: dict[str, Any]) -> None:
    """With the words of `sm-pipelines validate`, all errors and no warning, before a step can run into it."""
    step = processing_step("a", "s3://box/script.py")
    step["Arguments"].update(change)
    definition = PipelineDefinition.from_document(document(step))
    found = [*validate(definition), *check_requests(definition)]
    errors = "; ".join(str(problem) for problem in found if problem.severity == "error")
    assert errors != ""
    assert error_of(
        aws.sagemaker.create_pipeline,
        PipelineName="refused",
        PipelineDefinition=definition.to_json(),
        RoleArn=ROLE,
        ClientRequestToken=token(),
    ) == ("ValidationException", f"Pipeline definition of 'refused' is invalid: {errors}")


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        ({"ExperimentName": "e", "TrialName": "t"}, {"ExperimentName": "e", "TrialName": "t"}),
        ({"ExperimentName": {"Get": "Execution.PipelineName"}, "Other": "x"}, {"ExperimentName": "experiment"}),
        ({}, {}),
        (None, None),
        (
            {"ExperimentName": "e", "TrialName": None},
            "'TrialName' of 'PipelineExperimentConfig' is null. Give it a value, or leave it out",
        ),
        (
            {"ExperimentName": "e", "TrialName": 1e300},
            (
                "'PipelineExperimentConfig' gives 1e+300 where the API's PipelineExperimentConfig wants text. "
                "Write it as text"
            ),
        ),
    ],
)
def test_an_experiment_config_is_shown_or_refused(endpoint: LocalEndpoint, aws: Aws, config: Any, shown: Any) -> None:
    """What a pipeline is made with can be described for as long as its executions are there."""
    definition = {**FAIL_ONLY, "PipelineExperimentConfig": config}
    request = {"PipelineDefinition": json.dumps(definition), "RoleArn": ROLE}
    if isinstance(shown, str):
        refused = f"Pipeline definition of 'experiment' is invalid: {shown} @ $.PipelineExperimentConfig.TrialName"
        assert error_of(
            aws.sagemaker.create_pipeline, PipelineName="experiment", ClientRequestToken=token(), **request
        ) == ("ValidationException", refused)
        return
    aws.sagemaker.create_pipeline(PipelineName="experiment", ClientRequestToken=token(), **request)
    arn = aws.sagemaker.start_pipeline_execution(PipelineName="experiment", ClientRequestToken=token())[
        "PipelineExecutionArn"
    ]
    assert endpoint.wait_for_execution(arn, 30)
    assert aws.describe(arn).get("PipelineExperimentConfig") == shown
    aws.sagemaker.delete_pipeline(PipelineName="experiment", ClientRequestToken=token())


def test_texts_that_a_step_could_not_be_shown_with_are_refused(aws: Aws) -> None:
    """A display name that is too long, found when the pipeline is made and not when its steps are listed."""
    long = document({"Name": "a", "Type": "Fail", "Arguments": {"ErrorMessage": ""}, "DisplayName": "d" * 257})
    assert error_of(
        aws.sagemaker.create_pipeline,
        PipelineName="long",
        PipelineDefinition=json.dumps(long),
        RoleArn=ROLE,
        ClientRequestToken=token(),
    ) == (
        "ValidationException",
        (
            "Pipeline definition of 'long' is invalid: 'DisplayName' of step 'a' has 257 characters; at most 256"
            " @ $.Steps[0].DisplayName"
        ),
    )


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (
            {"Name": "s", "Type": "Fail", "Arguments": 5},
            "Fail step 's' has no 'Arguments', or they are not an object @ $.Steps[0].Arguments",
        ),
        (
            {"Name": "s", "Type": "Fail", "Arguments": {"ErrorMessage": 5}},
            (
                "the 'ErrorMessage' of Fail step 's' must be text or an expression, not 5 @ $.Steps[0].Arguments.ErrorMessage"
            ),
        ),
        (
            condition_step("s", [{"Type": "Or", "Conditions": 5}], [], []),
            (
                "'Conditions' of a condition of type Or in step 's' must be a list that is not empty"
                " @ $.Steps[0].Arguments.Conditions[0].Conditions"
            ),
        ),
        (
            condition_step("s", [{"Type": "Not", "Condition": 5}], [], []),
            (
                "Condition step 's' has 5 where a condition belongs; a condition is an object with a 'Type'"
                " @ $.Steps[0].Arguments.Conditions[0].Condition"
            ),
        ),
        (
            {"Name": "s", "Type": "Condition", "Arguments": {"Conditions": 5}},
            "Condition step 's' has no conditions @ $.Steps[0].Arguments.Conditions",
        ),
        (
            {"Name": "s", "Type": "Processing", "Arguments": []},
            "Processing step 's' has no 'Arguments', or they are not an object @ $.Steps[0].Arguments",
        ),
    ],
)
def test_arguments_of_the_wrong_form_are_refused(aws: Aws, step: dict[str, Any], problem: str) -> None:
    """When the pipeline is made, not when its execution comes to the step."""
    code, message = error_of(aws.start, definition=document(step))
    assert (code, message.partition(" is invalid: ")[2]) == ("ValidationException", problem)


def test_a_document_that_is_no_json_is_refused(aws: Aws) -> None:
    """The parser's words, in a ValidationException."""
    code, message = error_of(
        aws.sagemaker.create_pipeline,
        PipelineName="no-json",
        PipelineDefinition="{",
        RoleArn=ROLE,
        ClientRequestToken=token(),
    )
    assert code == "ValidationException"
    assert message.startswith("Pipeline definition of 'no-json' is invalid: the document is not JSON: ")


def test_a_name_is_taken_once(aws: Aws, name: str) -> None:
    """The SageMaker SDK's upsert recognises these very words."""
    assert error_of(
        aws.sagemaker.create_pipeline,
        PipelineName=name,
        PipelineDefinition=json.dumps(FAIL_ONLY),
        RoleArn=ROLE,
        ClientRequestToken=token(),
    ) == (
        "ValidationException",
        f"Pipeline names must be unique within an AWS account and region. Pipeline with name ({name}) already exists.",
    )


def test_creating_again_with_the_same_token_gives_the_same_pipeline(aws: Aws) -> None:
    """CreatePipeline is idempotent by its token too."""
    name = f"token-{uuid.uuid4().hex[:8]}"
    request = {
        "PipelineName": name,
        "PipelineDefinition": json.dumps(FAIL_ONLY),
        "RoleArn": ROLE,
        "ClientRequestToken": token(),
    }
    arns = {aws.sagemaker.create_pipeline(**request)["PipelineArn"] for _ in range(2)}
    assert arns == {f"arn:aws:sagemaker:eu-west-1:123456789012:pipeline/{name}"}


def test_a_pipeline_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """By name and by ARN, for every operation that needs one."""
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/nothing"
    expected = ("ResourceNotFound", f"Pipeline '{arn}' does not exist.")
    client = aws.sagemaker
    assert error_of(client.describe_pipeline, PipelineName="nothing") == expected
    assert error_of(client.update_pipeline, PipelineName="nothing") == expected
    assert error_of(client.delete_pipeline, PipelineName="nothing", ClientRequestToken=token()) == expected
    assert error_of(client.list_pipeline_executions, PipelineName=arn) == expected
    assert error_of(client.start_pipeline_execution, PipelineName=arn, ClientRequestToken=token()) == expected
