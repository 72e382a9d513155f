"""Invoke of Lambda: the function runs as in a Lambda step. moto would want Docker for it."""

from __future__ import annotations

import base64
import binascii
import logging
import re
import uuid
from typing import Final
from urllib.parse import unquote

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.local.errors import ServiceError, ValidationError
from airflow_sm_pipelines.local.functions.function import FunctionReference, PayloadNotJsonError
from airflow_sm_pipelines.local.functions.service import Functions
from airflow_sm_pipelines.local.server.answers import failure, refusal

_INVOCATION: Final = re.compile(r"/2015-03-31/functions/(?P<name>.+)/invocations/?")
_SHOWN_LOG: Final = 4096  # bytes of a log's end that Invoke shows (botocore's model)

logger = logging.getLogger(__name__)


def is_invocation(method: str, path: str) -> bool:
    """Whether a request to Lambda is an Invoke.

    :param method: of the request.
    :param path: of the request.
    """
    return method == "POST" and _INVOCATION.fullmatch(path) is not None


def invoke(functions: Functions, request: Request) -> Response:
    """Invoke: runs a function and answers with what it returns. Only the synchronous form is served.

    :param functions: those of the request's region.
    :param request: the request.
    """
    try:
        return _invoke(functions, request)
    except ServiceError as error:
        return refusal(error)
    except ClientDisconnected:
        raise  # it sends no more
    except Exception:
        logger.exception("Invoke failed")
        return refusal(ServiceError(failure("Invoke")))


def _invoke(functions: Functions, request: Request) -> Response:
    match = _INVOCATION.fullmatch(request.path)
    reference = FunctionReference.parse(unquote(match["name"]) if match else request.path)
    qualifier = request.args.get("Qualifier")
    if qualifier is not None:
        reference = FunctionReference(reference.name, qualifier, reference.region, reference.account)
    kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
    if kind == "DryRun":
        functions.find(reference)
        return Response(status=204)
    if kind != "RequestResponse":
        raise ValidationError(
            f"The local endpoint does not serve Invoke with InvocationType '{kind}'. Use RequestResponse, which waits"
            " for the function."
        )
    answer = functions.invoke(reference, request.get_data(cache=False), _client_context(request))
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "X-Amz-Executed-Version": answer.version}
    if answer.end != "answered":
        headers["X-Amz-Function-Error"] = "Unhandled"
    if request.headers.get("X-Amz-Log-Type") == "Tail":
        shown = "\n".join(answer.log).encode()[-_SHOWN_LOG:]
        headers["X-Amz-Log-Result"] = base64.b64encode(shown).decode()
    return Response(answer.payload, 200, headers, content_type="application/json")


def _client_context(request: Request) -> str | None:
    given = request.headers.get("X-Amz-Client-Context")
    if given is None:
        return None
    try:
        return base64.b64decode(given, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise PayloadNotJsonError(f"Client context must be a valid Base64-encoded JSON object: {error}") from error
