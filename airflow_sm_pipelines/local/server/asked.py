"""What a request to AWS is for, and errors in the form of the service that was asked."""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

BAD_REQUEST: Final = 400
FORBIDDEN: Final = 403
SERVER_ERROR: Final = 500

_SIGNED: Final = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
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
        # A presigned URL has the credential in its query.
        signature = environ.get("HTTP_AUTHORIZATION") or unquote(environ.get("QUERY_STRING", ""))
        signed = _SIGNED.search(signature)
        region, service = signed.groups() if signed else ("", "")
        operation = target.rpartition(".")[2] or action or f"{environ['REQUEST_METHOD']} {path}"
        return cls(operation, target, action, form, service, region, path)

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
        headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-ErrorType": code}
        text = json.dumps({"__type": code, "message": message})
        return Response(text, status=status, content_type="application/x-amz-json-1.1", headers=headers)
