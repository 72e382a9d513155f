"""boto3 clients that talk to this very endpoint: jobs' data, logs and registered models go through the front door.

The endpoint is its own client so that what a job stores is exactly what any other client would see, and no
private interface of moto is needed.
"""

from __future__ import annotations

import threading
from typing import Any

import boto3
from botocore.config import Config

ACCOUNT_ID = "123456789012"
"""The account that moto gives to credentials it does not know, so every resource here has it too."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
"""Any credentials do. Jobs get these, never the ones of whoever started the endpoint."""


def client_variables(endpoint_url: str, region: str) -> dict[str, str]:
    """Return the environment variables by which any AWS client finds an endpoint.

    :param endpoint_url: where the endpoint listens.
    :param region: the region that clients act in.
    """
    return {"AWS_ENDPOINT_URL": endpoint_url, **CREDENTIALS, "AWS_DEFAULT_REGION": region}


class Clients:
    """One boto3 client per service for one region, made on first use. Safe to use from several threads.

    :param endpoint_url: where the endpoint listens.
    :param region: the AWS region that the requests are signed for, which is the one they act in.
    """

    def __init__(self, endpoint_url: str, region: str) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: boto3.Session | None = None

    def __getitem__(self, service: Any) -> Any:
        """The client of a service; operations of SageMaker are those that moto serves, such as the model registry."""
        with self._lock:  # making a client is not thread-safe, using it is
            if service not in self._clients:
                if self._session is None:  # it keeps what the clients of all services are made of
                    self._session = boto3.Session(
                        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                        region_name=self._region,
                    )
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self._endpoint_url,
                    # An empty mapping keeps a proxy of the environment out; the endpoint is on this machine.
                    config=Config(proxies={}, max_pool_connections=50, retries={"total_max_attempts": 1}),
                )
            return self._clients[service]
