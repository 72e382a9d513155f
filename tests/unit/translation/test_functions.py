from __future__ import annotations

import functools
import inspect
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import pytest

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.functions import FunctionParameter, StepFunction, arguments_of_call, read_function

HERE = Path(__file__).name
DEFAULT = 5


def decorated(**_keywords):
    return lambda function: function


@decorated(
    image="x",  # with a comment
)
def split(
    raw: Path,
    train: Path,
    rows: int,
    share: float = 0.2,
    *,
    name: str = "x",
    loud: bool = False,
    flags: list[str] | None = None,
    more: Optional[dict] = None,  # noqa: UP045 - as older files have it
    anything: Any = None,
) -> dict[str, float]:
    """Split the rows."""
    import math  # comments stay

    def inner(number: Missing) -> Missing:  # noqa: F821 - annotations are not evaluated
        return math.floor(number)

    found: Missing = list((raw / "rows").read_text().split())  # noqa: F821 - nor these
    (train / "rows").write_text("\n".join(found[: inner(rows * share)]))
    return {"rows": len(found), "seen": [name, loud, flags, more, anything, str(Path("/a"))]}


def test_a_function_is_read():
    """Its parameters with their kinds, whether it returns something, and its source without decorators."""
    read = read_function(split)
    assert read.parameters == (
        FunctionParameter("raw", "path", True),
        FunctionParameter("train", "path", True),
        FunctionParameter("rows", "int", True),
        FunctionParameter("share", "float", False),
        FunctionParameter("name", "str", False),
        FunctionParameter("loud", "bool", False),
        FunctionParameter("flags", "json", False),
        FunctionParameter("more", "json", False),
        FunctionParameter("anything", "json", False),
    )
    assert (read.name, read.returns, read.file_name) == ("split", True, "split.py")
    assert read.source.startswith("def split(\n    raw: Path,\n")
    assert "import math  # comments stay\n" in read.source


def run(script, directory, *arguments, **environment):
    (directory / "script.py").write_bytes(script)
    return subprocess.run(
        [sys.executable, "-I", directory / "script.py", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_of_a_processing_job(tmp_path):
    """It is plain Python: it reads its command line, makes the directories, calls the function, writes what is returned."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rows").write_text("a b c d")
    paths = {"raw": str(tmp_path / "in"), "train": str(tmp_path / "out")}
    result = tmp_path / "returned" / "returned.json"
    script = read_function(split).script(paths, is_training=False, returned=str(result))
    given = ["--rows", '"10"', "--name", "5", "--loud", "true", "--flags", '["a"]', "--anything", "null"]
    ended = run(script, tmp_path, *given)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(result.read_text()) == {"rows": 4, "seen": ["5", True, ["a"], None, None, "/a"]}
    assert (tmp_path / "out" / "rows").read_text() == "a\nb"


def fit(train: Path, model_dir: Path, depth: int, rate: float = 0.1, label: str = "") -> None:
    (model_dir / "model").write_text(f"{(train / 'rows').read_text()} {depth!r} {rate!r} {label!r}")


def test_the_script_of_a_training_job(tmp_path):
    """Script mode's toolkit gives it the hyperparameters in SM_HPS, its own and others among them."""
    (tmp_path / "rows").write_text("abc")
    paths = {"train": str(tmp_path), "model_dir": str(tmp_path / "model")}
    script = read_function(fit).script(paths, is_training=True)
    given = {"depth": "7", "rate": 1, "label": "x", "sagemaker_program": "fit.py"}
    ended = run(script, tmp_path, SM_HPS=json.dumps(given))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "model" / "model").read_text() == "abc 7 1.0 'x'"


def test_equal_functions_make_equal_scripts():
    """Wherever they stand, so that caches survive."""

    def make():
        def same(train: Path, depth: int = 5) -> None:
            print(train, depth)

        return same

    if True:

        def same(train: Path, depth: int = 5) -> None:
            print(train, depth)

    scripts = {read_function(each).script({"train": "/t"}, is_training=True) for each in (make(), same)}
    assert len(scripts) == 1


def test_a_script_needs_python_3_8_only():
    """What is put around the function is as old as images may be."""
    script = StepFunction("f", (), True, "def f():\n    return {}\n").script(
        {}, is_training=False, returned="/r/r.json"
    )
    compile(script, "f.py", "exec", flags=0)
    import ast

    ast.parse(script, feature_version=(3, 8))


def missing_global(train: Path) -> None:
    print(DEFAULT, train)


def missing_default(depth: int = DEFAULT) -> None:
    print(depth)


def closure():
    limit = 5

    def inner(train: Path) -> None:
        print(limit, train)

    return inner


def not_annotated(train, depth=5) -> None:
    print(train, depth)


def of_many(*trains: Path) -> None:
    print(trains)


def of_all(**trains: Path) -> None:
    print(trains)


def positional(train: Path, /) -> None:
    print(train)


@dataclass
class Odd:
    x: int


def odd(thing: Odd) -> None:
    print(thing)


def either(thing: int | str) -> None:
    print(thing)


def defaulted(train: Path = Path("/x")) -> None:
    print(train)


def returns_text() -> str:
    return ""


def bad_hint(train: Nowhere) -> None:  # noqa: F821 - that is the mistake
    print(train)


async def later(train: Path) -> None:
    print(train)


def some(train: Path):
    yield train


def line_of(function, text):
    lines, first = inspect.getsourcelines(function)
    return next(number for number, line in enumerate(lines, first) if text in line)


def first_line(function):
    return function.__code__.co_firstlineno


NOT_THERE = (
    ", which the script in the container does not have. Import it inside the function, make it a parameter, or put it into a "
    "module beside the script: code_dir='...'."
)
TYPES = "Take Path, str, int, float, bool, a list or a dict."


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (missing_global, f"it uses 'DEFAULT' (line {line_of(missing_global, 'DEFAULT')})" + NOT_THERE),
        (missing_default, f"it uses 'DEFAULT' (line {line_of(missing_default, 'DEFAULT')})" + NOT_THERE),
        (
            closure(),
            (
                "it uses 'limit' of the function around it, which the script in the container does not have. Make it a "
                "parameter."
            ),
        ),
        (
            not_annotated,
            (
                "its parameter 'train' has no annotation. Write train: Path for a directory, or str, int, float, bool, a list "
                "or a dict."
            ),
        ),
        (
            of_many,
            "its parameter '*trains: 'Path'' cannot be given by a name. Write out its parameters, each by itself.",
        ),
        (
            of_all,
            "its parameter '**trains: 'Path'' cannot be given by a name. Write out its parameters, each by itself.",
        ),
        (
            positional,
            "its parameter 'train: 'Path'' cannot be given by a name. Write out its parameters, each by itself.",
        ),
        (odd, f"its parameter 'thing' has a type that cannot be given to a job: {Odd!r}. {TYPES}"),
        (either, f"its parameter 'thing' has a type that cannot be given to a job: int | str. {TYPES}"),
        (
            defaulted,
            "its parameter 'train' is a directory of the job and has a default. Leave the default out, or let it be None.",
        ),
        (
            returns_text,
            (
                f"it is annotated to return {str!r}. Return a dict, which becomes a JSON file, or None; files go into the "
                "directories of Path parameters."
            ),
        ),
        (bad_hint, "its annotations cannot be read: name 'Nowhere' is not defined."),
        (later, "it is asynchronous, or a generator. A script calls it once and takes what it returns."),
        (some, "it is asynchronous, or a generator. A script calls it once and takes what it returns."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_cannot_become_a_script(function, message):
    """File, line, rule and fix."""
    with pytest.raises(TranslationError) as caught:
        read_function(function)
    place = f"function '{function.__name__}' ({HERE}, line {first_line(function)})"
    assert str(caught.value) == f"{place}: {message}"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda train: train, "it is no function with a name. Define it by 'def'."),
        (functools.partial(fit, depth=1), "it is no function with a name. Define it by 'def'."),
        (print, "it is no function with a name. Define it by 'def'."),
    ],
    ids=["lambda", "partial", "builtin"],
)
def test_what_is_no_function(function, message):
    """It has no source that could be a script."""
    with pytest.raises(TranslationError) as caught:
        read_function(function)
    assert str(caught.value).endswith(f": {message}")


def test_a_function_without_a_file():
    """As typed into an interpreter."""
    names: dict[str, Any] = {}
    exec(textwrap.dedent("def typed(depth: int) -> None:\n    print(depth)\n"), names)
    with pytest.raises(TranslationError) as caught:
        read_function(names["typed"])
    assert str(caught.value) == ("function 'typed' (<string>, line 1): its source cannot be read. Define it in a file.")


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        (
            ("s3://a",),
            {"deth": 1},
            (
                "fit() has no parameter 'deth'. Did you mean 'depth'? It has 'train', 'model_dir', 'depth', 'rate', 'label'."
            ),
        ),
        (("s3://a",), {"train": "s3://b"}, "fit() cannot be called so: multiple values for argument 'train'."),
        (tuple("abcdef"), {}, "fit() cannot be called so: too many positional arguments."),
    ],
)
def test_calls_that_do_not_fit(args, kwargs, message):
    """The names that there are, and what was meant."""
    with pytest.raises(TranslationError) as caught:
        arguments_of_call(read_function(fit), inspect.signature(fit), args, kwargs)
    assert str(caught.value) == message


def test_calls_that_fit():
    """Arguments by position and by name; those that are left out stay out."""
    arguments = arguments_of_call(read_function(fit), inspect.signature(fit), ("s3://a",), {"depth": 3})
    assert arguments == {"train": "s3://a", "depth": 3}


def returning_without_saying_so(n: int):
    if n:
        return {"n": n}
    return None


@functools.wraps(returning_without_saying_so)
def below_another_decorator(*args, **kwargs):
    return returning_without_saying_so(*args, **kwargs)


def returning_inside(n: int) -> None:
    def inner():
        return n

    print(inner(), lambda: n)


def test_a_value_that_would_be_lost_is_refused():
    """What is returned without an annotation would be written nowhere; functions inside may return what they like."""
    with pytest.raises(TranslationError, match=r"it returns a value, 'return \{'n': n\}', and its annotation does not"):
        read_function(returning_without_saying_so)
    assert read_function(returning_inside).returns is False


def test_a_decorator_that_would_be_lost_is_refused():
    """The script has the source of the function alone, so another decorator would silently do nothing."""
    with pytest.raises(TranslationError, match="another decorator stands below the step's, and the script in the"):
        read_function(below_another_decorator)
