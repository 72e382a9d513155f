"""Lambda functions: how they are named and registered, what is taken out of their zips, what their process is told."""

from __future__ import annotations

import http.client
import io
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from airflow_sm_pipelines.local.errors import ServiceError
from airflow_sm_pipelines.local.functions import invocation
from airflow_sm_pipelines.local.functions.function import (
    Function,
    FunctionNotFoundError,
    FunctionNotRunError,
    FunctionReference,
    registered_functions,
)
from airflow_sm_pipelines.local.functions.invocation import FunctionAnswer, Invocation
from airflow_sm_pipelines.local.functions.runtime_api import RuntimeAnswer, RuntimeApi
from airflow_sm_pipelines.local.functions.service import Functions
from airflow_sm_pipelines.local.jobs.host import JobHost
from airflow_sm_pipelines.local.jobs.interpreter import Interpreter
from tests.unit.local.test_application import make_regions
from tests.unit.local.test_job import Logs, Process, Sandbox

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:greet"


@pytest.mark.parametrize(
    ("text", "reference", "arn"),
    [
        (ARN, FunctionReference("greet", None, "eu-west-1", "123456789012"), ARN),
        (f"{ARN}:$LATEST", FunctionReference("greet", "$LATEST", "eu-west-1", "123456789012"), f"{ARN}:$LATEST"),
        ("greet:7", FunctionReference("greet", "7"), f"{ARN}:7"),
        ("123456789012:function:greet", FunctionReference("greet", account="123456789012"), ARN),
    ],
)
def test_how_functions_are_named(text: str, reference: FunctionReference, arn: str) -> None:
    """An ARN, a partial one or a name, each with or without a version or an alias."""
    assert FunctionReference.parse(text) == reference
    assert reference.arn("eu-west-1") == arn


@pytest.mark.parametrize("text", ["", "a b", ARN.replace("lambda", "sqs"), f"{ARN}:", f"{ARN}:1:2"])
def test_what_names_no_function(text: str) -> None:
    """It is not found."""
    with pytest.raises(FunctionNotFoundError) as error:
        FunctionReference.parse(text)
    assert error.value.message == f"Function not found: {text}"


def test_functions_are_registered(tmp_path: Path) -> None:
    """A module may lie in packages. Such a function has the time that Lambda allows at most."""
    assert registered_functions(["greet=a.b:c", "other=d:e"], tmp_path) == (
        Function("greet", "a.b.c", tmp_path, timeout=900),
        Function("other", "d.e", tmp_path, timeout=900),
    )


@pytest.mark.parametrize("text", ["greet", "=a:b", "greet=a", "greet=a:", "greet=a/b:c", "greet=a:b.c", "g t=a:b"])
def test_a_registration_of_another_form(text: str, tmp_path: Path) -> None:
    """It is named, and the form that is wanted."""
    with pytest.raises(ValueError, match=r"NAME=module:handler") as error:
        registered_functions([text], tmp_path)
    assert str(error.value).startswith(f"{text!r} is not of the form ")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "The code of 'greet' is not a zip: File is not a zip file"),
        ("../beside.py", "The code of 'greet' has a file outside of it: '../beside.py'"),
        ("/etc/beside.py", "The code of 'greet' has a file outside of it: '/etc/beside.py'"),
        ("large", "The code of 'greet' is larger than 10 bytes."),
    ],
)
def test_code_that_cannot_be_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, problem: str) -> None:
    """Nothing is written beside the function's directory, which is removed, and nothing is run."""
    monkeypatch.setattr(invocation, "LARGEST_CODE", 10)
    archive = io.BytesIO()
    if name:
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(name, bytes(11 if name == "large" else 10))
    host = make_regions(tmp_path).get("eu-west-1").host
    with pytest.raises(FunctionNotRunError) as error:
        Invocation(Function("greet", "a.b", archive.getvalue()), ARN, b"{}", host).run()
    assert (error.value.message, list(tmp_path.iterdir())) == (problem, [])


def make_host(directory: Path, sandbox: Sandbox) -> JobHost:
    clients: Any = {"logs": Logs()}
    return JobHost(sandbox, INTERPRETER, directory, clients, "eu-west-1", "http://127.0.0.1:9", 1)


INTERPRETER = Interpreter(Path("/usr/bin/python3"), Path("/usr/bin/python3"), "3.11", ())


def test_an_interpreter_without_the_runtime_client(tmp_path: Path) -> None:
    """It is said which one, and how to install it."""

    class Without(Sandbox):
        def start(self, *arguments: Any) -> Process:
            process = super().start(*arguments)
            arguments[3]("/usr/bin/python3: No module named awslambdaric")
            process.end(1)
            return process

    with pytest.raises(FunctionNotRunError) as error:
        Invocation(Function("greet", "a.b", tmp_path), ARN, b"{}", make_host(tmp_path, Without())).run()
    assert error.value.message == (
        "The interpreter /usr/bin/python3 cannot run Lambda functions: No module named awslambdaric. Install AWS's runtime "
        "client into it: /usr/bin/python3 -m pip install awslambdaric"
    )


def test_nobody_waits_longer_than_a_limit(tmp_path: Path) -> None:
    """The process is ended then. What Lambda says of itself, no variable of the function changes."""
    sandbox = Sandbox()
    variables = {"PLACE": "here", "AWS_LAMBDA_FUNCTION_NAME": "other", "LANG": "C"}
    function = Function("greet", "a.b", tmp_path, environment=variables)
    answer = Invocation(function, ARN, b"{}", make_host(tmp_path, sandbox)).run(limit=0)
    assert (answer.end, sandbox.process is not None and sandbox.process.code) == ("given up", 137)
    names = ("PLACE", "AWS_LAMBDA_FUNCTION_NAME", "LANG", "_HANDLER", "LAMBDA_TASK_ROOT", "AWS_ENDPOINT_URL")
    assert {name: sandbox.environment[name] for name in names} == {
        "PLACE": "here",
        "AWS_LAMBDA_FUNCTION_NAME": "greet",
        "LANG": "C",
        "_HANDLER": "a.b",
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }


def test_a_function_is_ended_with_its_region(tmp_path: Path) -> None:
    """What runs is ended and waited for, and nothing new is started."""
    sandbox = Sandbox()
    functions = Functions(make_host(tmp_path, sandbox), [Function("greet", "a.b", tmp_path)])
    answers: list[FunctionAnswer] = []
    caller = threading.Thread(target=lambda: answers.append(functions.invoke(FunctionReference("greet"), b"")))
    caller.start()
    assert sandbox.started.wait(10)
    functions.close()
    caller.join(10)
    assert [(answer.end, answer.error.partition(": RequestId")[0]) for answer in answers] == [
        ("given up", "Sandbox.Terminated")
    ]
    with pytest.raises(ServiceError, match="shutting down"):
        functions.invoke(FunctionReference("greet"), b"")


def test_the_runtime_api_is_for_the_process_only() -> None:
    """It gives the event once, takes an answer under the request's id, and refuses names that web pages may use."""
    answers: list[RuntimeAnswer] = []
    with RuntimeApi("id", b'{"a": 1}', lambda: {"Lambda-Runtime-Deadline-Ms": "5"}, answers.append) as api:

        def ask(method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
            connection = http.client.HTTPConnection(api.address, timeout=10)
            try:
                connection.request(method, f"/2018-06-01/runtime/{path}", body, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
            finally:
                connection.close()

        assert ask("GET", "invocation/next", Host="evil.example") == (404, b"")
        assert ask("POST", "invocation/id/response", b"1", Origin="http://evil.example") == (400, b"")
        assert ask("POST", "invocation/other/response", b"1") == (404, b"{}")
        assert answers == []
        assert ask("GET", "invocation/next") == (200, b'{"a": 1}')
        assert ask("POST", "invocation/id/response", b"2") == (202, b"{}")
        assert ask("POST", "invocation/id/error", b"{}") == (202, b"{}")
        assert ask("POST", "init/error", b"{}") == (202, b"{}")
    assert answers == [RuntimeAnswer(b"2", False), RuntimeAnswer(b"{}", True), RuntimeAnswer(b"{}", True)]
