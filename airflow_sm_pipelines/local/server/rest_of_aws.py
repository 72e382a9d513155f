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
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.model import OperationNotFoundError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.test import Client, run_wsgi_app
from werkzeug.wrappers import Response

from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.persistence.entries import identity_of
from airflow_sm_pipelines.local.persistence.s3_changes import change_of
from airflow_sm_pipelines.local.server.answers import failure, refusal
from airflow_sm_pipelines.local.server.asked import BAD_REQUEST, Asked
from airflow_sm_pipelines.local.server.callers import Role, allowed, as_role

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication
    from werkzeug.datastructures import Headers

    from airflow_sm_pipelines.local.persistence.keeper import Keeper

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
_CALL: Final = re.compile(r"/functions/.+/invoke-async/?$|/event-source-mappings/?$")
"""What moto would call functions of Lambda for, in containers: InvokeAsync, and queues that are listened to."""
_CREATION: Final = re.compile(r"\.Create\w+$")

logger = logging.getLogger(__name__)


def is_entry(operation: str) -> bool:
    """Whether an operation of SageMaker is about entries that moto keeps.

    :param operation: such as ``CreateModel``.
    """
    return _OF_ENTRIES.fullmatch(operation) is not None


class RestOfAws:
    """The WSGI application for what this package does not serve itself.

    :param moto: it raises where it lacks something, or says so in a web page.
    :param keeper: keeps what requests change; ``None`` for nobody.
    """

    def __init__(self, moto: DomainDispatcherApplication, keeper: Keeper | None = None) -> None:
        self._moto = moto
        self._keeper = keeper
        self._creation = threading.Lock()
        self._role = Role(Client(moto))

    def __call__(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        prepare: Callable[[], Mapping[str, Any]] | None = None,
    ) -> Iterable[bytes]:
        """Answer one request.

        :param environ: the request.
        :param start_response: of WSGI.
        :param prepare: returns the members with which moto is asked in place of the request's own, or refuses it.
        """
        asked = Asked.from_environ(environ)
        answered = self._answered_in_front(asked)
        if answered is not None:
            return answered(environ, start_response)
        try:
            service = self._moto.get_application(environ)
        except Exception as error:  # noqa: BLE001 - of a target that it cannot make anything of, it raises all kinds
            logger.debug("moto does not know whose operation %s is: %r", asked.operation, error)
            return _refused(asked)(environ, start_response)
        try:
            answer, status, headers = self._ask(service, environ, asked, prepare)
        except (NotImplementedError, OperationNotFoundError):
            return _refused(asked)(environ, start_response)
        except RecursionError:
            return asked.error("SerializationException", "The request nests too deep.", BAD_REQUEST)(
                environ, start_response
            )
        except ClientDisconnected:
            raise  # it sends no more
        except ServiceError as error:
            return refusal(error)(environ, start_response)
        except Exception:
            logger.exception("%s failed", asked.operation)
            return asked.error("InternalFailure", failure(asked.operation), 500)(environ, start_response)
        # What HEAD finds missing has the content type of a page, too.
        is_page = environ["REQUEST_METHOD"] != "HEAD" and _is_page(headers, status)
        if is_page or (asked.target and "xml" in headers.get("Content-Type", "")):
            # A target that moto does not know is a question to S3 for it.
            return _refused(asked)(environ, start_response)
        if asked.action == "GetCallerIdentity":
            return Response(as_role(b"".join(answer).decode()), status, headers)(environ, start_response)
        start_response(status, headers.to_wsgi_list())
        return answer

    def _answered_in_front(self, asked: Asked) -> Response | None:
        """What moto is not asked."""
        if _is_work(asked):
            return _refused(asked)
        if asked.action == "SimulatePrincipalPolicy":
            return allowed(asked.form)
        if asked.service == "iam":
            self._role.make(asked.region)
        return None

    def _ask(
        self,
        service: WSGIApplication,
        environ: WSGIEnvironment,
        asked: Asked,
        prepare: Callable[[], Mapping[str, Any]] | None,
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Let a service of moto answer; one creation at a time, and what is prepared for it meanwhile.

        moto looks whether a name is taken and then takes it, without a lock: two jobs that make the same log group
        or queue at once would lose one another's, and two model packages could get the same version.
        """
        if self._keeper is not None and asked.is_s3:
            return self._ask_s3(service, environ, asked.region, self._keeper)
        operation = asked.target.removeprefix(_SAGEMAKER)
        members: Mapping[str, Any] | None = None
        if self._keeper is not None and operation != asked.target:
            members = _kept_members(operation, environ)
        if prepare is None and members is None and not _CREATION.search(asked.target):
            return run_wsgi_app(service, environ)
        with self._creation:
            if prepare is not None:
                prepared = prepare()
                content = json.dumps(prepared).encode()
                environ = {**environ, "wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
                members = None if members is None else prepared
            answer, status, headers = run_wsgi_app(service, environ)
            if self._keeper is not None and members is not None and _is_done(status):
                self._keeper.entries.keep(operation, asked.region, members)
            return answer, status, headers

    @staticmethod
    def _ask_s3(
        service: WSGIApplication, environ: WSGIEnvironment, region: str, keeper: Keeper
    ) -> tuple[Iterable[bytes], str, Headers]:
        """Let S3 answer, and keep what the request has changed before anybody sees the answer."""
        change = change_of(environ, region)
        answer, status, headers = run_wsgi_app(service, environ)
        # An upload by a form may be answered with the address of another page.
        if change is not None and (_is_done(status) or status.startswith("303")):
            keeper.objects.keep(change)
        return answer, status, headers


def _kept_members(operation: str, environ: WSGIEnvironment) -> dict[str, Any] | None:
    """The members of a request that changes what is kept of SageMaker; ``None`` for others."""
    body = environ["wsgi.input"].read()
    environ["wsgi.input"] = io.BytesIO(body)
    members: dict[str, Any] = json.loads(body or b"{}")
    return None if identity_of(operation, members) is None else members


def _is_done(status: str) -> bool:
    return status.startswith("2")


def _is_page(headers: Headers, status: str) -> bool:
    return "html" in headers.get("Content-Type", "") and int(status.split(maxsplit=1)[0]) >= BAD_REQUEST


def _is_work(asked: Asked) -> bool:
    """Whether moto would pretend that something has run."""
    if asked.target.startswith(_SAGEMAKER):
        return not is_entry(asked.target.removeprefix(_SAGEMAKER))
    if asked.service == "lambda":
        return _CALL.search(asked.path) is not None
    return asked.service == "sagemaker" and _INVOCATION.match(asked.path) is not None


def _refused(asked: Asked) -> Response:
    """The answer that nobody here does it."""
    code = "UnknownOperationException"
    if asked.action:
        code = "InvalidAction"
    elif asked.service == "s3":
        code = "NotImplemented"
    return asked.error(code, f"The local endpoint does not serve the operation {asked.operation}.", BAD_REQUEST)
