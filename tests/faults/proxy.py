"""An HTTP proxy between an AWS client and the local endpoint, that counts calls and lets them go wrong on demand.

Calls pass unchanged unless a fault is injected. Everything is decided by events: a test says when a call fails, is
held, or goes on, and waits for calls instead of sleeping.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import urllib3

from tests.faults.faults import Answer, Fault, Hold

LOOPBACK = "127.0.0.1"
_OF_THE_CONNECTION = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})


@dataclass
class Call:
    """One call that arrived.

    :param operation: SageMaker's (or another JSON service's) operation; ``PUT /bucket/key`` for what has none.
    :param request: the JSON body; empty where there is none.
    :param time: when, on the monotonic clock.
    :param forwarded: whether the service got it.
    :param status: of the answer that went to the caller; ``None`` while there is none, and if there never is.
    """

    operation: str
    request: dict[str, Any]
    time: float
    forwarded: bool = False
    status: int | None = None

    def matches(self, operation: str | None, request: Mapping[str, Any]) -> bool:
        """Whether it is a call of an operation (``None`` for any) with at least these members in its request."""
        return operation in (None, self.operation) and request.items() <= self.request.items()


@dataclass(eq=False)
class _Injection:
    fault: Fault
    operation: str | None
    request: Mapping[str, Any]
    left: int | None
    withdrawn: threading.Event = field(default_factory=threading.Event)


class FaultProxy:
    """A proxy that is running. Get it from :func:`serve`.

    :param port: where it listens.

    ``errors`` is what went wrong without having been injected.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://{LOOPBACK}:{port}"
        self._target: urllib3.HTTPConnectionPool | None = None
        self._news = threading.Condition()
        self._calls: list[Call] = []
        self.errors: list[BaseException] = []
        self._injections: list[_Injection] = []

    def forward_to(self, url: str) -> None:
        """Say where calls go.

        :param url: of the service, without a path.
        """
        self._target = urllib3.connection_from_url(url, maxsize=32, timeout=urllib3.Timeout(120))

    @contextmanager
    def injected(
        self, fault: Fault, operation: str | None = None, *, times: int | None = None, **request: Any
    ) -> Iterator[None]:
        """Have a fault happen to calls. Of several faults that fit a call, the first one injected happens.

        :param fault: what happens.
        :param operation: to calls of this operation; ``None`` for all.
        :param times: to so many calls; ``None`` for every one until the block ends.
        :param request: to calls with these members in their request.
        """
        injection = _Injection(fault, operation, request, times)
        with self._news:
            self._injections.append(injection)
        try:
            yield
        finally:
            self._withdraw(injection)

    @contextmanager
    def held(self, operation: str, *, acted: bool, **request: Any) -> Iterator[Hold]:
        """Have the next call of an operation be held; let it go at the end of the block, if the test did not.

        :param operation: the operation.
        :param acted: whether the service acts before (the answer is held) or after.
        :param request: of calls with these members in their request.
        """
        hold = Hold(acted=acted)
        with self.injected(hold, operation, times=1, **request):
            try:
                yield hold
            finally:
                hold.let_go()

    def calls(self, operation: str | None = None, **request: Any) -> list[Call]:
        """Return the calls that came so far, in order.

        :param operation: only calls of this operation.
        :param request: only calls with these members in their request.
        """
        with self._news:
            return [call for call in self._calls if call.matches(operation, request)]

    def await_calls(self, operation: str, count: int, seconds: float, *, after: float = 0.0, **request: Any) -> None:
        """Return once an operation has been called so often. The last of the calls may still be under way.

        :param operation: the operation.
        :param count: how often.
        :param seconds: at most.
        :param after: count only calls that came after this time of the monotonic clock.
        :param request: count only calls with these members in their request.
        :raises TimeoutError: there were fewer calls.
        """

        def seen() -> int:
            return sum(call.matches(operation, request) and call.time > after for call in self._calls)

        with self._news:
            if not self._news.wait_for(lambda: seen() >= count, seconds):
                raise TimeoutError(f"{seen()} calls of {operation} {request} in {seconds:g} s; {count} were expected.")

    def close(self) -> None:
        """Withdraw every fault."""
        for injection in list(self._injections):
            self._withdraw(injection)

    def arrived(self, operation: str, request: dict[str, Any]) -> tuple[Call, _Injection | None]:
        """Take note of a call, and say what is to happen to it."""
        call = Call(operation, request, time.monotonic())
        with self._news:
            self._calls.append(call)
            found = next((each for each in self._injections if call.matches(each.operation, each.request)), None)
            if found is not None and found.left is not None:
                found.left -= 1
                if found.left == 0:
                    # Not withdrawn: what it does to this call it does to the end.
                    self._injections.remove(found)
            self._news.notify_all()
        return call, found

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Ask the service."""
        if self._target is None:
            raise RuntimeError("The proxy does not know yet where calls go: call forward_to() first.")
        response = self._target.urlopen(
            method, path, body, headers, retries=False, redirect=False, assert_same_host=False, decode_content=False
        )
        kept = [(name, value) for name, value in response.headers.items() if name.lower() not in _OF_THE_CONNECTION]
        return Answer(response.status, tuple(kept), response.data)

    def _withdraw(self, injection: _Injection) -> None:
        with self._news:
            if injection in self._injections:
                self._injections.remove(injection)
        injection.withdrawn.set()


class _Handler(BaseHTTPRequestHandler):
    """One connection; the faults' :class:`~tests.faults.faults.Exchange` at the same time."""

    proxy: FaultProxy
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(411, "The proxy takes bodies with a Content-Length only.")
            return
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.headers.get("X-Amz-Target")
        operation = target.rpartition(".")[2] if target else f"{self.command} {self.path}"
        self._call, injection = self.proxy.arrived(operation, json.loads(self._body) if target and self._body else {})
        if injection is None:
            self.answer(self.forward())
        else:
            self.await_withdrawal = injection.withdrawn.wait
            injection.fault.happen(self)

    do_DELETE = do_GET = do_HEAD = do_POST = do_PUT = _handle  # noqa: N815 - the base class's names

    @property
    def is_json(self) -> bool:
        return "X-Amz-Target" in self.headers

    def forward(self) -> Answer:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        self._call.forwarded = True
        return self.proxy.forward(self.command, self.path, headers, self._body)

    def answer(self, answer: Answer) -> None:
        self._call.status = answer.status
        try:
            # Without the base class's own Server and Date.
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if "content-length" not in {name.lower() for name, _ in answer.headers}:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)
        except ConnectionError:
            # Callers are killed in these tests, and give up on calls that hang.
            self._call.status = None
            self.close_connection = True

    def reset(self) -> None:
        # Closed with nothing left to linger for, a connection ends in a reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing; tests look at the calls."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        handler = type("Handler", (_Handler,), {})
        super().__init__((LOOPBACK, 0), handler)
        self.proxy = handler.proxy = FaultProxy(self.server_address[1])

    def shutdown_request(self, request: Any) -> None:
        """Close the connection; the base class says goodbye first, which is no reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """Keep what is no fault of a caller that is gone."""
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):
            self.proxy.errors.append(error)


@contextmanager
def serve() -> Iterator[FaultProxy]:
    """Run a proxy on a free port, from a thread, until the block ends.

    :raises RuntimeError: at the end, when something went wrong that was not injected, such as a service that is gone.
    """
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, name="fault-proxy", kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.proxy
        finally:
            server.proxy.close()
            server.shutdown()
            thread.join()
    if server.proxy.errors:
        raise RuntimeError(f"Calls went wrong in the proxy itself: {server.proxy.errors}") from server.proxy.errors[0]
