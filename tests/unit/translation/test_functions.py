from __future__ import annotations

import functools
import inspect
import json
import json as pkg
import os
import subprocess
import symtable
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import split as split_path
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, Optional, TypedDict

import pytest

from airflow_sm_pipelines import sagemaker_training
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.functions.script import script_of
from airflow_sm_pipelines.translation.functions.signature import FunctionParameter, arguments_of_call
from airflow_sm_pipelines.translation.functions.source import OF_THE_SCRIPT, StepFunction, read_function

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
        FunctionParameter("flags", "json", False, is_optional=True),
        FunctionParameter("more", "json", False, is_optional=True),
        FunctionParameter("anything", "any", False, is_optional=True),
    )
    assert (read.name, read.returns, read.file_name) == ("split", True, "split_step.py")
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
    script = script_of(read_function(split), paths, is_training=False, returned=str(result))
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
    script = script_of(read_function(fit), paths, is_training=True)
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

    scripts = {script_of(read_function(each), {"train": "/t"}, is_training=True) for each in (make(), same)}
    assert len(scripts) == 1


def test_a_script_needs_python_3_8_only():
    """What is put around the function is as old as images may be."""
    function = StepFunction("f", (), True, "def f():\n    return {}")
    script = script_of(function, {}, is_training=False, returned="/r/r.json")
    compile(script, "f.py", "exec", flags=0)
    import ast

    ast.parse(script, feature_version=(3, 8))


class Scores(TypedDict, total=False):
    accuracy: float
    rows: int


class MoreScores(Scores):
    notes: list[dict[str, str | None]]


def of_types(
    way: Literal["fast", "slow"],
    size: Literal[1, 2] | None,
    scores: Scores,
    table: Mapping[str, Sequence[float]],
    names: Sequence[str],
) -> MoreScores:
    return {"accuracy": 1.0, "rows": 2, "notes": [way, size, scores, table, names]}


def test_typed_dicts_and_literals_are_read():
    """A TypedDict is a dict whose keys are known, a Literal one of some values."""
    read = read_function(of_types)
    assert read.parameters == (
        FunctionParameter("way", "str", True, choices=("fast", "slow")),
        FunctionParameter("size", "int", True, is_optional=True, choices=(1, 2)),
        FunctionParameter("scores", "json", True),
        FunctionParameter("table", "json", True),
        FunctionParameter("names", "json", True),
    )
    assert (read.returns, read.keys) == (True, ("accuracy", "notes", "rows"))


# fmt: off
def of_lines():
    if DEFAULT:

        def f(raw: Path) -> None:  # why
            # This is a comment.
            text = """one
  two
        three"""
# A comment at the margin.
            if text:

                print(f"""{text}
        four""", raw)
        # The last comment is none of it.
    return f
# fmt: on


def test_texts_and_comments_of_an_indented_function_stay():
    """Lines inside texts of several lines keep their spaces, or the function would make other texts in the job."""
    assert read_function(of_lines()).source == (
        "def f(raw: Path) -> None:  # why\n"
        "    # This is a comment.\n"
        '    text = """one\n'
        "  two\n"
        '        three"""\n'
        "# A comment at the margin.\n"
        "    if text:\n"
        "\n"
        '        print(f"""{text}\n'
        '        four""", raw)'
    )


def of_many_kinds(
    count: int, share: float, deep: bool, rows: list[int], any_value: Any, text: str, depth: int | None = 5
) -> dict[str, Any]:
    import decimal

    class Number:
        def item(self):
            return 7

    odd = {"nan": float("nan"), "set": {1}, "none": None}
    if text in odd:
        return {"x": odd[text]} if odd[text] else None
    return {"x": [count, share, deep, rows, any_value, text, depth], "n": Number(), "d": str(decimal.Decimal(1))}


VALUES = {"count": "3", "share": "1", "deep": '"True"', "rows": "[1]", "any_value": '"[1]"', "text": "5"}
SEEN = [3, 1.0, True, [1], "[1]", "5", 5]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ({}, SEEN),
        ({"depth": "null"}, [*SEEN[:6], None]),
        ({"depth": '"None"'}, [*SEEN[:6], None]),
        ({"depth": "None"}, [*SEEN[:6], None]),
        ({"count": '"4"', "share": '"0.5"', "rows": '"[2]"', "deep": "False"}, [4, 0.5, False, [2], *SEEN[4:]]),
    ],
)
@pytest.mark.parametrize("is_training", [False, True])
def test_values_get_the_types_of_their_annotations(tmp_path, given, seen, is_training):
    """Whether they are JSON, or JSON in a text, as rendered Jinja is; numbers like NumPy's are written as numbers."""
    result = tmp_path / "returned.json"
    script = script_of(read_function(of_many_kinds), {}, is_training=is_training, returned=str(result))
    given = {**VALUES, **given}
    if is_training:
        decoded = {
            name: text if text in ("None", "True", "False") else json.loads(text) for name, text in given.items()
        }
        ended = run(script, tmp_path, SM_HPS=json.dumps(decoded))
    else:
        ended = run(script, tmp_path, *(piece for name, text in given.items() for piece in (f"--{name}", text)))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(result.read_text()) == {"x": seen, "n": 7, "d": "1"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": "five"}, "of_many_kinds() was given 'five' for 'count', which cannot be read as int"),
        ({"count": "1.5"}, "of_many_kinds() was given 1.5 for 'count', which cannot be read as int"),
        ({"deep": "1"}, "of_many_kinds() was given 1 for 'deep', which cannot be read as bool"),
        ({"rows": "["}, "of_many_kinds() was given '[' for 'rows', which cannot be read as json"),
        ({"share": "null"}, "of_many_kinds() was given None for 'share', which cannot be read as float"),
        ({"text": "none"}, "of_many_kinds() returned None, which is not a dict"),
        ({"text": "set"}, "what of_many_kinds() returned is not JSON: {1} is a set"),
        (
            {"text": "nan"},
            "what of_many_kinds() returned is not JSON: Out of range float values are not JSON compliant",
        ),
    ],
)
def test_a_script_that_cannot_go_on_says_why(tmp_path, given, message):
    """In one line, which the task's log shows."""
    script = script_of(read_function(of_many_kinds), {}, is_training=False, returned=str(tmp_path / "returned.json"))
    given = {**VALUES, **given}
    ended = run(script, tmp_path, *(piece for name, text in given.items() for piece in (f"--{name}", text)))
    assert (ended.returncode, ended.stderr.splitlines()[0][: len(message)]) == (1, message)
    assert len(ended.stderr.splitlines()) == 1


def choosing(way: Literal["fast", "slow"], size: Literal[1, 2] | None = 1) -> dict[str, Any]:
    return {"way": way, "size": size}


@pytest.mark.parametrize(
    ("given", "ended"),
    [
        ({"way": "slow", "size": "2"}, '{"way": "slow", "size": 2}'),
        ({"way": "slow", "size": "null"}, '{"way": "slow", "size": null}'),
        ({"way": "last"}, "choosing() was given 'last' for 'way', which is one of 'fast', 'slow'"),
        ({"way": "fast", "size": '"3"'}, "choosing() was given 3 for 'size', which is one of 1, 2, None"),
    ],
)
def test_what_only_the_run_knows_is_one_of_the_choices(tmp_path, given, ended):
    """As what is written out is, while the Dag file is parsed."""
    returned = tmp_path / "returned.json"
    script = script_of(read_function(choosing), {}, is_training=False, returned=str(returned))
    run_script = run(script, tmp_path, *(piece for name, text in given.items() for piece in (f"--{name}", text)))
    assert (returned.read_text() if returned.exists() else run_script.stderr.rstrip()) == ended


def many_missing(n: int = DEFAULT) -> None:
    print(os.environ, helper(), split_path(n), pkg.x, nowhere, dedent)  # noqa: F821 - that is the mistake


def helper():
    return 1


def test_each_missing_name_says_what_it_is():
    """And so how the function comes by it, all at once, by their lines."""
    with pytest.raises(TranslationError) as caught:
        read_function(many_missing)
    first = first_line(many_missing)
    said = [
        f"'DEFAULT' (line {first}) is used in a default: write the value there, or give it in the call.",
        f"'dedent' (line {first + 1}) is imported outside it: write 'from textwrap import dedent' inside the function.",
        (
            f"'helper' (line {first + 1}) is defined in {HERE}: define it inside the function, or in a module beside the "
            "script (code_dir='...') that the function imports."
        ),
        f"'nowhere' (line {first + 1}) is not defined.",
        f"'os' (line {first + 1}) is imported outside it: write 'import os' inside the function.",
        f"'pkg' (line {first + 1}) is imported outside it: write 'import json as pkg' inside the function.",
        (
            f"'split_path' (line {first + 1}) is imported outside it: write 'from posixpath import split as split_path' "
            "inside the function."
        ),
    ]
    assert str(caught.value) == f"function 'many_missing' ({HERE}, line {first}): {ALONE}{' '.join(said)}"


def uses_what_there_is(raw: Path, n: int = len("ab")) -> dict[str, float]:
    global found  # noqa: PLW0603
    import os.path
    from json import dumps as as_text

    found = 1
    size: int = n

    class Inner:
        member: int = 1
        other = member

        def method(self) -> Missing:  # noqa: F821 - annotations are not evaluated
            return Inner

    def inner(a: Missing, *rest, key=None):  # noqa: F821
        return a, rest, key, size, inner

    pairs = [(a, b) for a in range(3) for b in raw.glob("*") if a]
    with open(os.devnull) as file, Path("x").open() as other:  # noqa: PTH123
        print(file, other, pairs, found, as_text, __name__, __file__, os.path)
    try:
        uses_what_there_is(raw)
    except ValueError as error:
        print(error, lambda x: x + size)
    return {}


def test_a_function_may_use_what_the_script_has():
    """Builtins, Path, its own name, what it imports, defines and declares global."""
    assert read_function(uses_what_there_is).name == "uses_what_there_is"


def not_assigned_yet(read):
    def f():
        print(seed)

    read(f)
    seed = 1
    return seed


def test_a_name_that_the_function_around_has_not_assigned_yet():
    """It is in no script either."""
    with pytest.raises(TranslationError) as caught:
        not_assigned_yet(read_function)
    assert str(caught.value).endswith(f") is a value in the function around it: {PASS_IT}")


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


def of_paths(thing: list[Path]) -> None:
    print(thing)


def of_numbers(thing: dict[int, str]) -> None:
    print(thing)


def of_two(thing: Literal["a", 1]) -> None:
    print(thing)


def returns_paths() -> dict[str, Path]:
    return {}


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


ALONE = "the script in the container has only the function's source. "
PASS_IT = "make it a parameter, or define it inside the function."
TYPES = "Use Path, str, int, float, bool, a list or a dict of JSON values."


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            missing_global,
            f"{ALONE}'DEFAULT' (line {line_of(missing_global, 'DEFAULT')}) is a value in {HERE}: {PASS_IT}",
        ),
        (
            missing_default,
            (
                f"{ALONE}'DEFAULT' (line {line_of(missing_default, 'DEFAULT')}) is used in a default: write the value "
                "there, or give it in the call."
            ),
        ),
        (
            closure(),
            (f"{ALONE}'limit' (line {line_of(closure(), 'limit')}) is a value in the function around it: {PASS_IT}"),
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
            "its parameter '*trains: 'Path'' cannot be given by name. Write out each parameter.",
        ),
        (
            of_all,
            "its parameter '**trains: 'Path'' cannot be given by name. Write out each parameter.",
        ),
        (
            positional,
            "its parameter 'train: 'Path'' cannot be given by name. Write out each parameter.",
        ),
        (odd, f"its parameter 'thing' has a type that cannot be passed to a job: {__name__}.Odd. {TYPES}"),
        (either, f"its parameter 'thing' has a type that cannot be passed to a job: int | str. {TYPES}"),
        (
            of_paths,
            f"its parameter 'thing' has a type that cannot be passed to a job: list[pathlib.Path]. {TYPES}",
        ),
        (of_numbers, f"its parameter 'thing' has a type that cannot be passed to a job: dict[int, str]. {TYPES}"),
        (of_two, f"its parameter 'thing' has a type that cannot be passed to a job: Literal['a', 1]. {TYPES}"),
        (
            returns_paths,
            (
                "it is annotated to return dict[str, pathlib.Path]. A processing function returns a dict of JSON values "
                "or None, a training function None. Write files into the directories of Path parameters."
            ),
        ),
        (
            defaulted,
            "its parameter 'train' is a directory of the job and has a default. Leave the default out, or let it be None.",
        ),
        (
            returns_text,
            (
                "it is annotated to return str. A processing function returns a dict of JSON values or None, a training "
                "function None. Write files into the directories of Path parameters."
            ),
        ),
        (
            bad_hint,
            "its annotations cannot be read: name 'Nowhere' is not defined. Import what it names at the top of the file, outside 'if TYPE_CHECKING'.",
        ),
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
    ("function", "place"),
    [
        (lambda train: train, f"function '<lambda>' ({HERE}, line {{line}})"),
        (functools.partial(fit, depth=1), f"function '{functools.partial(fit, depth=1)!r}'"),
        (print, "function 'print'"),
        ("large", "function 'large'"),
        (sagemaker_training(fit), "function 'fit'"),
    ],
    ids=["lambda", "partial", "builtin", "text", "decorated"],
)
def test_what_is_no_function(function, place):
    """It has no source that could be a script: also what a decorator is given by position, and a second decorator."""
    with pytest.raises(TranslationError) as caught:
        read_function(function)
    line = getattr(getattr(function, "__code__", None), "co_firstlineno", None)
    assert str(caught.value) == (
        f"{place.format(line=line)}: it is not a function that 'def' defines. Put the step's decorator directly above a "
        "'def', give it keywords only, and use no other decorator."
    )


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
        (
            ("s3://a",),
            {"train": "s3://b"},
            "fit() cannot be called with these arguments: multiple values for argument 'train'.",
        ),
        (tuple("abcdef"), {}, "fit() cannot be called with these arguments: too many positional arguments."),
    ],
)
def test_calls_that_do_not_fit(args, kwargs, message):
    """The names that there are, and what was meant."""
    with pytest.raises(TranslationError) as caught:
        arguments_of_call("fit", inspect.signature(fit), args, kwargs)
    assert str(caught.value) == message


def test_calls_that_fit():
    """Arguments by position and by name; those that are left out stay out."""
    arguments = arguments_of_call("fit", inspect.signature(fit), ("s3://a",), {"depth": 3})
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
    with pytest.raises(TranslationError, match="another decorator is below the step's, and the script in the"):
        read_function(below_another_decorator)


def _main(rows: int) -> None:
    print(rows)


def zip(rows: int) -> None:  # noqa: A001 - what the test is about
    print(rows)


def making(rows: int) -> None:
    global Path  # noqa: PLW0603
    Path = rows


@pytest.mark.parametrize(("function", "name"), [(_main, "_main"), (zip, "zip"), (making, "Path")])
def test_a_function_that_takes_a_name_of_the_script_is_refused(function, name):
    """The script would call the wrong thing, when it is too late."""
    with pytest.raises(TranslationError) as caught:
        read_function(function)
    assert str(caught.value).endswith(
        f"it defines '{name}' for its whole file, but the script that calls it needs that name. Rename it."
    )


def test_the_names_of_the_script_are_known():
    """All names that it takes from its module, besides the function's."""
    function = read_function(choosing)
    scripts = [
        script_of(function, {}, is_training=True).decode(),
        script_of(function, {}, is_training=False, returned="/x").decode(),
    ]
    used = set()
    for script in scripts:
        table = symtable.symtable(script.replace(function.source, ""), "<script>", "exec")
        tables = [table, *table.get_children()]
        tables += [inner for each in tables[1:] for inner in each.get_children()]
        used |= {
            symbol.get_name()
            for each in tables
            for symbol in each.get_symbols()
            if symbol.is_global() or each.get_type() == "module"
        }
    assert used - {"choosing", "annotations"} == OF_THE_SCRIPT


def renamed(number):
    def fit(rows: int) -> dict[str, int]:
        return {"rows": rows}

    fit.__name__ = f"fit_{number}"
    return fit


def test_a_function_that_was_renamed_is_called_by_its_own_name(tmp_path):
    """Dags set ``__name__`` to have another task id; the source still has the name of the definition."""
    function = read_function(renamed(3))
    assert (function.name, function.file_name) == ("fit", "fit_step.py")
    returned = tmp_path / "returned.json"
    script = tmp_path / "script.py"
    script.write_bytes(script_of(function, {}, is_training=False, returned=str(returned)))
    subprocess.run([sys.executable, str(script), "--rows", "3"], check=True)
    assert json.loads(returned.read_text()) == {"rows": 3}


def test_a_function_whose_lines_are_those_of_another_is_refused():
    """Code that was made out of text says that it stands in a file, and another definition stands there."""
    made = {}
    line = inspect.getsourcelines(_main)[1]
    exec(compile("\n" * (line - 1) + "def fit(rows: int) -> None: pass", __file__, "exec"), made)
    with pytest.raises(TranslationError, match="its source cannot be found in its file"):
        read_function(made["fit"])
