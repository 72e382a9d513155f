"""Steps without a job: Condition and Fail, decided here and now; models, endpoints and the like, which moto keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from airflow_sm_pipelines.definition.evaluation import evaluate_conditions, render
from airflow_sm_pipelines.execution.status import StepStatus
from airflow_sm_pipelines.local.errors import ServiceError, ValidationError
from airflow_sm_pipelines.local.names import new_job_name, new_model_name
from airflow_sm_pipelines.local.runners.step import StepEnd, StepFailedError, StepRunner, refused
from airflow_sm_pipelines.local.service_model import check_request

_MESSAGE_CHARACTERS = 3072  # of the metadata (botocore's service model); a FailureReason has room for fewer


class InstantStepRunner(StepRunner):
    """A step without a job: it is over in a moment, so it is never stopped."""

    def stop(self) -> None:
        """Let the step come to its end."""


class ConditionStepRunner(InstantStepRunner):
    """Evaluates conditions. One that cannot be decided fails the step; it never counts as "does not hold"."""

    def run(self) -> StepEnd:
        """Evaluate."""
        outcome = evaluate_conditions(self.step.conditions, self.lookup())
        self.report({"Condition": {"Outcome": str(outcome)}})
        # "True" in the metadata, but a boolean to expressions: a Join renders it as "true".
        return StepEnd(StepStatus.SUCCEEDED, properties={"Outcome": outcome}, outcome=outcome)


class FailStepRunner(InstantStepRunner):
    """Ends as failed, with its message for a reason."""

    def run(self) -> StepEnd:
        """Fail."""
        message = render(self.arguments().get("ErrorMessage", ""))
        self.report({"Fail": {"ErrorMessage": message[:_MESSAGE_CHARACTERS]}})
        return StepEnd(StepStatus.FAILED, failure_reason=message)


class RegisterModelStepRunner(InstantStepRunner):
    """Registers a model package; makes its group when there is none, as the service does for this step."""

    def run(self) -> StepEnd:
        """Create the model package."""
        request = self.arguments()
        client = self.services.clients["sagemaker"]
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
        client = self.services.clients["sagemaker"]
        arn = _create(client, "CreateModel", request)["ModelArn"]
        self.report({"Model": {"Arn": arn}})
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(client.describe_model(ModelName=name)))


class EndpointConfigStepRunner(InstantStepRunner):
    """Creates an endpoint configuration, an entry."""

    def run(self) -> StepEnd:
        """Create the entry."""
        request = self.arguments()
        request.setdefault("EndpointConfigName", new_job_name(self.execution.arn.execution_id, self.step.name))
        client = self.services.clients["sagemaker"]
        arn = _create(client, "CreateEndpointConfig", request)["EndpointConfigArn"]
        self.report({"EndpointConfig": {"Arn": arn}})
        made = client.describe_endpoint_config(EndpointConfigName=request["EndpointConfigName"])
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(made))


class EndpointStepRunner(InstantStepRunner):
    """Creates an endpoint, an entry that answers nothing; one that is there gets the new configuration."""

    def run(self) -> StepEnd:
        """Create the entry, or make it again: moto cannot update it."""
        request = self.arguments()
        name = request.setdefault("EndpointName", new_job_name(self.execution.arn.execution_id, self.step.name))
        client = self.services.clients["sagemaker"]
        try:
            client.describe_endpoint_config(EndpointConfigName=request.get("EndpointConfigName", ""))
        except (ClientError, ParamValidationError) as error:
            raise refused("CreateEndpoint", ValidationError(str(error))) from error
        if _is_there(client.describe_endpoint, EndpointName=name):
            client.delete_endpoint(EndpointName=name)
        arn = _create(client, "CreateEndpoint", request)["EndpointArn"]
        self.report({"Endpoint": {"Arn": arn}})
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(client.describe_endpoint(EndpointName=name)))


class InferenceComponentStepRunner(InstantStepRunner):
    """Creates an inference component, an entry; one that is there is updated, as the SDK says of this step."""

    def run(self) -> StepEnd:
        """Create the entry, or update it."""
        request = self.arguments()
        name = request.setdefault(
            "InferenceComponentName", new_job_name(self.execution.arn.execution_id, self.step.name)
        )
        client = self.services.clients["sagemaker"]
        operation = "CreateInferenceComponent"
        if _is_there(client.describe_inference_component, InferenceComponentName=name):
            operation = "UpdateInferenceComponent"
            updated = ("InferenceComponentName", "Specification", "Specifications", "RuntimeConfig")
            request = {key: value for key, value in request.items() if key in updated}
        arn = _create(client, operation, request)["InferenceComponentArn"]
        self.report({"InferenceComponent": {"Arn": arn}})
        made = client.describe_inference_component(InferenceComponentName=name)
        return StepEnd(StepStatus.SUCCEEDED, properties=_described(made))


def _create(client: Any, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    try:
        check_request(operation, request)
        response: dict[str, Any] = getattr(client, xform_name(operation))(**request)
    except (ServiceError, ClientError) as error:
        raise refused(operation, error) from error
    except ParamValidationError as error:
        raise refused(operation, ValidationError(str(error))) from error
    return response


def _make_group(client: Any, name: str) -> None:
    if _is_there(client.describe_model_package_group, ModelPackageGroupName=name):
        return
    try:
        _create(client, "CreateModelPackageGroup", {"ModelPackageGroupName": name})
    except StepFailedError:
        # Another step may have made it meanwhile.
        if not _is_there(client.describe_model_package_group, ModelPackageGroupName=name):
            raise


def _is_there(describe: Callable[..., object], **name: str) -> bool:
    try:
        describe(**name)
    except ClientError:
        return False
    return True


def _described(response: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}
