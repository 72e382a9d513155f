"""Answers in the form of AWS's services that speak JSON."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Response

from airflow_sm_pipelines.execution.pages import PAGES, SERVES_PAGES
from airflow_sm_pipelines.local.errors import ServiceError

_CONTENT_TYPE = "application/x-amz-json-1.1"


def json_answer(content: Mapping[str, Any], status: int = 200) -> Response:
    """An answer: JSON 1.1, times as epoch numbers.

    :param content: what it says.
    :param status: of HTTP.
    """
    return Response(
        json.dumps(content, default=_epoch),
        status=status,
        content_type=_CONTENT_TYPE,
        headers={"x-amzn-RequestId": str(uuid.uuid4()), SERVES_PAGES: PAGES},
    )


def json_error(code: str, message: str, status: int) -> Response:
    """An error: ``{"__type": <ShapeID>, "message": ...}``, and the code in a header, where REST services have it.

    :param code: what kind of error.
    :param message: what the client shows.
    :param status: of HTTP.
    """
    response = json_answer({"__type": code, "message": message}, status)
    response.headers["x-amzn-ErrorType"] = code
    return response


def refusal(error: ServiceError) -> Response:
    """An error that the service has a name for.

    :param error: the error.
    """
    return json_error(error.code, error.message, error.http_status)


def failure(operation: str) -> str:
    """The words of AWS's common error ``InternalFailure``, and where to look. What was raised is for the log.

    :param operation: which failed.
    """
    return (
        "The request processing has failed because of an unknown error, exception or failure. The log of the local"
        f" endpoint says what happened in {operation}."
    )


def _epoch(value: object) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} has no form in JSON 1.1")
