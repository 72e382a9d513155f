"""The HTTP server: werkzeug's threaded server with moto's request handler, as moto's own server runs it."""

from __future__ import annotations

import functools
import logging
import os
import socket
from collections.abc import Iterable
from typing import Any

from airflow_sm_pipelines.local.aws import ACCOUNT_ID, AccessKey
from airflow_sm_pipelines.local.persistence.keeper import Keeper
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.server.access_key_check import AccessKeyCheck
from airflow_sm_pipelines.local.server.application import Application
from airflow_sm_pipelines.local.server.door import Door

# moto answers every web page's preflight request unless told otherwise, before it is imported; jobs are programs.
os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.utilities.utils import PARTITION_NAMES
from werkzeug.serving import BaseWSGIServer
from werkzeug.serving import make_server as make_werkzeug_server
from werkzeug.test import Client

_BACKLOG = 128

_POLICIES = "MOTO_IAM_LOAD_MANAGED_POLICIES"
_PARTITION_WITH_POLICIES = "aws"

logger = logging.getLogger(__name__)


READ_TIMEOUT = 60.0
"""How long a client may send nothing in the midst of a request, or between two, in seconds. botocore's own limit."""


class _QuietRequestHandler(MotoRequestHandler):
    """Logs requests at DEBUG, not as ordinary output, and waits for no client for ever."""

    timeout = READ_TIMEOUT

    def run_wsgi(self) -> None:
        """Answer a request whose length can be read."""
        lengths = [length.strip() for length in self.headers.get_all("Content-Length", ())]
        if len(lengths) < 2 and all(length.isdecimal() for length in lengths):
            super().run_wsgi()
        else:
            self.close_connection = True
            self.send_error(400, f"Content-Length: {', '.join(lengths)!r} is not a number of bytes")

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        level = logging.DEBUG if type == "info" else logging.ERROR
        logger.log(level, message, *args)


def make_server(
    host: str,
    port: int,
    regions: Regions,
    moto: DomainDispatcherApplication,
    *,
    names: Iterable[str] = (),
    access_key: AccessKey | None = None,
    keeper: Keeper | None = None,
) -> BaseWSGIServer:
    """A server that listens, and answers once ``serve_forever`` runs.

    :param host: the address.
    :param port: the port; 0 for any free one.
    :param regions: our side of the endpoint.
    :param moto: the rest of AWS; see :func:`empty_moto`.
    :param names: by which clients call it, besides the names and addresses of this machine.
    :param access_key: what requests have to be signed with; ``None`` for any.
    :param keeper: keeps what requests change in moto; ``None`` for nobody.
    :raises OSError: the port is taken.
    """
    check = None if access_key is None else AccessKeyCheck(access_key)
    application = Application(regions, moto, Door((host, *names)), check, keeper)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # werkzeug duplicates the socket. Left to bind by itself, it ends the process when the port is taken.
    with socket.create_server((host, port), family=family, backlog=_BACKLOG) as listener:
        return make_werkzeug_server(
            host,
            listener.getsockname()[1],
            application,
            threaded=True,
            request_handler=_QuietRequestHandler,
            fd=listener.fileno(),
        )


class _Moto(DomainDispatcherApplication):
    """moto. To find the service of a request it looks through its own directory, twice: here that is remembered."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backend_for_host = functools.lru_cache(maxsize=1000)(super().get_backend_for_host)

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the name of a service.

        :param host: such as ``s3.eu-west-1.amazonaws.com``.
        """
        return self._backend_for_host(host)


def empty_moto() -> DomainDispatcherApplication:
    """Return moto. Its state, which is one for the whole process, is emptied; IAM has the policies that AWS manages.

    Roles are made with policies such as AmazonSageMakerFullAccess. At its first request, whatever it is for, moto loads
    all of them for each partition of AWS, which takes most of a second. Here one partition has them.
    """
    moto = _Moto()
    os.environ[_POLICIES] = "false"
    emptied = Client(moto).post("/moto-api/reset")
    if emptied.status_code != 200:
        raise RuntimeError(f"moto did not empty its state: {emptied.status} {emptied.text}")
    iam = get_backend("iam")[ACCOUNT_ID]
    for partition in PARTITION_NAMES:
        iam[partition]  # is made when it is first asked for
    os.environ[_POLICIES] = "true"
    iam[_PARTITION_WITH_POLICIES].reset()
    return moto
