"""What can happen to a call on its way to the service and back, apart from an answer."""

from __future__ import annotations

import json
import threading
import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    :param status: its status.
    :param headers: without those of the connection; Content-Length where it differs from the body's, as for HEAD.
    :param body: its body.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Exchange(Protocol):
    """One call under way, as faults see it."""

    @property
    def is_json(self) -> bool:
        """Whether the call is one of AWS's JSON protocol, such as SageMaker's; S3 speaks XML."""

    def forward(self) -> Answer:
        """Let the service act, and return its answer."""

    def answer(self, answer: Answer) -> None:
        """Give the caller an answer. A caller that is gone gets none."""

    def reset(self) -> None:
        """Reset the caller's connection, without an answer."""

    def await_withdrawal(self) -> None:
        """Return when the fault is withdrawn, or the proxy ends."""


class Fault(ABC):
    """One way for a call to go wrong."""

    @abstractmethod
    def happen(self, exchange: Exchange) -> None:
        """Do to a call what this fault does.

        :param exchange: the call.
        """


@dataclass(frozen=True)
class Refuse(Fault):
    """The service does not act, and answers with an error.

    :param status: of HTTP.
    :param code: the error's name.
    :param message: its message.
    """

    status: int
    code: str
    message: str

    def happen(self, exchange: Exchange) -> None:
        """Answer in the protocol that was asked in."""
        headers = (("x-amzn-RequestId", str(uuid.uuid4())), ("Content-Type", "application/x-amz-json-1.1"))
        if exchange.is_json:
            body = json.dumps({"__type": self.code, "message": self.message})
        else:
            headers = (*headers[:1], ("Content-Type", "application/xml"))
            body = f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message></Error>"
        exchange.answer(Answer(self.status, headers, body.encode()))


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset before the service got the call."""

    def happen(self, exchange: Exchange) -> None:
        """Reset."""
        exchange.reset()


@dataclass(frozen=True)
class LoseAnswer(Fault):
    """The service acts, and its answer gets lost: the caller sees a reset and does not know."""

    def happen(self, exchange: Exchange) -> None:
        """Act, then reset."""
        exchange.forward()
        exchange.reset()


@dataclass(frozen=True)
class Hang(Fault):
    """Nothing comes back, and the service does not act, until the fault is withdrawn."""

    def happen(self, exchange: Exchange) -> None:
        """Keep the connection open without a word."""
        exchange.await_withdrawal()
        exchange.reset()


class Hold(Fault):
    """Keep a call until the test has done what it wants to do in the meantime.

    :param acted: whether the service acts before the call is held (its answer is) or after it is let go.
    """

    def __init__(self, *, acted: bool) -> None:
        self._acted = acted
        self._arrived = threading.Event()
        self._over = threading.Event()
        self._dropped = False

    def await_call(self, seconds: float) -> None:
        """Return once a call is being held.

        :raises TimeoutError: none came.
        """
        if not self._arrived.wait(seconds):
            raise TimeoutError(f"No call came to be held within {seconds:g} s.")

    def let_go(self) -> None:
        """Let the call take its course."""
        self._over.set()

    def drop(self) -> None:
        """Forget the call: what the service did it did, but nothing more happens."""
        self._dropped = True
        self._over.set()

    def happen(self, exchange: Exchange) -> None:
        """Hold the call."""
        answer = exchange.forward() if self._acted else None
        self._arrived.set()
        self._over.wait()
        if self._dropped:
            exchange.reset()
        else:
            exchange.answer(exchange.forward() if answer is None else answer)


SERVER_ERROR = Refuse(500, "InternalFailure", "We are on it.")
THROTTLED = Refuse(400, "ThrottlingException", "Rate exceeded")
ACCESS_DENIED = Refuse(400, "AccessDeniedException", "User: nobody is not authorized to perform this action.")
NOT_FOUND = Refuse(400, "ResourceNotFound", "There is no such pipeline execution.")
EXPIRED_TOKEN = Refuse(400, "ExpiredTokenException", "The security token included in the request is expired")
