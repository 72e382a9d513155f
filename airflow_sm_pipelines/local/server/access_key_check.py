"""Whether a request is signed with the endpoint's access key: AWS's Signature Version 4, as botocore computes it.

What is refused is answered in AWS's words and in the form of the service that was asked. Not there: other keys, such as
the temporary ones of AssumeRole, Signature Version 2, and the signatures of the single pieces of a streamed upload.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from botocore.auth import SIGV4_TIMESTAMP, UNSIGNED_PAYLOAD, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from werkzeug.wrappers import Request, Response

from airflow_sm_pipelines.execution.pages import PAGES
from airflow_sm_pipelines.local.aws import AccessKey
from airflow_sm_pipelines.local.clock import now
from airflow_sm_pipelines.local.server.asked import BAD_REQUEST, FORBIDDEN, Asked

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LARGEST_SKEW: Final = dt.timedelta(minutes=15)
"""So far may a request's time be from ours, as on AWS."""

LONGEST_LIFETIME: Final = 604_800
"""So many seconds a presigned URL may be good for, as on AWS: a week."""

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SCOPE: Final = re.compile(r"(?P<key>[^/]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
_MOST_DIGITS: Final = 9
_NUMBER: Final = re.compile(r"[0-9]+")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{64}")


class _RefusedError(Exception):
    """A request is not let in.

    :param json: the error's code of services that speak JSON.
    :param query: that of services that speak the query protocol.
    :param s3: that of S3.
    :param message: for all of them.
    """

    def __init__(self, json: str, query: str, s3: str, message: str, status: int = FORBIDDEN) -> None:
        super().__init__(message)
        self.json, self.query, self.s3, self.message, self.status = json, query, s3, message, status


@dataclass(frozen=True)
class _Signature:
    """What a request says of its signature.

    :param scope: key, date, region and service.
    :param signed: the names of the signed headers, in lower case.
    :param value: the signature.
    :param time: when it was made, as it is signed.
    :param is_presigned: it is in the URL.
    """

    scope: re.Match[str]
    signed: tuple[str, ...]
    value: str
    time: str
    is_presigned: bool
    seconds: int = 0


class AccessKeyCheck:
    """Lets in who has the access key.

    :param access_key: the only one that there is.
    :param clock: the time.
    """

    def __init__(self, access_key: AccessKey, clock: Callable[[], dt.datetime] = now) -> None:
        self._access_key = access_key
        self._clock = clock

    def refusal(self, environ: WSGIEnvironment) -> Response | None:
        """Return the answer to a request that is not let in; ``None`` for one that is.

        :param environ: the request. Its content is put back when it was read.
        """
        if environ.get("PATH_INFO", "").startswith(PAGES):
            return None if self._is_user(environ) else _login()
        try:
            self._check(environ)
        except _RefusedError as error:
            asked = Asked.from_environ(environ)
            code = error.query if asked.action else error.json
            if asked.is_s3:
                code = error.s3
            return asked.error(code, error.message, error.status)
        return None

    def _is_user(self, environ: WSGIEnvironment) -> bool:
        """Whether a browser has the key: pages are read by people, whose browsers sign nothing."""
        kind, _, value = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            given = base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return False
        wanted = f"{self._access_key.id}:{self._access_key.secret}".encode()
        return kind.lower() == "basic" and hmac.compare_digest(given, wanted)

    def _check(self, environ: WSGIEnvironment) -> None:
        signature = _signature_of(environ)
        if signature.scope["key"] != self._access_key.id:
            raise _RefusedError(
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records."
                if signature.scope["service"] == "s3"
                else "The security token included in the request is invalid.",
            )
        self._check_time(signature)
        _check_signed_headers(environ, signature)
        payload = _payload(environ, signature)
        expected = self._expected(environ, signature, payload)
        # Of bytes: texts beyond ASCII are not compared.
        if not hmac.compare_digest(expected.encode(), signature.value.encode("utf-8", "surrogateescape")):
            raise _mismatch()
        if _HEXADECIMAL.fullmatch(payload) and payload != _content_hash(environ):
            raise _RefusedError(
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                BAD_REQUEST,
            )

    def _check_time(self, signature: _Signature) -> None:
        try:
            made = dt.datetime.strptime(signature.time, SIGV4_TIMESTAMP).replace(tzinfo=dt.timezone.utc)
        except ValueError:
            raise _incomplete("X-Amz-Date") from None
        age = self._clock() - made
        if signature.is_presigned and age > dt.timedelta(seconds=signature.seconds):
            raise _RefusedError("AccessDeniedException", "AccessDenied", "AccessDenied", "Request has expired")
        if age < -LARGEST_SKEW or (age > LARGEST_SKEW and not signature.is_presigned):
            raise _RefusedError(
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )

    def _expected(self, environ: WSGIEnvironment, signature: _Signature, payload: str) -> str:
        scope, headers = signature.scope, HTTPHeaders()
        for name in signature.signed:
            headers[name] = _header(environ, name)
        signer = _Signer(self._access_key, signature, headers, payload)
        raw: str = environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ.get("PATH_INFO", "/")
        path, _, query = raw.partition("?")
        query = "&".join(part for part in query.split("&") if not part.startswith("X-Amz-Signature="))
        request = AWSRequest(
            method=environ["REQUEST_METHOD"], url=f"http://endpoint{path}{'?' if query else ''}{query}"
        )
        request.context["timestamp"] = signature.time
        if scope["date"] != signature.time[:8]:
            raise _mismatch()
        expected: str = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        return expected


class _Signer(SigV4Auth):
    """Signs the headers that it is given, whatever they are, and a payload of which it knows the hash.

    :param access_key: the key.
    :param signature: what is signed how.
    :param headers: the signed headers.
    :param payload: what stands for the payload.
    """

    def __init__(self, access_key: AccessKey, signature: _Signature, headers: HTTPHeaders, payload: str) -> None:
        service = signature.scope["service"]
        super().__init__(Credentials(access_key.id, access_key.secret), service, signature.scope["region"])
        self._is_s3 = service == "s3"
        self._headers = headers
        self._payload = payload

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:  # noqa: ARG002 - botocore's signature
        return self._headers

    def payload(self, request: AWSRequest) -> str:  # noqa: ARG002 - botocore's signature
        return self._payload

    def _normalize_url_path(self, path: str) -> str:
        if self._is_s3:  # which takes it as it was sent
            return path
        normalized: str = SigV4Auth._normalize_url_path(self, path)  # type: ignore[attr-defined] # noqa: SLF001
        return normalized


def _signature_of(environ: WSGIEnvironment) -> _Signature:
    header = environ.get("HTTP_AUTHORIZATION", "")
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    if header and "X-Amz-Algorithm" in query:
        raise _RefusedError(
            "IncompleteSignatureException",
            "IncompleteSignature",
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header "
            "should be specified",
            BAD_REQUEST,
        )
    if header.startswith(f"{_ALGORITHM} "):
        listed = (part.strip().partition("=") for part in header.removeprefix(_ALGORITHM).split(","))
        parts = {name: value for name, _, value in listed}
        found = (parts.get("Credential"), parts.get("SignedHeaders"), parts.get("Signature"))
        time, seconds, is_presigned = environ.get("HTTP_X_AMZ_DATE", ""), 0, False
    elif query.get("X-Amz-Algorithm") == _ALGORITHM:
        found = (query.get("X-Amz-Credential"), query.get("X-Amz-SignedHeaders"), query.get("X-Amz-Signature"))
        time, seconds, is_presigned = query.get("X-Amz-Date", ""), _lifetime(query.get("X-Amz-Expires", "")), True
    elif header or "AWSAccessKeyId" in query or "X-Amz-Algorithm" in query:
        raise _RefusedError(
            "IncompleteSignatureException",
            "IncompleteSignature",
            "InvalidRequest",
            f"The authorization mechanism you have provided is not supported. Please use {_ALGORITHM}.",
            BAD_REQUEST,
        )
    else:
        raise _RefusedError(
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            "AccessDenied",
            "Missing Authentication Token: the local endpoint was started with an access key",
        )
    credential, signed, value = found
    scope = _SCOPE.fullmatch(credential or "")
    if scope is None:
        raise _incomplete("Credential")
    if not signed or not value:
        raise _incomplete("SignedHeaders" if not signed else "Signature")
    return _Signature(scope, tuple(signed.lower().split(";")), value, time, is_presigned, seconds)


def _lifetime(text: str) -> int:
    """The seconds that a presigned URL is good for."""
    if not _NUMBER.fullmatch(text):
        return 0
    if len(text) > _MOST_DIGITS or int(text) > LONGEST_LIFETIME:
        raise _RefusedError(
            "IncompleteSignatureException",
            "IncompleteSignature",
            "AuthorizationQueryParametersError",
            f"X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{LONGEST_LIFETIME} seconds",
            BAD_REQUEST,
        )
    return int(text)


def _check_signed_headers(environ: WSGIEnvironment, signature: _Signature) -> None:
    """All that says what is asked for has to be signed: the host, and every header of AWS's."""
    signed = {_key(name) for name in signature.signed}
    own = {key for key in environ if key.startswith("HTTP_X_AMZ_") and key != "HTTP_X_AMZ_CONTENT_SHA256"}
    if not signed >= {"HTTP_HOST", *own}:
        raise _RefusedError(
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "AccessDenied",
            "There were headers present in the request which were not signed",
        )


def _payload(environ: WSGIEnvironment, signature: _Signature) -> str:
    """What the signature has in the place of the content's hash."""
    stated: str | None = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
    if stated is not None:
        return stated
    if signature.is_presigned and signature.scope["service"] == "s3":
        return str(UNSIGNED_PAYLOAD)
    return _content_hash(environ)


def _content_hash(environ: WSGIEnvironment) -> str:
    content = Request(environ).get_data(cache=False)
    environ["wsgi.input"] = io.BytesIO(content)
    environ["CONTENT_LENGTH"] = str(len(content))
    return hashlib.sha256(content).hexdigest()


def _header(environ: WSGIEnvironment, name: str) -> str:
    value: str = environ.get(_key(name), "")
    return value


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _mismatch() -> _RefusedError:
    return _RefusedError(
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method.",
    )


def _incomplete(what: str) -> _RefusedError:
    return _RefusedError(
        "IncompleteSignatureException",
        "IncompleteSignature",
        "AuthorizationHeaderMalformed",
        f"Authorization header requires a valid '{what}'.",
        BAD_REQUEST,
    )


def _login() -> Response:
    return Response(
        "Log in with the endpoint's access key: its id as the user name, its secret as the password.\n",
        status=401,
        content_type="text/plain; charset=utf-8",
        headers={"WWW-Authenticate": 'Basic realm="sm-pipelines local"'},
    )
