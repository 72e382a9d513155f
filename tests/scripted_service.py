"""An HTTP server that answers as SageMaker does, from a script: the edge at which hooks and triggers are tested."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

EXECUTION_ARN = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/churn/execution/abcdef123456"


@dataclass(frozen=True)
class Refusal:
    """An error answer, as the JSON protocol has it."""

    code: str
    message: str
    http_status: int = 400


@dataclass
class ScriptedService:
    """What the server does next, and what it was asked.

    ``answers`` gives for each operation a list of answers: dictionaries, :class:`Refusal`, or callables that
    make one of the two from the request. They are used up in order; the last one stays.
    """

    answers: dict[str, list[Any]] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str) -> int:
        """How often an operation was called."""
        return len(self.requests_of(operation))

    def requests_of(self, operation: str) -> list[dict[str, Any]]:
        """The requests of one operation, in order."""
        with self._lock:
            return [request for name, request in self.requests if name == operation]

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any] | Refusal:
        """Take the next answer."""
        with self._lock:
            self.requests.append((operation, request))
            answers = self.answers.get(operation)
            if not answers:
                return Refusal("UnknownOperationException", f"{operation} is not in the script", 404)
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer(request) if callable(answer) else answer

    def execution(self, *statuses: str, **more: Any) -> None:
        """Script DescribePipelineExecution: one status for each call, the last one for all that follow."""
        self.answers["DescribePipelineExecution"] = [
            {"PipelineExecutionArn": EXECUTION_ARN, "PipelineExecutionStatus": status, **more} for status in statuses
        ]

    def steps(self, *lists: list[dict[str, Any]]) -> None:
        """Script ListPipelineExecutionSteps: one list for each call, the last one for all that follow."""
        self.answers["ListPipelineExecutionSteps"] = [{"PipelineExecutionSteps": steps} for steps in lists]


def step(name: str, status: str, **more: Any) -> dict[str, Any]:
    """One entry of ListPipelineExecutionSteps, on the wire."""
    return {"StepName": name, "StepStatus": status, "StartTime": 1690315955.0, "AttemptCount": 0, **more}


@contextmanager
def serve() -> Iterator[ScriptedService]:
    """Run a scripted service on a port of its own."""
    service = ScriptedService()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            answer = service.answer(operation, json.loads(body))
            if isinstance(answer, Refusal):
                status, content = answer.http_status, {"__type": answer.code, "message": answer.message}
            else:
                status, content = 200, answer
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Quiet: the requests are kept in the service."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def stand_for_aws(patch: pytest.MonkeyPatch) -> None:
    """Have links lead to AWS's console although the scripted service is not at AWS's address."""
    patch.setattr("airflow_sm_pipelines.links.sagemaker.is_aws", lambda _url: True)


def connection_json(url: str, **services: str) -> str:
    """An Airflow connection that leads to the scripted service, and for some services elsewhere."""
    return json.dumps(
        {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {
                "region_name": "us-east-1",
                "endpoint_url": url,
                "service_config": {name: {"endpoint_url": address} for name, address in services.items()},
            },
        }
    )
