"""The rest of AWS, which is moto's, without what would look like work that was done.

moto answers some operations of SageMaker that stand for work as if the work were over, and nothing has run. Here they
are refused, and so is everything that moto has not: in the form of AWS's errors, and with a status that no client takes
for something that passes.

What clients ask about themselves is answered in front of moto, too: see ``callers``.
"""

from __future__ import annotations

import io
import json
import logging
import re
import threading
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from botocore.model import OperationNotFoundError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import Client, run_wsgi_app
from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.local.server.callers import Role, allowed, as_role

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.datastructures import Headers

ENTRIES: Final = frozenset(
    {
        "DataQualityJobDefinition",
        "Domain",
        "Endpoint",
        "EndpointConfig",
        "Experiment",
        "FeatureGroup",
        "Model",
        "ModelBiasJobDefinition",
        "ModelCard",
        "ModelExplainabilityJobDefinition",
        "ModelPackage",
        "ModelPackageGroup",
        "ModelQualityJobDefinition",
        "Trial",
        "TrialComponent",
    }
)
"""What moto keeps for SageMaker as an entry in a register, without any work."""

_OF_ENTRIES: Final = re.compile(
    rf"(?:Create|Describe|Update|Delete|Associate|Disassociate)(?:{'|'.join(ENTRIES)})"
    rf"|List(?:{'|'.join(ENTRIES)})s|ListModelCardVersions|UpdateEndpointWeightsAndCapacities"
    "|AddTags|ListTags|DeleteTags|Search"
)
_SAGEMAKER: Final = "SageMaker."
_INVOCATION: Final = re.compile(r"/endpoints/[^/]+/(?:async-)?invocations")
_CREATION: Final = re.compile(r"\.Create\w+$")
_SIGNED: Final = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_FORM: Final = "application/x-www-form-urlencoded"
_BAD_REQUEST: Final = 400

logger = logging.getLogger(__name__)


def is_entry(operation: str) -> bool:
    """Whether an operation of SageMaker is about entries that moto keeps.

    :param operation: such as ``CreateModel``.
    """
    return _OF_ENTRIES.fullmatch(operation) is not None


class RestOfAws:
    """The WSGI application for what this package does not serve itself.

    :param moto: it raises where it lacks something, or says so in a web page.
    """

    def __init__(self, moto: DomainDispatcherApplication) -> None:
        self._moto = moto
        self._creation = threading.Lock()
        self._role = Role(Client(moto))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        asked = _Asked.from_environ(environ)
        answered = self._answered_in_front(asked)
        if answered is not None:
            return answered(environ, start_response)
        try:
            service = self._moto.get_application(environ)
        except Exception as error:  # noqa: BLE001 - of a target that it cannot make anything of, it raises all kinds
            logger.debug("moto does not know whose operation %s is: %r", asked.operation, error)
            return asked.refused()(environ, start_response)
        try:
            answer, status, headers = self._ask(service, environ, asked)
        except (NotImplementedError, OperationNotFoundError):
            return asked.refused()(environ, start_response)
        except RecursionError:
            return asked.error("SerializationException", "The request nests too deep.", _BAD_REQUEST)(
                environ, start_response
            )
        except ClientDisconnected:
            raise  # it sends no more
        except Exception as error:
            logger.exception("%s failed", asked.operation)
            return asked.error("InternalFailure", f"{asked.operation} failed: {error!r}", 500)(environ, start_response)
        # What HEAD finds missing has the content type of a page, too.
        is_page = environ["REQUEST_METHOD"] != "HEAD" and _is_page(headers, status)
        if is_page or (asked.target and "xml" in headers.get("Content-Type", "")):
            # A target that moto does not know is a question to S3 for it.
            return asked.refused()(environ, start_response)
        if asked.action == "GetCallerIdentity":
            return Response(as_role(b"".join(answer).decode()), status, headers)(environ, start_response)
        start_response(status, headers.to_wsgi_list())
        return answer

    def _answered_in_front(self, asked: _Asked) -> Response | None:
        """What moto is not asked."""
        if asked.stands_for_work:
            return asked.refused()
        if asked.action == "SimulatePrincipalPolicy":
            return allowed(asked.form)
        if asked.service == "iam":
            self._role.make(asked.region)
        return None

    def _ask(
        self, service: WSGIApplication, environ: WSGIEnvironment, asked: _Asked
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Let a service of moto answer; one creation at a time.

        moto looks whether a name is taken and then takes it, without a lock: two jobs that make the same log group
        or queue at once would lose one another's, and two model packages could get the same version.
        """
        if not _CREATION.search(asked.target):
            return run_wsgi_app(service, environ)
        with self._creation:
            return run_wsgi_app(service, environ)


def _is_page(headers: Headers, status: str) -> bool:
    return "html" in headers.get("Content-Type", "") and int(status.split(maxsplit=1)[0]) >= _BAD_REQUEST


@dataclass(frozen=True)
class _Asked:
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
    def from_environ(cls, environ: WSGIEnvironment) -> _Asked:
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
        signed = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
        region, service = signed.groups() if signed else ("", "")
        operation = target.rpartition(".")[2] or action or f"{environ['REQUEST_METHOD']} {path}"
        return cls(operation, target, action, form, service, region, path)

    @property
    def stands_for_work(self) -> bool:
        """Whether moto would pretend that something has run."""
        if self.target.startswith(_SAGEMAKER):
            return not is_entry(self.target.removeprefix(_SAGEMAKER))
        return self.service == "sagemaker" and _INVOCATION.match(self.path) is not None

    def refused(self) -> Response:
        """The answer that nobody here does it."""
        code = "UnknownOperationException"
        if self.action:
            code = "InvalidAction"
        elif self.service == "s3":
            code = "NotImplemented"
        return self.error(code, f"The local endpoint does not serve the operation {self.operation}.", _BAD_REQUEST)

    def error(self, code: str, message: str, status: int) -> Response:
        """An error in the form of the service.

        :param code: what kind of error.
        :param message: what the client shows.
        :param status: of HTTP.
        """
        if self.action:
            who = "Sender" if status == _BAD_REQUEST else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{who}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
                f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
            )
            return Response(text, status=status, content_type="text/xml")
        if self.service == "s3" and not self.target:
            text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
            return Response(text, status=status, content_type="application/xml")
        headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-ErrorType": code}
        text = json.dumps({"__type": code, "message": message})
        return Response(text, status=status, content_type="application/x-amz-json-1.1", headers=headers)
