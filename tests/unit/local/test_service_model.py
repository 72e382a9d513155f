"""Requests and responses against botocore's model of SageMaker."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ValidationError
from airflow_sm_pipelines.local.service_model import check_request, response_problems

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
TOKEN = "0123456789abcdef0123456789abcdef"


def create_pipeline(**changes: Any) -> dict[str, Any]:
    request = {"PipelineName": "churn", "RoleArn": ROLE, "ClientRequestToken": TOKEN, "PipelineDefinition": "{}"}
    return {key: value for key, value in {**request, **changes}.items() if value is not None}


def refusal(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as error:
        check_request(operation, request)
    return error.value.message


def test_a_right_request_passes() -> None:
    """Nothing is raised for a request that the model allows."""
    check_request("CreatePipeline", create_pipeline())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"RoleArn": None},
            (
                "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must"
                " not be null"
            ),
        ),
        (
            {"ClientRequestToken": "short"},
            (
                "1 validation error detected: Value 'short' at 'clientRequestToken' failed to satisfy constraint: Member"
                " must have length greater than or equal to 32"
            ),
        ),
        (
            {"ClientRequestToken": "x" * 129},
            (
                f"1 validation error detected: Value '{'x' * 129}' at 'clientRequestToken' failed to satisfy constraint:"
                " Member must have length less than or equal to 128"
            ),
        ),
        (
            {"PipelineName": "under_score"},
            (
                "1 validation error detected: Value 'under_score' at 'pipelineName' failed to satisfy constraint: Member"
                " must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}"
            ),
        ),
        (
            {"ParallelismConfiguration": {"MaxParallelExecutionSteps": 0}},
            (
                "1 validation error detected: Value '0' at 'parallelismConfiguration.maxParallelExecutionSteps' failed to"
                " satisfy constraint: Member must have value greater than or equal to 1"
            ),
        ),
        (
            {"RoleArn": None, "PipelineName": None},
            (
                "2 validation errors detected: Value null at 'pipelineName' failed to satisfy constraint: Member must not"
                " be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
            ),
        ),
        (
            {"Tags": [{"Key": "k", "Value": "v"}, {"Key": "k2"}]},
            (
                "1 validation error detected: Value null at 'tags.2.member.value' failed to satisfy constraint: Member"
                " must not be null"
            ),
        ),
    ],
)
def test_a_wrong_request_is_refused_in_the_services_words(changes: dict[str, Any], message: str) -> None:
    """Missing members, lengths, ranges and patterns, all of them at once, each with its place."""
    assert refusal("CreatePipeline", create_pipeline(**changes)) == message


def test_enums_and_map_values_are_checked() -> None:
    """An unknown SortOrder, and a hyperparameter that is too long."""
    assert refusal("ListPipelines", {"SortOrder": "Sideways"}) == (
        "1 validation error detected: Value 'Sideways' at 'sortOrder' failed to satisfy constraint: Member must"
        " satisfy enum value set: [Ascending, Descending]"
    )
    message = refusal(
        "CreateTrainingJob",
        {
            "TrainingJobName": "j",
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": "s3://b/k"},
            "HyperParameters": {"long": "x" * 2501},
        },
    )
    assert message == (
        f"1 validation error detected: Value '{'x' * 200}...' at 'hyperParameters.long.member' failed to satisfy"
        " constraint: Member must have length less than or equal to 2500"
    )


def test_a_value_of_a_wrong_type_and_an_unknown_member_are_refused() -> None:
    """An integer hyperparameter, the mistake people make most, and a misspelt member."""
    message = refusal(
        "StartPipelineExecution",
        {
            "PipelineName": "churn",
            "ClientRequestToken": TOKEN,
            "PipelineParameters": [{"Name": "Depth", "Value": 5}],
            "PipelineParametres": [],
        },
    )
    assert message.splitlines() == [
        (
            'Unknown parameter in input: "PipelineParametres", must be one of: PipelineName,'
            " PipelineExecutionDisplayName, PipelineParameters, PipelineExecutionDescription, ClientRequestToken,"
            " ParallelismConfiguration, SelectiveExecutionConfig, PipelineVersionId, MlflowExperimentName,"
            " PipelineVersionAlias, RoleArn"
        ),
        (
            "Invalid type for parameter PipelineParameters[0].Value, value: 5, type: <class 'int'>, valid types:"
            " <class 'str'>"
        ),
    ]


def test_a_response_that_the_service_would_not_make_is_found() -> None:
    """A missing required member, a status out of the enum, a member that is not in the model."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"
    assert response_problems("DescribePipeline", {"PipelineArn": arn, "PipelineStatus": "Active"}) == ""
    assert "enum value set: [Active, Deleting]" in response_problems("DescribePipeline", {"PipelineStatus": "Gone"})
    assert response_problems("CreateTrainingJob", {}) == (
        "Value null at 'trainingJobArn' failed to satisfy constraint: Member must not be null; "
        'Missing required parameter in input: "TrainingJobArn"'
    )
    assert response_problems("StopTrainingJob", {}) == ""
    assert (
        response_problems("StopTrainingJob", {"Done": True}) == "StopTrainingJob has no output, and was given ['Done']"
    )
