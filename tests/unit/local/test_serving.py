"""The program that serves models in transform jobs: requests in files, answers in files, and what images do by default."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from airflow_sm_pipelines.local.containers import serving

CSV, JSON = "text/csv", "application/json"


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of the model."""
    directory = tmp_path / "model"
    directory.mkdir()
    monkeypatch.setattr(serving, "MODEL", str(directory))
    return directory


@pytest.fixture
def script(model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], Any]]:
    """Makes a model of a framework and a script."""
    made: list[str] = []

    def make(framework: str, text: str) -> Any:
        name = f"script_{len(made)}_{model.parent.name}"
        made.append(name)
        (model / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(str(model))
        monkeypatch.setenv("SAGEMAKER_PROGRAM", f"{name}.py")
        return serving.load({"framework": framework})

    yield make
    for name in made:
        sys.modules.pop(name, None)


class Doubling:
    """A model that doubles the sum of each row, and shows what it was given."""

    def __init__(self) -> None:
        self.given: list[tuple[tuple[int, ...], str]] = []

    def predict(self, data: Any) -> Any:
        self.given.append((data.shape, str(data.dtype)))
        return data.reshape(len(data), -1).sum(axis=1) * 2


def doubling(script: Callable[[str, str], Any], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Doubling]:
    made = Doubling()
    monkeypatch.setattr(serving, "_test_model", made, raising=False)
    text = (
        "from airflow_sm_pipelines.local.containers import serving\n"
        "def model_fn(model_dir): return serving._test_model\n"
    )
    return script("scikit-learn", text), made


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "shape", "dtype", "answer"),
    [
        (b"1,2\n3,4", CSV, CSV, (2, 2), "float32", (200, b"6.0\n14.0\n", CSV)),
        (b"1,2", CSV, CSV, (2,), "float32", (200, b"2.0\n4.0\n", CSV)),
        (b"[[1, 2]]", JSON, None, (1, 2), "float32", (200, b"[6.0]", JSON)),
        (b"[[1, 2]]", None, "*/*", (1, 2), "float32", (200, b"[6.0]", JSON)),
    ],
)
def test_scikit_learn_by_default(
    script: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    content_type: str | None,
    accept: str | None,
    shape: tuple[int, ...],
    dtype: str,
    answer: tuple[int, bytes, str],
):
    """Arrays of 32 bits go into predict; one row of CSV has one dimension there, as in the image."""
    served, made = doubling(script, monkeypatch)
    assert served.answer(body, content_type, accept) == answer
    assert made.given == [(shape, dtype)]


def test_scikit_learn_reads_and_writes_npy(script: Callable[[str, str], Any], monkeypatch: pytest.MonkeyPatch):
    """Arrays keep their type."""
    served, made = doubling(script, monkeypatch)
    body = io.BytesIO()
    np.save(body, np.array([[1, 2]], dtype=np.int16))
    status, answer, content_type = served.answer(body.getvalue(), "application/x-npy", "application/x-npy")
    assert (status, content_type, np.load(io.BytesIO(answer)).tolist()) == (200, "application/x-npy", [6])
    assert made.given == [((1, 2), "int16")]


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "message"),
    [
        (b"a,b", CSV, CSV, 500, "could not convert string to float: "),
        (b"<a/>", "text/xml", CSV, 415, "Content type text/xml is not supported by this framework."),
        (b"[[1]]", JSON, "text/xml", 406, "Content type text/xml is not supported by this framework."),
    ],
)
def test_what_the_images_answer_to_what_they_cannot_do(
    script: Callable[[str, str], Any],
    monkeypatch: pytest.MonkeyPatch,
    body: bytes,
    content_type: str,
    accept: str,
    status: int,
    message: str,
):
    """The status of the servers in images, and the error with its traceback."""
    served, _ = doubling(script, monkeypatch)
    answer = served.answer(body, content_type, accept)
    lines = answer.body.decode().splitlines()
    assert (answer.status, lines[0][: len(message)]) == (status, message)
    assert "Traceback (most recent call last):" in lines


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (
            (
                "def model_fn(d): return 2\ndef input_fn(data, kind): return [int(each) for each in data.split(',')]\n"
                "def predict_fn(data, model): return [model * each for each in data]\n"
                "def output_fn(prediction, accept): return repr(prediction), 'text/plain'\n"
            ),
            (200, b"[2, 4]", "text/plain"),
        ),
        (
            "def model_fn(d): return 2\ndef transform_fn(model, data, kind, accept): return f'{model} {data} {kind} {accept}'\n",
            (200, b"2 1,2 text/csv application/json", "application/json"),
        ),
    ],
    ids=["four functions", "transform_fn"],
)
def test_functions_of_a_script(script: Callable[[str, str], Any], text: str, answer: tuple[int, bytes, str]):
    """They are called as AWS's toolkit calls them."""
    assert script("other", text).answer(b"1,2", CSV, None) == answer


def test_a_script_that_answers_something_else(script: Callable[[str, str], Any]):
    """What is neither text nor bytes is refused."""
    served = script("other", "def model_fn(d): return 2\ndef transform_fn(model, data, kind, accept): return 7\n")
    with pytest.raises(serving.RefusedError) as error:
        served.answer(b"1", CSV, None)
    assert (error.value.status, str(error.value)) == (500, "TypeError: the script answers int, not str or bytes")


class Matrix:
    """What XGBoost's DMatrix is made of."""

    def __init__(self, data: Any) -> None:
        self.rows = data.toarray().tolist() if hasattr(data, "toarray") else data.tolist()

    def num_col(self) -> int:
        return len(self.rows[0])


class Booster:
    """A booster with what the server asks of it."""

    def __init__(self, objective: str = "reg:squarederror", factor: float = 1.0) -> None:
        self.objective, self.factor, self.parameters = objective, factor, {}

    def set_param(self, name: str, value: Any) -> None:
        self.parameters[name] = value

    def save_config(self) -> str:
        return json.dumps({"learner": {"objective": {"name": self.objective}}})

    def num_features(self) -> int:
        return 2

    def load_model(self, path: str) -> None:
        self.factor = float(Path(path).read_text())

    def predict(self, matrix: Matrix, *, validate_features: bool) -> Any:
        assert validate_features is False
        assert self.parameters == {"nthread": 1}
        sums = np.nansum(np.array(matrix.rows), axis=1) * self.factor
        return np.stack([sums, 1 - sums], axis=1) if self.objective == "multi:softprob" else sums


@pytest.fixture
def boosters(model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., serving.XGBoostAlgorithm]:
    """Makes a model without a script, of a stand-in for XGBoost."""
    module = ModuleType("xgboost")
    module.DMatrix, module.Booster = Matrix, Booster  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "xgboost", module)
    monkeypatch.delenv("SAGEMAKER_PROGRAM", raising=False)

    def make(*files: Booster | str) -> Any:
        for index, each in enumerate(files):
            content = each.encode() if isinstance(each, str) else pickle.dumps(each)
            (model / f"xgboost-model-{index}").write_bytes(content)
        return serving.load({"framework": "xgboost"})

    return make


@pytest.mark.parametrize(
    ("files", "body", "content_type", "lines"),
    [
        ((Booster(),), b"1,2\n3,\n", CSV, "3.0\n3.0\n"),
        ((Booster(),), b"1;2\n3;4", "text/csv; label_size=1", "3.0\n7.0\n"),
        ((Booster(),), b"0 1:1 2:2\n0 2:5", "text/x-libsvm", "3.0\n5.0\n"),
        ((Booster(),), b"0:1 1:2", None, "3.0\n"),
        (("2.0",), b"1,2\n3,4", CSV, "6.0\n14.0\n"),
        ((Booster("multi:softprob"),), b"0.25,0.5", CSV, "[0.75, 0.25]\n"),
        ((Booster(), Booster(factor=3.0)), b"1,2", CSV, "6.0\n"),
        ((Booster("binary:hinge"), Booster(factor=2.0), Booster(factor=2.0)), b"1,2", CSV, "6.0\n"),
    ],
    ids=["rows", "semicolons", "libsvm", "libsvm from 0", "saved", "classes", "mean", "majority"],
)
def test_xgboost_without_a_script(
    boosters: Callable[..., Any], files: tuple[Any, ...], body: bytes, content_type: str | None, lines: str
):
    """A prediction is a line, of several values a list; several models vote or are averaged."""
    assert boosters(*files).answer(body, content_type, None) == (200, lines.encode(), CSV)


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "message"),
    [
        (b"1,a", CSV, None, 415, "Loading csv data failed with Exception, please ensure data is in csv format: "),
        (b"1,2", "text/csv; label_size=2", None, 415, "text/csv; label_size=2 is not an accepted csv ContentType. "),
        (
            b"1",
            "application/x-recordio-protobuf",
            None,
            415,
            "Content-type application/x-recordio-protobuf is not supported",
        ),
        (
            b"1,2,3,4",
            CSV,
            None,
            400,
            (
                "Unable to evaluate payload provided: Feature size of csv inference data 4 is not consistent with feature "
                "size of trained model 2."
            ),
        ),
        (
            b"3:1 4:2 9:3",
            "libsvm",
            None,
            400,
            "Unable to evaluate payload provided: Feature size of libsvm inference data 9",
        ),
        (b"1,2", CSV, "text/xml", 406, "Accept type text/xml is not supported. Please use supported accept types: "),
    ],
)
def test_what_xgboost_refuses(
    boosters: Callable[..., Any], body: bytes, content_type: str, accept: str | None, status: int, message: str
):
    """With the status and the words of its image."""
    with pytest.raises(serving.RefusedError) as error:
        boosters(Booster()).answer(body, content_type, accept)
    assert (error.value.status, str(error.value)[: len(message)]) == (status, message)


def test_csv_without_a_content_type_is_told_what_it_was_read_as(boosters: Callable[..., Any]):
    """Without a type the image reads libsvm, in which a row of CSV has no columns."""
    with pytest.raises(serving.RefusedError) as error:
        boosters(Booster()).answer(b"1,2\n3,4", None, None)
    assert (error.value.status, str(error.value)) == (
        415,
        (
            "Loading libsvm data failed with Exception, please ensure data is in libsvm format: <class 'ValueError'> cannot "
            "infer dimensions from zero sized index arrays. The input has no ContentType, so it is read as libsvm; CSV needs "
            "text/csv"
        ),
    )


def test_xgboost_with_a_script(boosters: Callable[..., Any], script: Callable[[str, str], Any]):
    """The script loads the model, and the image's functions do the rest."""
    text = "from tests_of_serving import booster as model_fn\n"
    module = ModuleType("tests_of_serving")
    loaded = Booster()
    loaded.set_param("nthread", 1)
    module.booster = lambda _: loaded  # type: ignore[attr-defined]
    sys.modules["tests_of_serving"] = module
    try:
        served = script("xgboost", text)
        assert served.answer(b"1,2\n3,4", CSV, CSV) == (200, b"3.0\n7.0\n", CSV)
        assert served.answer(b"1:1 2:2", "text/libsvm", JSON) == (200, b"[3.0]", JSON)
    finally:
        del sys.modules["tests_of_serving"]


def run(directory: Path, code: str, bodies: list[list[bytes]], timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run the program as a job does."""
    (directory / "code").mkdir()
    (directory / "code" / "serving.py").write_text(code)
    for name in ("requests", "responses"):
        (directory / name).mkdir()
    for number, each in enumerate(bodies):
        content = b"".join(json.dumps({"length": len(body)}).encode() + b"\n" + body for body in each)
        (directory / "requests" / f"{number:06}").write_bytes(content)
    configuration = {
        "framework": None,
        "code": str(directory / "code"),
        "objects": len(bodies),
        "content_type": CSV,
        "accept": CSV,
        "timeout": timeout,
    }
    (directory / "configuration.json").write_text(json.dumps(configuration))
    environment = {**os.environ, "SAGEMAKER_PROGRAM": "serving.py"}
    command = [sys.executable, serving.__file__, str(directory)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_program(tmp_path: Path):
    """It answers what is in its files; of an object the requests after one that failed are left out."""
    code = "def model_fn(d): return 2\ndef transform_fn(model, data, kind, accept): return str(model * int(data))\n"
    ended = run(tmp_path, code, [[b"1", b"2\n"], [b"x", b"3"], []])
    assert (ended.returncode, ended.stderr) == (0, "")
    first = [
        b'{"status": 200, "content_type": "text/csv", "length": 1}',
        b'2{"status": 200, "content_type": "text/csv", "length": 1}',
        b"4",
    ]
    assert (tmp_path / "responses" / "000000").read_bytes().split(b"\n") == first
    header, message, *_ = (tmp_path / "responses" / "000001").read_text().splitlines()
    assert json.loads(header)["status"] == 500
    assert message == "invalid literal for int() with base 10: 'x'"
    assert (tmp_path / "responses" / "000002").read_bytes() == b""


def test_a_model_that_does_not_answer(tmp_path: Path):
    """The program ends when the time for one request is over, and says so."""
    code = "import time\ndef model_fn(d): return 2\ndef transform_fn(model, data, kind, accept): time.sleep(600)\n"
    ended = run(tmp_path, code, [[b"1"]], timeout=0.1)
    assert (ended.returncode, ended.stdout) == (
        1,
        "TimeoutError: the model did not answer within 0.1 seconds (InvocationsTimeoutInSeconds)\n",
    )


@pytest.mark.parametrize(("load", "code"), [("return 2", 0), ("raise ValueError('no model')", 1)])
def test_threads_of_a_script_do_not_hold_the_program(tmp_path: Path, load: str, code: int):
    """A thread that the script has left running ends with the program, which ends when all is answered, or with an error."""
    script = (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()\n"
        f"def model_fn(d): {load}\ndef transform_fn(model, data, kind, accept): return str(model * int(data))\n"
    )
    ended = run(tmp_path, script, [[b"1"]])
    assert (ended.returncode, ended.stderr.splitlines()[-1:]) == (code, ["ValueError: no model"] if code else [])
