"""Which requests reach moto, and how."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from werkzeug.test import Client

from airflow_sm_pipelines.local.aws import Clients
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from airflow_sm_pipelines.local.region import Regions
from airflow_sm_pipelines.local.sandboxes.namespace import NamespaceSandbox
from airflow_sm_pipelines.local.server.application import OPERATIONS, Application
from airflow_sm_pipelines.requests.service_model import service


def make_regions(directory: Path) -> Regions:
    """Regions whose jobs are never started."""

    def host(region: str) -> JobHost:
        url = "http://127.0.0.1:9"
        sandbox = NamespaceSandbox(("unshare",))
        return JobHost(
            sandbox,
            Interpreter(Path("/usr/bin/python3"), Path("/usr/bin/python3"), "3.11", ()),
            directory,
            Clients(url, region),
            region,
            url,
            1,
        )

    return Regions(host)


def request(application: Application, target: str, body: bytes = b"{}") -> str:
    """The text of an answer."""
    return Client(application).post("/", data=body, headers={"X-Amz-Target": target}).get_data(as_text=True)


class OneService:
    """In the place of moto: one WSGI application answers for all services."""

    def __init__(self, service: Callable[..., Iterable[bytes]]) -> None:
        self._service = service

    def get_application(self, _environ: Any) -> Callable[..., Iterable[bytes]]:
        return self._service


def test_every_operation_served_is_one_of_the_services() -> None:
    """The names are those of botocore's service model."""
    assert set(OPERATIONS) <= set(service("sagemaker").operation_names)


def test_every_operation_on_pipelines_is_served() -> None:
    """A new botocore with another one fails this test, not somebody's run."""
    assert {name for name in service("sagemaker").operation_names if "Pipeline" in name} <= set(OPERATIONS)


def test_moto_gets_the_whole_body_of_what_is_not_ours(tmp_path: Path) -> None:
    """Looking into a SageMaker request takes nothing away from it."""

    def echo(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    application = Application(make_regions(tmp_path), OneService(echo))
    assert request(application, "SageMaker.DescribeModel", b'{"ModelName": "m"}') == '{"ModelName": "m"}'
    assert request(application, "Logs_20140328.GetLogEvents", b'{"a": 1}') == '{"a": 1}'


def test_motos_creations_come_one_after_another_and_nothing_else_waits(tmp_path: Path) -> None:
    """While a creation is under way another one waits, as moto has no lock, but every other request is answered."""
    events: list[str] = []
    entered, go_on = threading.Event(), threading.Event()

    def moto(environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        name = environ["HTTP_X_AMZ_TARGET"]
        events.append(f"enter {name}")
        if name == "AmazonSQS.CreateQueue":
            entered.set()
            assert go_on.wait(10)
        events.append(f"leave {name}")
        start_response("200 OK", [])
        return [b""]

    application = Application(make_regions(tmp_path), OneService(moto))
    first = threading.Thread(target=request, args=(application, "AmazonSQS.CreateQueue"))
    first.start()
    assert entered.wait(10)
    second = threading.Thread(target=request, args=(application, "Logs_20140328.CreateLogGroup"))
    second.start()
    request(application, "AmazonSQS.ReceiveMessage")
    go_on.set()
    first.join()
    second.join()
    assert events == [
        "enter AmazonSQS.CreateQueue",
        "enter AmazonSQS.ReceiveMessage",
        "leave AmazonSQS.ReceiveMessage",
        "leave AmazonSQS.CreateQueue",
        "enter Logs_20140328.CreateLogGroup",
        "leave Logs_20140328.CreateLogGroup",
    ]
