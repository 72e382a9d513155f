from __future__ import annotations

import re

import pytest

from airflow_sm_pipelines.exceptions import PipelineExecutionError
from airflow_sm_pipelines.execution.arn import PipelineExecutionArn, ResourceArn


def test_execution_arn_in_parts():
    """An execution's ARN gives partition, region, account, pipeline name and execution id, and itself back."""
    text = "arn:aws-us-gov:sagemaker:us-gov-west-1:095351214964:pipeline/bedrock-fine-tune/execution/l040kjgtiq4n"
    arn = PipelineExecutionArn.parse(text)
    assert arn == PipelineExecutionArn(
        partition="aws-us-gov",
        region="us-gov-west-1",
        account_id="095351214964",
        pipeline_name="bedrock-fine-tune",
        execution_id="l040kjgtiq4n",
    )
    assert str(arn) == text
    assert arn.pipeline_arn == "arn:aws-us-gov:sagemaker:us-gov-west-1:095351214964:pipeline/bedrock-fine-tune"


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "",
        "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn",
        "arn:aws:sagemaker:us-east-1:12345:pipeline/churn/execution/abcdef123456",
        "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/",
        "arn:aws:s3:us-east-1:123456789012:pipeline/churn/execution/abcdef123456",
        " arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456",
        None,
        ["arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"],
    ],
)
def test_no_execution_arn(text):
    """What is no execution ARN is refused, naming it and the expected form."""
    message = (
        f"{text!r} is not the ARN of a pipeline execution; expected "
        "'arn:aws:sagemaker:<region>:<account>:pipeline/<pipeline name>/execution/<execution id>'"
    )
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        PipelineExecutionArn.parse(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            "arn:aws:sagemaker:us-east-1:123456789012:model-package/churn/14",
            ResourceArn("aws", "sagemaker", "us-east-1", "123456789012", "model-package", "churn/14"),
        ),
        (
            "arn:aws:lambda:us-east-1:123456789012:function:score:1",
            ResourceArn("aws", "lambda", "us-east-1", "123456789012", "function", "score:1", ":"),
        ),
        ("arn:aws:s3:::bucket", ResourceArn("aws", "s3", "", "", "", "bucket", "")),
        ("arn:aws:iam::123456789012:role/a/b", ResourceArn("aws", "iam", "", "123456789012", "role", "a/b")),
    ],
)
def test_resource_arn_in_parts(text, parts):
    """Any ARN comes apart at the first separator of its resource, and comes together again."""
    assert ResourceArn.parse(text) == parts
    assert str(parts) == text


@pytest.mark.parametrize("text", ["", "None", "arn:aws:s3", "arn:aws:sagemaker:us-east-1:123456789012:", "a:b:c:d:e:f"])
def test_no_resource_arn(text):
    """What is no ARN is refused, naming it and the expected form."""
    message = f"{text!r} is not an ARN; expected 'arn:<partition>:<service>:<region>:<account>:<resource>'"
    with pytest.raises(PipelineExecutionError, match=f"^{re.escape(message)}$"):
        ResourceArn.parse(text)
