"""Starting executions: tokens, parameters, and what an execution keeps."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, error_of, token, wait
from tests.integration.documents import FAIL_ONLY, document


def test_an_experiment_that_has_no_name_is_refused_at_the_start(aws: Aws) -> None:
    """PipelineExperimentConfig is evaluated when an execution starts."""
    joined = {"Std:Join": {"On": "_", "Values": ["under", {"Get": "Parameters.Message"}]}}
    definition = {**FAIL_ONLY, "PipelineExperimentConfig": {"ExperimentName": joined, "TrialName": "t"}}
    assert error_of(aws.start, definition=definition) == (
        "ValidationException",
        (
            "PipelineExperimentConfig: Value 'under_no' at 'experimentName' failed to satisfy constraint: Member must"
            " satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
        ),
    )


def test_starting_again_with_the_same_token_gives_the_same_execution(aws: Aws, name: str) -> None:
    """A retry after a lost answer re-attaches; another token is another execution."""
    request = {
        "PipelineName": name,
        "PipelineParameters": [{"Name": "Message", "Value": "once"}],
        "ClientRequestToken": token(),
    }
    first = aws.sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"]
    again = aws.sagemaker.start_pipeline_execution(**request)["PipelineExecutionArn"]
    other = aws.sagemaker.start_pipeline_execution(**{**request, "ClientRequestToken": token()})["PipelineExecutionArn"]
    assert again == first
    assert other != first
    listed = aws.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert [each["PipelineExecutionArn"] for each in listed] == [other, first]


def test_the_same_token_with_other_parameters_is_a_conflict(aws: Aws, name: str) -> None:
    """What differs is named, and nothing is started."""
    used = token()
    aws.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=used)
    assert error_of(
        aws.sagemaker.start_pipeline_execution,
        PipelineName=name,
        PipelineParameters=[{"Name": "Message", "Value": "x"}],
        ClientRequestToken=used,
    ) == (
        "ConflictException",
        (
            f"The ClientRequestToken '{used}' was already used for a StartPipelineExecution request with different values"
            " of PipelineParameters. Use another token for another request."
        ),
    )
    assert len(aws.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]) == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Massage": "x"},
            "Unknown pipeline parameter 'Massage'. The pipeline declares: Message, Depth.",
        ),
        (
            {"Depth": "deep"},
            "Pipeline parameter 'Depth' is declared Integer and was given 'deep'; give a whole number, such as '5'.",
        ),
    ],
)
def test_wrong_parameters_are_refused_at_the_start(
    aws: Aws, name: str, parameters: dict[str, str], message: str
) -> None:
    """Unknown, or of the wrong type: a ValidationException, and no execution."""
    assert error_of(
        aws.sagemaker.start_pipeline_execution,
        PipelineName=name,
        PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
        ClientRequestToken=token(),
    ) == ("ValidationException", message)
    assert aws.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"] == []


def test_a_parameter_without_default_must_be_given(aws: Aws) -> None:
    """Missing: a ValidationException naming it."""
    definition = document(
        {"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Why"}}},
        parameters=({"Name": "Why", "Type": "String"},),
    )
    with pytest.raises(ClientError, match="Pipeline parameter 'Why' has no default value and none was given"):
        aws.start(definition)


def test_an_empty_text_is_no_value(aws: Aws, endpoint: LocalEndpoint) -> None:
    """The service refuses it where it is given, and takes it as a default."""
    definition = document(
        {"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Why"}}},
        parameters=({"Name": "Why", "Type": "String", "DefaultValue": ""},),
    )
    with pytest.raises(ClientError, match="The value of pipeline parameter 'Why' is empty, and SageMaker requires at"):
        aws.start(definition, {"Why": ""})
    arn = aws.start(definition)
    wait(endpoint, arn)
    assert aws.describe(arn)["PipelineExecutionStatus"] == "Failed"


def test_an_execution_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """For every operation on executions."""
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/p/execution/abcdefghijkl"
    expected = ("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")
    for call in (
        aws.sagemaker.describe_pipeline_execution,
        aws.sagemaker.list_pipeline_execution_steps,
        aws.sagemaker.list_pipeline_parameters_for_execution,
        aws.sagemaker.describe_pipeline_definition_for_execution,
    ):
        assert error_of(call, PipelineExecutionArn=arn) == expected
    stop = {"PipelineExecutionArn": arn, "ClientRequestToken": token()}
    assert error_of(aws.sagemaker.stop_pipeline_execution, **stop) == expected


def test_an_execution_keeps_the_definition_and_parameters_it_started_with(
    endpoint: LocalEndpoint, aws: Aws, name: str
) -> None:
    """A later update of the pipeline changes neither; defaults are not among the start parameters."""
    arn = aws.sagemaker.start_pipeline_execution(
        PipelineName=name, PipelineParameters=[{"Name": "Message", "Value": "mine"}], ClientRequestToken=token()
    )["PipelineExecutionArn"]
    aws.sagemaker.update_pipeline(PipelineName=name, PipelineDefinition=json.dumps(FAIL_ONLY, indent=3))
    wait(endpoint, arn)
    snapshot = aws.sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=arn)
    assert snapshot["PipelineDefinition"] == json.dumps(FAIL_ONLY)
    parameters = aws.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert parameters["PipelineParameters"] == [{"Name": "Message", "Value": "mine"}]
    assert aws.steps(arn)["no"]["FailureReason"] == "mine"


def test_executions_come_in_pages(endpoint: LocalEndpoint, aws: Aws, name: str) -> None:
    """MaxResults and NextToken: boto3's paginator finds every execution once, the latest first."""
    arns = [
        aws.sagemaker.start_pipeline_execution(PipelineName=name, ClientRequestToken=token())["PipelineExecutionArn"]
        for _ in range(5)
    ]
    pages = list(
        aws.sagemaker.get_paginator("list_pipeline_executions").paginate(
            PipelineName=name, PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["PipelineExecutionSummaries"]) for page in pages] == [2, 2, 1]
    found = [each["PipelineExecutionArn"] for page in pages for each in page["PipelineExecutionSummaries"]]
    assert found == arns[::-1]
