"""What a client sees of requests that are right, wrong, repeated, or not ours."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from airflow_sm_pipelines.local.endpoint import LocalEndpoint
from tests.integration.clients import Aws, token, wait
from tests.integration.documents import IMAGE, ROLE, document

FAIL_ONLY = document(
    {"Name": "no", "Type": "Fail", "Arguments": {"ErrorMessage": {"Get": "Parameters.Message"}}},
    parameters=(
        {"Name": "Message", "Type": "String", "DefaultValue": "no"},
        {"Name": "Depth", "Type": "Integer", "DefaultValue": 5},
    ),
)


@pytest.fixture
def name(aws: Aws) -> str:
    """A pipeline of a fresh name that has one Fail step."""
    name = f"wire-{uuid.uuid4().hex[:8]}"
    aws.sagemaker.create_pipeline(
        PipelineName=name, PipelineDefinition=json.dumps(FAIL_ONLY), RoleArn=ROLE, ClientRequestToken=token()
    )
    return name


def error_of(call: Any, **request: Any) -> tuple[str, str]:
    """Code and message of the error that a call ends in."""
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def post(url: str, operation: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """A request as it is on the wire: status, body and headers of the answer."""
    request = urllib.request.Request(
        url,
        data=body,
        headers={
            "X-Amz-Target": f"SageMaker.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            **{key.replace("_", "-"): value for key, value in headers.items()},
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as response:
            return response.status, json.loads(response.read()), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read()), dict(error.headers)


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
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{name}"
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
            f"Pipeline definition of 'long' is invalid: Value '{'d' * 200}...' at 'stepDisplayName' failed to satisfy"
            " constraint: Member must have length less than or equal to 256 @ $.Steps[0]"
        ),
    )


def test_an_experiment_that_has_no_name_is_refused_at_the_start(aws: Aws) -> None:
    """PipelineExperimentConfig is evaluated when an execution starts."""
    for config, message in (
        (
            {"ExperimentName": "under_score", "TrialName": "t"},
            (
                "PipelineExperimentConfig: Value 'under_score' at 'experimentName' failed to satisfy constraint: Member"
                " must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,119}"
            ),
        ),
        (
            {"ExperimentName": {"Get": "Execution.TrainingJobName"}, "TrialName": "t"},
            "PipelineExperimentConfig has no value: 'Execution.TrainingJobName' has no value in this execution.",
        ),
    ):
        definition = {**FAIL_ONLY, "PipelineExperimentConfig": config}
        assert error_of(aws.start, definition=definition) == ("ValidationException", message)


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
    assert message.startswith("Pipeline definition of 'no-json' is invalid: the document is no JSON: ")


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
    assert arns == {f"arn:aws:sagemaker:us-east-1:123456789012:pipeline/{name}"}


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


def test_a_pipeline_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """By name and by ARN, for every operation that needs one."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/nothing"
    expected = ("ResourceNotFound", f"Pipeline '{arn}' does not exist.")
    client = aws.sagemaker
    assert error_of(client.describe_pipeline, PipelineName="nothing") == expected
    assert error_of(client.update_pipeline, PipelineName="nothing") == expected
    assert error_of(client.delete_pipeline, PipelineName="nothing", ClientRequestToken=token()) == expected
    assert error_of(client.list_pipeline_executions, PipelineName=arn) == expected
    assert error_of(client.start_pipeline_execution, PipelineName=arn, ClientRequestToken=token()) == expected


def test_an_execution_that_does_not_exist_is_not_found(aws: Aws) -> None:
    """For every operation on executions."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/abcdefghijkl"
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


def test_the_wire_form_of_errors(endpoint: LocalEndpoint) -> None:
    """`__type` is the ShapeID, the message is bare, the content type is JSON 1.1."""
    status, body, headers = post(endpoint.url, "DescribePipeline", b'{"PipelineName": "nothing"}')
    assert status == 400
    assert body == {
        "__type": "ResourceNotFound",
        "message": "Pipeline 'arn:aws:sagemaker:us-east-1:123456789012:pipeline/nothing' does not exist.",
    }
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-amzn-RequestId"])


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(endpoint: LocalEndpoint, body: bytes) -> None:
    """SerializationException, as AWS's JSON services answer."""
    status, answer, _ = post(endpoint.url, "DescribePipeline", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_a_request_that_boto3_would_not_send_is_checked_here(endpoint: LocalEndpoint) -> None:
    """Clients in other languages get the service's words for a missing member."""
    status, answer, _ = post(endpoint.url, "CreatePipeline", b'{"PipelineName": "p"}')
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["message"] == (
        "2 validation errors detected: Value null at 'clientRequestToken' failed to satisfy constraint: Member must"
        " not be null; Value null at 'roleArn' failed to satisfy constraint: Member must not be null"
    )


def test_times_are_epoch_numbers(endpoint: LocalEndpoint, aws: Aws, name: str) -> None:
    """As JSON 1.1 wants them."""
    _, answer, _ = post(endpoint.url, "DescribePipeline", json.dumps({"PipelineName": name}).encode())
    moment = aws.sagemaker.describe_pipeline(PipelineName=name)["CreationTime"].timestamp()
    assert answer["CreationTime"] == moment


def test_web_pages_are_refused(endpoint: LocalEndpoint) -> None:
    """Jobs are programs, so no web page may start one; nor does the endpoint allow pages to try."""
    status, answer, headers = post(endpoint.url, "ListPipelines", b"{}", Origin="http://evil.example")
    assert (status, answer["__type"]) == (403, "AccessDeniedException")
    assert "Access-Control-Allow-Origin" not in headers


def test_a_pipeline_operation_that_is_not_served_says_so(aws: Aws) -> None:
    """It does not fall through to moto, whose pipelines are others than ours."""
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p/execution/abcdefghijkl"
    assert error_of(aws.sagemaker.retry_pipeline_execution, PipelineExecutionArn=arn, ClientRequestToken=token()) == (
        "ValidationException",
        "The local endpoint does not serve the operation RetryPipelineExecution.",
    )


def test_everything_else_is_motos(aws: Aws) -> None:
    """SageMaker models, S3, STS and SQS answer on the same port."""
    identity = aws.sts.get_caller_identity()
    assert identity["Account"] == "123456789012"
    queue = aws.sqs.create_queue(QueueName="callbacks")
    assert queue["QueueUrl"].endswith("/123456789012/callbacks")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://ml-data/model.tar.gz"}
    created = aws.sagemaker.create_model(ModelName="by-hand", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    assert aws.sagemaker.list_tags(ResourceArn=created["ModelArn"])["Tags"] == []


def test_regions_are_apart(aws: Aws, name: str) -> None:
    """A pipeline of us-east-1 does not exist in eu-central-1."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    other = session.client("sagemaker", endpoint_url=aws.url, config=Config(proxies={}))
    assert error_of(other.describe_pipeline, PipelineName=name) == (
        "ResourceNotFound",
        f"Pipeline 'arn:aws:sagemaker:eu-central-1:123456789012:pipeline/{name}' does not exist.",
    )
