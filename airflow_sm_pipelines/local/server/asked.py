"""What a request to AWS is for, and errors in the form of the service that was asked."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.local.server.answers import json_error
from airflow_sm_pipelines.local.server.signature import Signature

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
SERVER_ERROR: Final = 500

_FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Asked:
    """What a request is for.

    :param operation: as errors name it.
    :param target: of a service that speaks JSON 1.0 or 1.1; empty for others.
    :param action: of a service that speaks the query protocol; empty for others.
    :param form: parameters of the query protocol.
    :param service: what the request is signed for; empty without a signature.
    :param region: likewise.
    :param path: of the URL.
    """

    operation: str
    target: str
    action: str
    form: Mapping[str, Sequence[str]]
    service: str
    region: str
    path: str

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment) -> Asked:
        """Look at a request. What it has in it is read, and put back, but for S3: moto reads with a lock held."""
        target, path = environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO", "")
        form: dict[str, list[str]] = {}
        if target:
            environ["wsgi.input"] = io.BytesIO(Request(environ).get_data(cache=False))
        elif environ.get("CONTENT_TYPE", "").startswith(_FORM):
            content = Request(environ).get_data(cache=False)
            environ["wsgi.input"] = io.BytesIO(content)
            form = parse_qs(content.decode("utf-8", "replace"))
        action = form.get("Action", [""])[0]
        signature = Signature.of(environ)
        operation = target.rpartition(".")[2] or action or f"{environ['REQUEST_METHOD']} {path}"
        return cls(operation, target, action, form, signature.service, signature.region, path)

    @property
    def is_s3(self) -> bool:
        """Whether S3 is asked; so it is by who asks nobody else."""
        return not self.target and not self.action and self.service in ("s3", "")

    def error(self, code: str, message: str, status: int) -> Response:
        """An error in the form of the service.

        :param code: what kind of error.
        :param message: what the client shows.
        :param status: of HTTP.
        """
        if self.action:
            who = "Sender" if status < SERVER_ERROR else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{who}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
            )
            return Response(text, status=status, content_type="text/xml")
        if self.is_s3:
            text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            return Response(text, status=status, content_type="application/xml")
        return json_error(code, message, status)
