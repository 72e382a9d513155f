"""Lambda's Runtime API for one invocation: what AWS's runtime client asks for, and what it gets.

The API is documented in Lambda's developer guide ("Using the Lambda runtime API"): the client asks for the next
invocation and posts the response or the error. It listens on the loopback interface, for one process that receives its
port; the request id, which nobody else knows, is in the path of all that it posts.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing_extensions import Self

_VERSION: Final = "/2018-06-01/runtime"
_HOST: Final = "127.0.0.1"
_POLL_SECONDS: Final = 0.02  # how often the server looks whether it is to end

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RuntimeAnswer:
    """What the function answered.

    :param payload: the response, or the error as JSON.
    :param failed: whether it is an error.
    """

    payload: bytes
    failed: bool


class RuntimeApi:
    """Serves one invocation. A context manager: it listens inside.

    :param request_id: of the invocation.
    :param event: what the function is given, as JSON.
    :param begin: called when the client asks for the invocation; returns the headers that go with the event.
    :param answered: called once with the function's answer, from another thread.
    """

    def __init__(
        self,
        request_id: str,
        event: bytes,
        begin: Callable[[], Mapping[str, str]],
        answered: Callable[[RuntimeAnswer], None],
    ) -> None:
        self._request_id = request_id
        self._event = event
        self._begin = begin
        self._answered = answered
        self._lock = threading.Lock()
        self._given = False
        self._server = _Server((_HOST, 0), _Handler)
        self._server.api = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name=f"runtime-{request_id}", daemon=True
        )

    @property
    def address(self) -> str:
        """What the client needs as ``AWS_LAMBDA_RUNTIME_API``."""
        return f"{_HOST}:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def next(self) -> tuple[bytes, Mapping[str, str]] | None:
        """The invocation, with the headers that go with it; ``None`` for every call but the first."""
        with self._lock:
            if self._given:
                return None
            self._given = True
        return self._event, {"Lambda-Runtime-Aws-Request-Id": self._request_id, **self._begin()}

    def post(self, path: str, content: bytes) -> bool:
        """Take what the client says.

        :param path: of the request.
        :param content: the body.
        :return: whether it is something that can be said.
        """
        invocation = f"{_VERSION}/invocation/{self._request_id}"
        if path not in (f"{invocation}/response", f"{invocation}/error", f"{_VERSION}/init/error"):
            return False
        self._answered(RuntimeAnswer(content, failed=not path.endswith("/response")))
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's names
        """Log what fails. The process is ended while it waits for a next invocation, which is not a failure."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            logger.exception("a request of a Lambda function failed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        if not self._is_asked_here() or self.path != f"{_VERSION}/invocation/next":
            self._answer(404, b"")
            return
        invocation = self.server.api.next()
        if invocation is None:
            # There is no other invocation. The client waits for one, until its process is ended.
            self.rfile.read(1)
            self.close_connection = True
            return
        event, headers = invocation
        self._answer(200, event, headers)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not self._is_asked_here() or not length.isdecimal():
            self.close_connection = True
            self._answer(400, b"")
            return
        content = self.rfile.read(int(length))
        self._answer(202 if self.server.api.post(self.path, content) else 404, b"{}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the function's own log says what happens."""

    def _is_asked_here(self) -> bool:
        """Whether the client calls the address by itself, and not a name that a web page was made to use."""
        return self.headers.get("Host") == self.server.api.address and "Origin" not in self.headers

    def _answer(self, status: int, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
