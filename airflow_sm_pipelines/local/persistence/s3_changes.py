"""Which buckets and objects a request to S3 changes. Pure, but for the body that is read and put back."""

from __future__ import annotations

import io
import ipaddress
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode
from xml.etree import ElementTree as ET

from werkzeug.wrappers import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_PATH_STYLE_HOSTS: Final = ("localhost", "localstack", "host.docker.internal")
_IN_A_CLUSTER: Final = re.compile(r".*\.svc\.cluster\.local")
_NOT_OF_THE_RESOURCE: Final = re.compile(r"x-id|x-amz-.*|awsaccesskeyid|signature|expires", re.IGNORECASE)
_NO_CHANGE: Final = ("partNumber", "uploads", "select")
"""Parts of an upload, its beginning, and a question: no object changes."""

_KEPT_HEADERS: Final = ("content-type", "x-amz-bucket-object-lock-enabled", "x-amz-object-ownership", "x-amz-acl")


@dataclass(frozen=True)
class BucketChange:
    """A request that makes, configures or deletes a bucket.

    :param bucket: its name.
    :param method: ``PUT`` or ``DELETE``.
    :param query: which part of the bucket's configuration; empty for the bucket itself.
    :param region: the region that is asked.
    :param headers: what counts of the headers, in lower case.
    :param body: what is said.
    """

    bucket: str
    method: str
    query: str
    region: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class ObjectChange:
    """A request that changes objects.

    :param bucket: their bucket.
    :param keys: their keys.
    """

    bucket: str
    keys: tuple[str, ...]


def change_of(environ: WSGIEnvironment, region: str) -> BucketChange | ObjectChange | None:
    """Say what a request to S3 changes; ``None`` when nothing that is kept.

    :param environ: the request. Its body is read, where it counts, and put back.
    :param region: the region that it is signed for.
    """
    method = environ["REQUEST_METHOD"]
    if method not in ("PUT", "POST", "DELETE"):
        return None
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    bucket, key = addressed(environ.get("HTTP_HOST", ""), path)
    given = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    query = [(name, value) for name, value in given if not _NOT_OF_THE_RESOURCE.fullmatch(name)]
    names = {name for name, _ in query}
    if not bucket:
        return None
    if key:
        is_aborted = method == "DELETE" and "uploadId" in names
        return None if is_aborted or names.intersection(_NO_CHANGE) else ObjectChange(bucket, (key,))
    if method == "POST":
        keys = _keys_in(_body(environ)) if "delete" in names else _key_of_form(environ)
        return ObjectChange(bucket, keys) if keys is not None else None
    headers = {name: environ[variable] for name in _KEPT_HEADERS if (variable := _variable(name)) in environ}
    body = _body(environ).decode("utf-8", "replace")
    return BucketChange(bucket, method, urlencode(query), region, headers, body)


def addressed(host: str, path: str) -> tuple[str, str]:
    """Return the bucket and the key that a request is about, as moto reads it; empty when there is none.

    :param host: the request's Host.
    :param path: the request's path, not quoted.
    """
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if _has_bucket_in_path(name):
        bucket, _, key = path.removeprefix("/").partition("/")
        return bucket, key
    return name.removeprefix("www.").partition(".")[0], path.removeprefix("/")


def _has_bucket_in_path(name: str) -> bool:
    if name.startswith(_PATH_STYLE_HOSTS) or "." not in name or _IN_A_CLUSTER.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _keys_in(body: bytes) -> tuple[str, ...]:
    """The keys of a DeleteObjects request. A body that is not XML deletes nothing."""
    try:
        root = ET.fromstring(body)  # noqa: S314 - moto reads the same with the same parser, which bounds entities
    except ET.ParseError:
        return ()
    return tuple(each.text or "" for each in root.iter() if each.tag.rpartition("}")[2] == "Key")


def _key_of_form(environ: WSGIEnvironment) -> tuple[str, ...] | None:
    """The key of an object that a form uploads, as generate_presigned_post makes one."""
    body = _body(environ)
    form = Request({**environ, "wsgi.input": io.BytesIO(body)})
    key, file = form.form.get("key"), form.files.get("file")
    if key is None:
        return None
    return (key if file is None else key.replace("${filename}", posixpath.basename(file.filename or "")),)


def _body(environ: WSGIEnvironment) -> bytes:
    body = Request(environ).get_data(cache=False)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _variable(header: str) -> str:
    """What WSGI calls a header."""
    variable = header.upper().replace("-", "_")
    return variable if variable == "CONTENT_TYPE" else f"HTTP_{variable}"
