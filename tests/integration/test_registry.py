"""The model registry, which moto keeps, as clients use it: what is kept, changed, listed and refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.integration.clients import Aws, error_of

METRICS = {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://box/statistics.json"}}}
PACKAGE: dict[str, Any] = {
    "InferenceSpecification": {
        "Containers": [{"Image": "image", "ModelDataUrl": "s3://box/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
        "SupportedTransformInstanceTypes": ["ml.m5.large"],
        "SupportedRealtimeInferenceInstanceTypes": ["ml.m5.large"],
    },
    "ModelMetrics": METRICS,
    "DriftCheckBaselines": METRICS,
    "MetadataProperties": {"CommitId": "c"},
    "CustomerMetadataProperties": {"kept": "1", "changed": "1", "removed": "1"},
    "ModelApprovalStatus": "PendingManualApproval",
    "ModelPackageDescription": "a model",
    "Domain": "MACHINE_LEARNING",
    "Task": "REGRESSION",
    "SamplePayloadUrl": "s3://box/payload",
}


@pytest.fixture
def group(aws: Aws) -> str:
    """A group of the test's own."""
    name = f"group-{uuid.uuid4().hex[:8]}"
    aws.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def create(aws: Aws, group: str, **more: Any) -> str:
    arn: str = aws.sagemaker.create_model_package(ModelPackageGroupName=group, **(PACKAGE | more))["ModelPackageArn"]
    return arn


def test_what_a_model_package_was_made_with_is_shown(aws: Aws, group: str) -> None:
    """Metrics, baselines and metadata among it; versions are counted."""
    arns = [create(aws, group), create(aws, group)]
    prefix = f"arn:aws:sagemaker:eu-west-1:123456789012:model-package/{group}"
    assert arns == [f"{prefix}/1", f"{prefix}/2"]
    shown = aws.sagemaker.describe_model_package(ModelPackageName=arns[1])
    assert {key: shown[key] for key in PACKAGE} == PACKAGE
    assert (shown["ModelPackageGroupName"], shown["ModelPackageVersion"]) == (group, 2)


def test_an_update_changes_what_it_names(aws: Aws, group: str) -> None:
    """The rest stays: an approval forgets no metadata, and a later change of metadata no approval."""
    arn = create(aws, group)
    aws.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="looks good"
    )
    aws.sagemaker.update_model_package(
        ModelPackageArn=arn,
        CustomerMetadataProperties={"changed": "2", "new": "2"},
        CustomerMetadataPropertiesToRemove=["removed"],
    )
    shown = aws.sagemaker.describe_model_package(ModelPackageName=arn)
    changed = {
        "ModelApprovalStatus": "Approved",
        "CustomerMetadataProperties": {"kept": "1", "changed": "2", "new": "2"},
    }
    assert {key: shown[key] for key in PACKAGE} == PACKAGE | changed
    assert shown["ApprovalDescription"] == "looks good"


@pytest.mark.parametrize(
    "change", [{"InferenceSpecification": PACKAGE["InferenceSpecification"]}, {"SourceUri": "s3://box/other"}]
)
def test_what_is_not_updated_is_refused(aws: Aws, group: str, change: dict[str, Any]) -> None:
    """Moto would say that it is."""
    update = aws.sagemaker.update_model_package
    assert error_of(update, ModelPackageArn=create(aws, group), **change) == (
        "ValidationException",
        f"The local endpoint does not update {next(iter(change))} of model packages.",
    )


def test_packages_and_groups_are_listed(aws: Aws, group: str) -> None:
    """By group and approval, the latest first where it is asked for, page by page."""
    old, new = create(aws, group, ModelApprovalStatus="Approved"), create(aws, group)

    def listed(**request: Any) -> list[str]:
        pages = aws.sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group, **request)
        return [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]

    latest_first = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    assert listed(**latest_first) == [new, old]
    assert listed(**latest_first, PaginationConfig={"PageSize": 1}) == [new, old]
    assert listed(ModelApprovalStatus="Approved") == [old]
    groups = aws.sagemaker.list_model_package_groups(NameContains=group)["ModelPackageGroupSummaryList"]
    assert [each["ModelPackageGroupName"] for each in groups] == [group]


def test_what_is_taken_what_is_missing_and_what_is_not_done(aws: Aws, group: str) -> None:
    """A group's name is taken once; a package that is not there; nothing is deleted from the registry here."""
    arn = create(aws, group)
    assert error_of(aws.sagemaker.create_model_package_group, ModelPackageGroupName=group) == (
        "ValidationException",
        f"Model Package Group already exists: arn:aws:sagemaker:eu-west-1:123456789012:model-package-group/{group}",
    )
    missing = arn.replace("/1", "/7")
    for call, name in (
        (aws.sagemaker.describe_model_package, "ModelPackageName"),
        (aws.sagemaker.update_model_package, "ModelPackageArn"),
    ):
        assert error_of(call, **{name: missing}) == ("ValidationException", f"Model package {missing} not found")
    assert error_of(aws.sagemaker.delete_model_package, ModelPackageName=arn) == (
        "UnknownOperationException",
        "The local endpoint does not serve the operation DeleteModelPackage.",
    )
    assert aws.sagemaker.describe_model_package(ModelPackageName=arn)["ModelPackageVersion"] == 1
