"""What requests to S3 change."""

from __future__ import annotations

import io
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder

from airflow_sm_pipelines.local.persistence.s3_changes import BucketChange, ObjectChange, addressed, change_of

HOST = "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("127.0.0.1:5000", "/b/k/x y", ("b", "k/x y")),
        ("[::1]:5000", "/b/k", ("b", "k")),
        ("[::1]", "/b/", ("b", "")),
        ("localhost:5000", "/b", ("b", "")),
        ("localhost", "/", ("", "")),
        ("endpoint:80", "/b//k", ("b", "/k")),
        ("sm.ns.svc.cluster.local:80", "/b/k", ("b", "k")),
        ("b.localhost:5000", "/k/x", ("b", "k/x")),
        ("www.b.example", "/k", ("b", "k")),
    ],
)
def test_a_bucket_is_in_the_path_or_in_front_of_the_host(host: str, path: str, expected: tuple[str, str]) -> None:
    """As moto reads it."""
    assert addressed(host, path) == expected


DELETION = '<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>'


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/b/k", "", None),
        ("HEAD", "/b", "", None),
        ("PUT", "/b/k%C3%BC?x-id=PutObject", "text", ObjectChange("b", ("kü",))),
        ("PUT", "/b/k?tagging", "", ObjectChange("b", ("k",))),
        ("PUT", "/b/k?partNumber=1&uploadId=u", "", None),
        ("POST", "/b/k?uploads", "", None),
        ("POST", "/b/k?uploadId=u", "", ObjectChange("b", ("k",))),
        ("DELETE", "/b/k?uploadId=u", "", None),
        ("DELETE", "/b/k", "", ObjectChange("b", ("k",))),
        ("POST", "/b?delete", DELETION, ObjectChange("b", ("a&b", "c"))),
        ("POST", "/b?delete", "<nothing", ObjectChange("b", ())),
        ("POST", "/b", "a form", None),
        ("PUT", "/", "", None),
        ("PUT", "/b", "where", BucketChange("b", "PUT", "", "r", {"content-type": "text/xml"}, "where")),
        (
            "PUT",
            "/b?versioning",
            "on",
            BucketChange("b", "PUT", "versioning=", "r", {"content-type": "text/xml"}, "on"),
        ),
        ("DELETE", "/b?x-id=DeleteBucket", "", BucketChange("b", "DELETE", "", "r", {"content-type": "text/xml"}, "")),
    ],
)
def test_changes(method: str, path: str, body: str, expected: Any) -> None:
    """Objects by their keys, and buckets by what is said of them. Parts of uploads change nothing yet."""
    environ = EnvironBuilder(path, HOST, method=method, data=body, content_type="text/xml").get_environ()
    assert change_of(environ, "r") == expected
    assert environ["wsgi.input"].read() == body.encode()


def test_a_form_uploads_an_object() -> None:
    """As generate_presigned_post has it; the name of the file may be a part of the key. The form is left to be read."""
    form = {"key": "in/${filename}", "policy": "p", "file": (io.BytesIO(b"content"), "x/a b.csv")}
    environ = EnvironBuilder("/b", HOST, method="POST", data=form).get_environ()
    assert change_of(environ, "r") == ObjectChange("b", ("in/a b.csv",))
    assert b"content" in environ["wsgi.input"].read()
