"""The one door: SageMaker's pipeline and job operations are ours, everything else is moto's.

Wire form (botocore's service model): POST ``/`` with ``X-Amz-Target: SageMaker.<Operation>``, JSON 1.1, times as
epoch numbers; errors are ``{"__type": <ShapeID>, "message": ...}``.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import logging
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.execution.pages import PAGES, SERVES_PAGES
from airflow_sm_pipelines.local.errors import AccessDeniedError, ServiceError
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.server import executions, jobs, pipelines, starting, tags, tuning, versions
from airflow_sm_pipelines.local.server.door import Door
from airflow_sm_pipelines.local.server.pages import page_at
from airflow_sm_pipelines.local.server.rest_of_aws import RestOfAws, is_entry
from airflow_sm_pipelines.local.server.signatures import AccessKeyCheck
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
_SIGNED_REGION = re.compile(r"Credential=[^/]+/\d{8}/([a-z0-9-]+)/")
_DEFAULT_REGION = "us-east-1"
_CONTENT_TYPE = "application/x-amz-json-1.1"

logger = logging.getLogger(__name__)


class Application:
    """The WSGI application.

    :param regions: our side.
    :param moto: the rest of AWS.
    :param door: who may come in.
    :param access_key_check: whose requests are answered; everybody's by default.
    """

    def __init__(
        self,
        regions: Regions,
        moto: DomainDispatcherApplication,
        door: Door | None = None,
        access_key_check: AccessKeyCheck | None = None,
    ) -> None:
        self._regions = regions
        self._door = door or Door()
        self._access_key_check = access_key_check
        self._rest_of_aws = RestOfAws(moto)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, if it may come in, whoever would answer it."""
        refusal = self._door.refusal(environ)
        if refusal is not None:
            return _refused(AccessDeniedError(refusal))(environ, start_response)
        try:
            if self._access_key_check is not None:
                denial = self._access_key_check.refusal(environ)
                if denial is not None:
                    return denial(environ, start_response)
            return self._let_in(environ, start_response)
        except ClientDisconnected:
            return _refused(_RequestTimeoutError("The request ends before it is complete."))(environ, start_response)

    def _let_in(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] == "GET" and environ.get("PATH_INFO", "").startswith(PAGES):
            return self._page(environ["PATH_INFO"])(environ, start_response)
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(_TARGET):
            return self._rest_of_aws(environ, start_response)
        request = Request(environ)
        body = request.get_data(cache=False)
        response = self._answer(target[len(_TARGET) :], request, body)
        if response is None:
            return self._rest_of_aws({**environ, "wsgi.input": io.BytesIO(body)}, start_response)
        return response(environ, start_response)

    def _page(self, path: str) -> Response:
        try:
            text, status = page_at(path, self._regions), 200
        except ServiceError as error:
            text, status = f"{error.message}\n", 404
        return Response(text, status=status, content_type="text/plain; charset=utf-8")

    def _answer(self, name: str, request: Request, body: bytes) -> Response | None:
        """Our answer, or ``None`` when the operation is moto's."""
        try:
            region = self._regions.get(_region(request))
            members = _members(body)
            operation = self._operation(name, members)
            if operation is not None or is_entry(name):
                check_request(name, members)
            if operation is None:
                return None
            answer = operation(region, members)
            problems = response_problems(name, answer)
            if problems:
                raise ServiceError(  # noqa: TRY301 - answered below
                    f"The local endpoint made a response that SageMaker would not: {problems}"
                )
        except ServiceError as error:
            if error.http_status >= 500:
                logger.exception("%s failed", name)
            return _refused(error)
        except Exception as error:
            logger.exception("%s failed", name)
            return _response({"__type": "InternalFailure", "message": repr(error)}, 500)
        return _response(answer, 200)

    @staticmethod
    def _operation(name: str, members: Mapping[str, Any]) -> jobs.Operation | None:
        if name in OPERATIONS:
            return OPERATIONS[name]
        if name in _TAG_OPERATIONS and tags.is_ours(members.get("ResourceArn")):
            return _TAG_OPERATIONS[name]
        return None


def _region(request: Request) -> str:
    match = _SIGNED_REGION.search(request.headers.get("Authorization", ""))
    return match[1] if match else _DEFAULT_REGION


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise _SerializationError(f"The request is no JSON that can be read: {error}") from error
    if not isinstance(members, dict):
        raise _SerializationError("The request is no JSON object.")
    # A null is the same as a missing member in this protocol.
    return {key: value for key, value in members.items() if value is not None}


class _SerializationError(ServiceError):
    code = "SerializationException"
    http_status = 400


class _RequestTimeoutError(ServiceError):
    code = "RequestTimeout"
    http_status = 408


def _refused(error: ServiceError) -> Response:
    return _response({"__type": error.code, "message": error.message}, error.http_status)


def _response(content: Mapping[str, Any], status: int) -> Response:
    return Response(
        json.dumps(content, default=_epoch),
        status=status,
        content_type=_CONTENT_TYPE,
        headers={"x-amzn-RequestId": str(uuid.uuid4()), SERVES_PAGES: PAGES},
    )


def _epoch(value: object) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no form in JSON 1.1")
