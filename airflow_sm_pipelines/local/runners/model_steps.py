"""RegisterModel and Model steps: entries in moto's model registry and among its models."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.errors import ServiceError, ValidationError
from airflow_sm_pipelines.local.names import new_model_name
from airflow_sm_pipelines.local.runners.step import InstantStepRunner, StepEnd, refused
from airflow_sm_pipelines.local.service_model import check_request


class RegisterModelStepRunner(InstantStepRunner):
    """Registers a model package; makes its group when there is none, as the service does for this step."""

    def run(self) -> StepEnd:
        """Create the model package."""
        request = self.arguments()
        client = self.services.clients.sagemaker
        group = request.get("ModelPackageGroupName")
        if group is not None:
            _make_group(client, group)
        arn = _create(client, "CreateModelPackage", request)["ModelPackageArn"]
        self.report({"RegisterModel": {"Arn": arn}})
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(client.describe_model_package(ModelPackageName=arn)))


class ModelStepRunner(InstantStepRunner):
    """Creates a model."""

    def run(self) -> StepEnd:
        """Create the model."""
        name = new_model_name(self.execution.arn.execution_id, self.step.name)
        request = {"ExecutionRoleArn": self.execution.role_arn, **self.arguments(), "ModelName": name}
        client = self.services.clients.sagemaker
        arn = _create(client, "CreateModel", request)["ModelArn"]
        self.report({"Model": {"Arn": arn}})
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(client.describe_model(ModelName=name)))


def _create(client: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        check_request(operation, request)
        method = {"CreateModelPackage": "create_model_package", "CreateModel": "create_model"}[operation]
        response: dict[str, Any] = getattr(client, method)(**request)
    except (ServiceError, ClientError) as error:
        raise refused(operation, error) from error
    except ParamValidationError as error:
        raise refused(operation, ValidationError(str(error))) from error
    return response


def _make_group(client: Any, name: str) -> None:
    try:
        client.describe_model_package_group(ModelPackageGroupName=name)
    except ClientError:
        _create_group(client, name)


def _create_group(client: Any, name: str) -> None:
    request = {"ModelPackageGroupName": name}
    try:
        check_request("CreateModelPackageGroup", request)
        client.create_model_package_group(**request)
    except (ServiceError, ClientError) as error:
        raise refused("CreateModelPackageGroup", error) from error


def _described(response: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}
