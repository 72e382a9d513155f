"""moto as a program without a network: what is kept of it is asked from it, and given back to it, by requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from werkzeug.test import Client, TestResponse

from airflow_sm_pipelines.local.aws import ANY_KEY

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

OK: Final = 200
NO_CONTENT: Final = 204
NOT_FOUND: Final = 404


class Moto:
    """Asks moto. Safe to use from threads.

    :param application: moto.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def s3(
        self, method: str, path: str, region: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> TestResponse:
        """Ask S3.

        :param method: of HTTP.
        :param path: quoted; the bucket, the key, and what follows ``?``.
        :param region: the region.
        :param headers: of HTTP.
        :param body: of the request.
        """
        return self._ask(method, path, {**(headers or {}), **_signed(region, "s3")}, body)

    def sagemaker(self, operation: str, region: str, members: Mapping[str, Any]) -> TestResponse:
        """Ask SageMaker.

        :param operation: such as ``CreateModel``.
        :param region: the region.
        :param members: of the request.
        """
        headers = {
            "X-Amz-Target": f"SageMaker.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            **_signed(region, "sagemaker"),
        }
        return self._ask("POST", "/", headers, json.dumps(members).encode())

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> TestResponse:
        client = Client(self._application, use_cookies=False)
        # An address: the first part of any other name could be taken for a bucket.
        return client.open(path, method=method, base_url="http://127.0.0.1", headers=dict(headers), data=body)


def _signed(region: str, service: str) -> dict[str, str]:
    """The part of a signature that moto looks at."""
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={ANY_KEY.id}/20260101/{region}/{service}/aws4_request"}
