"""Lambda functions: how they are named and registered, what is taken out of their zips, what their process is told."""

from __future__ import annotations

import http.client
import io
import zipfile
from pathlib import Path

import pytest

from airflow_sm_pipelines.local.functions import invocation
from airflow_sm_pipelines.local.functions.function import (
    Function,
    FunctionNotFoundError,
    FunctionNotRunError,
    FunctionReference,
    registered_functions,
)
from airflow_sm_pipelines.local.functions.invocation import Invocation
from airflow_sm_pipelines.local.functions.runtime_api import RuntimeAnswer, RuntimeApi
from tests.unit.local.test_application import make_regions

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
