"""boto3 clients of this endpoint itself: jobs' data, logs and registered models pass through the same HTTP API.

The endpoint is its own client so that what a job stores is exactly what any other client would see, and no
private interface of moto is needed.
"""

from __future__ import annotations

import os
import secrets
import string
import threading
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.session import Session as BotocoreSession

ACCOUNT_ID = "123456789012"
"""The account that moto gives to credentials it does not know, so every resource here has it too."""


@dataclass(frozen=True)
class AccessKey:
    """An access key of AWS.

    :param id: what requests name.
    :param secret: what they are signed with.
    """

    id: str
    secret: str = field(repr=False)

    @classmethod
    def generate(cls, key_id: str | None = None) -> AccessKey:
        """Make a new key.

        :param key_id: its id; a new one by default, of the form that AWS's have.
        """
        letters = string.ascii_uppercase + string.digits
        made = "LOCAL" + "".join(secrets.choice(letters) for _ in range(15))
        return cls(key_id or made, secrets.token_urlsafe(30))

    def environment(self) -> dict[str, str]:
        """The variables by which programs know it."""
        return {"AWS_ACCESS_KEY_ID": self.id, "AWS_SECRET_ACCESS_KEY": self.secret}


ANY_KEY = AccessKey("local", "local")
"""What jobs and the endpoint itself use where any key is taken; never those of whoever started the endpoint."""


_NO_SETTINGS = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
"""For clients that nobody's AWS_PROFILE and configuration file have a say in: they are about an account."""


_CONFIG = Config(
    proxies={},  # keeps those of the environment out: the endpoint is on this machine
    max_pool_connections=50,
    retries={"total_max_attempts": 1},
    # What comes and goes within a process needs no sums, and the long default is put together for each request.
    user_agent="sm-pipelines-local",
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


def client_variables(endpoint_url: str, region: str, access_key: AccessKey = ANY_KEY) -> dict[str, str]:
    """Return the environment variables by which any AWS client finds an endpoint.

    :param endpoint_url: where the endpoint listens.
    :param region: the region that clients act in.
    :param access_key: what they sign their requests with.
    """
    return {"AWS_ENDPOINT_URL": endpoint_url, **access_key.environment(), "AWS_DEFAULT_REGION": region}


class Clients:
    """One boto3 client per service for one region, made on first use. Safe to use from several threads.

    :param endpoint_url: where the endpoint listens.
    :param region: the AWS region that the requests are signed for, which is the one they act in.
    :param access_key: what the requests are signed with.
    """

    def __init__(self, endpoint_url: str, region: str, access_key: AccessKey = ANY_KEY) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._access_key = access_key
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: boto3.Session | None = None

    def __getitem__(self, service: Any) -> Any:
        """The client of a service; operations of SageMaker are those that moto serves, such as the model registry."""
        with self._lock:  # making a client is not thread-safe, using it is
            if service not in self._clients:
                if self._session is None:  # it keeps what the clients of all services are made of
                    self._session = boto3.Session(
                        botocore_session=BotocoreSession(session_vars=_NO_SETTINGS),
                        aws_access_key_id=self._access_key.id,
                        aws_secret_access_key=self._access_key.secret,
                        region_name=self._region,
                    )
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self._endpoint_url,
                    config=_CONFIG,
                )
            return self._clients[service]
