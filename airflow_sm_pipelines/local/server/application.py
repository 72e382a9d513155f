"""The HTTP entry point: it serves SageMaker's pipeline and job operations and Lambda's Invoke; moto serves the rest.

Wire form (botocore's service model): POST ``/`` with ``X-Amz-Target: SageMaker.<Operation>``, JSON 1.1.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.execution.pages import PAGES
from airflow_sm_pipelines.local.errors import AccessDeniedError, ServiceError
from airflow_sm_pipelines.local.persistence.keeper import Keeper
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.server import (
    executions,
    functions,
    inference_components,
    jobs,
    pipelines,
    starting,
    tags,
    tuning,
    versions,
)
from airflow_sm_pipelines.local.server.access_key_check import AccessKeyCheck
from airflow_sm_pipelines.local.server.answers import failure, json_answer, refusal
from airflow_sm_pipelines.local.server.door import Door
from airflow_sm_pipelines.local.server.entries import PREPARATIONS
from airflow_sm_pipelines.local.server.pages import page_at
from airflow_sm_pipelines.local.server.rest_of_aws import RestOfAws, is_entry
from airflow_sm_pipelines.local.server.signature import Signature
from airflow_sm_pipelines.local.service_model import check_request, response_problems

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

OPERATIONS: Mapping[str, jobs.Operation] = {
    "CreatePipeline": pipelines.create_pipeline,
    "DeletePipeline": pipelines.delete_pipeline,
    "DescribePipeline": pipelines.describe_pipeline,
    "ListPipelines": pipelines.list_pipelines,
    "UpdatePipeline": pipelines.update_pipeline,
    "ListPipelineVersions": versions.list_pipeline_versions,
    "UpdatePipelineVersion": versions.update_pipeline_version,
    "DescribePipelineDefinitionForExecution": executions.describe_pipeline_definition_for_execution,
    "DescribePipelineExecution": executions.describe_pipeline_execution,
    "ListPipelineExecutionSteps": executions.list_pipeline_execution_steps,
    "ListPipelineExecutions": executions.list_pipeline_executions,
    "ListPipelineParametersForExecution": executions.list_pipeline_parameters_for_execution,
    "RetryPipelineExecution": executions.retry_pipeline_execution,
    "SendPipelineExecutionStepFailure": executions.send_pipeline_execution_step_failure,
    "SendPipelineExecutionStepSuccess": executions.send_pipeline_execution_step_success,
    "StartPipelineExecution": starting.start_pipeline_execution,
    "StopPipelineExecution": executions.stop_pipeline_execution,
    "UpdatePipelineExecution": executions.update_pipeline_execution,
    "CreateInferenceComponent": inference_components.create_inference_component,
    "DeleteInferenceComponent": inference_components.delete_inference_component,
    "DescribeInferenceComponent": inference_components.describe_inference_component,
    "ListInferenceComponents": inference_components.list_inference_components,
    "UpdateInferenceComponent": inference_components.update_inference_component,
    "UpdateInferenceComponentRuntimeConfig": inference_components.update_inference_component_runtime_config,
    **jobs.OPERATIONS,
    "DeleteHyperParameterTuningJob": tuning.delete_tuning_job,
    "ListTrainingJobsForHyperParameterTuningJob": tuning.list_training_jobs,
}
"""The operations that this package serves itself."""

_TAG_OPERATIONS: Mapping[str, jobs.Operation] = {
    "AddTags": tags.add_tags,
    "ListTags": tags.list_tags,
    "DeleteTags": tags.delete_tags,
}
_TARGET = "SageMaker."
_LOOKS = ("Describe", "List")
"""How the names of operations begin that change nothing."""

logger = logging.getLogger(__name__)


class Application:
    """The WSGI application.

    :param regions: our side.
    :param moto: the rest of AWS.
    :param door: who may come in.
    :param access_key_check: whose requests are answered; everybody's by default.
    :param keeper: keeps what requests change; nobody by default.
    """

    def __init__(
        self,
        regions: Regions,
        moto: DomainDispatcherApplication,
        door: Door | None = None,
        access_key_check: AccessKeyCheck | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self._regions = regions
        self._door = door or Door()
        self._access_key_check = access_key_check
        self._rest_of_aws = RestOfAws(moto, keeper)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, if it may come in, whoever would answer it."""
        problem = self._door.refusal(environ)
        if problem is not None:
            return refusal(AccessDeniedError(problem))(environ, start_response)
        try:
            if self._access_key_check is not None:
                denial = self._access_key_check.refusal(environ)
                if denial is not None:
                    return denial(environ, start_response)
            return self._let_in(environ, start_response)
        except ClientDisconnected:
            return refusal(_RequestTimeoutError("The request ends before it is complete."))(environ, start_response)

    def _let_in(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET" and environ.get("PATH_INFO", "").startswith(PAGES):
            return self._page(environ["PATH_INFO"])(environ, start_response)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        signature = Signature.of(environ)
        request = Request(environ)
        if signature.service == "lambda" and functions.is_invocation(request.method, request.path):
            services = self._regions.get(signature.region).services
            return functions.invoke(services.functions, request)(environ, start_response)
        if not target.startswith(_TARGET):
            return self._rest_of_aws(environ, start_response)
        body = request.get_data(cache=False)
        response = self._answer(target[len(_TARGET) :], signature.region, body)
        if response is None:
            prepare = self._preparation(target[len(_TARGET) :], signature.region, body)
            return self._rest_of_aws({**environ, "wsgi.input": io.BytesIO(body)}, start_response, prepare)
        return response(environ, start_response)

    def _page(self, path: str) -> Response:
        try:
            text, status = page_at(path, self._regions), 200
        except ServiceError as error:
            text, status = f"{error.message}\n", 404
        return Response(text, status=status, content_type="text/plain; charset=utf-8")

    def _answer(self, name: str, region_name: str, body: bytes) -> Response | None:
        """Our answer, or ``None`` when the operation is moto's."""
        try:
            region = self._regions.get(region_name)
            members = _members(body)
            operation = self._operation(name, members)
            if operation is not None or is_entry(name):
                check_request(name, members)
            if operation is None:
                return None
            answer = operation(region, members)
            if not name.startswith(_LOOKS):
                region.changes.of_region(region.name)
            problems = response_problems(name, answer)
            if problems:
                raise ServiceError(  # noqa: TRY301 - answered below
                    f"The local endpoint made a response that SageMaker would not: {problems}"
                )
        except ServiceError as error:
            if error.http_status >= 500:
                logger.exception("%s failed", name)
            return refusal(error)
        except Exception:
            logger.exception("%s failed", name)
            return refusal(ServiceError(failure(name)))
        return json_answer(answer)

    def _preparation(self, name: str, region_name: str, body: bytes) -> Callable[[], Mapping[str, Any]] | None:
        """What has to be done before moto is asked."""
        preparation = PREPARATIONS.get(name)
        if preparation is None:
            return None
        return partial(preparation, self._regions.get(region_name), _members(body))

    @staticmethod
    def _operation(name: str, members: Mapping[str, Any]) -> jobs.Operation | None:
        if name in OPERATIONS:
            return OPERATIONS[name]
        if name in _TAG_OPERATIONS and tags.is_ours(members.get("ResourceArn")):
            return _TAG_OPERATIONS[name]
        return None


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise _SerializationError(f"The request is not valid JSON: {error}") from error
    if not isinstance(members, dict):
        raise _SerializationError("The request is not a JSON object.")
    # A null is the same as a missing member in this protocol.
    return {key: value for key, value in members.items() if value is not None}


class _SerializationError(ServiceError):
    code = "SerializationException"
    http_status = 400


class _RequestTimeoutError(ServiceError):
    code = "RequestTimeout"
    http_status = 408
