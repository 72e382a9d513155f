"""A Python function as a script that a job runs: found out while a Dag file is parsed, written as plain Python.

The script needs the standard library of Python 3.8 and what the function itself imports: no package of this project, no
SDK, no pickle. It is made of the function's source alone, so that equal functions give equal bytes, on every machine.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError

PATH: Final = "path"
"""The kind of a parameter that is a directory of the job. The others are what :data:`_KINDS` says, and :data:`JSON`."""

JSON: Final = "json"

_KINDS: Final[Mapping[Any, str]] = {Path: PATH, str: "str", int: "int", float: "float", bool: "bool", Any: JSON}

_GIVEN: Final = ("Path", "__name__")
"""Names that the script has besides the builtins."""


@dataclass(frozen=True)
class FunctionParameter:
    """A parameter of a function.

    :param name: its name.
    :param kind: ``path``, ``str``, ``int``, ``float``, ``bool`` or ``json``.
    :param is_required: whether a call has to give it a value.
    """

    name: str
    kind: str
    is_required: bool


@dataclass(frozen=True)
class StepFunction:
    """A function, read.

    :param name: its name.
    :param parameters: in order.
    :param returns: whether it returns what becomes JSON.
    :param source: its definition, without decorators and without indentation.
    """

    name: str
    parameters: tuple[FunctionParameter, ...]
    returns: bool
    source: str

    def parameter(self, name: str) -> FunctionParameter | None:
        """Return a parameter, or ``None`` when there is none of that name.

        :param name: the name.
        """
        return next((each for each in self.parameters if each.name == name), None)

    @property
    def file_name(self) -> str:
        """What the script's file is called."""
        return f"{self.name}.py"

    def script(self, paths: Mapping[str, str], *, is_training: bool, returned: str | None = None) -> bytes:
        """Return the script that calls the function.

        :param paths: where the directories of the path parameters are in the container, by name.
        :param is_training: whether the other parameters are hyperparameters, as script mode's toolkit gives them in
            ``SM_HPS``; otherwise they are command line arguments, each behind its name.
        :param returned: the path of the JSON file for what the function returns.
        """
        kinds = {each.name: each.kind for each in self.parameters if each.kind != PATH}
        arguments = _OF_TRAINING if is_training else _OF_PROCESSING
        parts = [
            "from __future__ import annotations",
            "from pathlib import Path",
            self.source.strip("\n"),
            f"_PATHS = {_literal(paths)}\n_KINDS = {_literal(kinds)}",
            _CONVERT.strip("\n"),
            arguments.strip("\n"),
            _MAIN.format(name=self.name, returned=_RETURN.format(path=returned) if returned else "").strip("\n"),
        ]
        return ("\n\n\n".join(parts) + "\n").encode()


_CONVERT: Final = """
def _converted(value, kind):
    if kind == "int":
        return int(value)
    if kind == "float":
        return float(value)
    if kind == "bool":
        if str(value).lower() not in ("true", "false"):
            raise ValueError(f"{value!r} is neither true nor false")
        return str(value).lower() == "true"
    return value
"""

_OF_PROCESSING: Final = """
def _given():
    import json
    import sys

    flags, values = sys.argv[1::2], sys.argv[2::2]
    for name, text in zip((flag[2:] for flag in flags), values):
        yield name, text if _KINDS[name] == "str" else json.loads(text)
"""

_OF_TRAINING: Final = """
def _given():
    import json
    import os

    for name, value in json.loads(os.environ["SM_HPS"]).items():
        if name in _KINDS:
            yield name, value
"""

_MAIN: Final = """
def _main():
    arguments = {{name: Path(path) for name, path in _PATHS.items()}}
    arguments.update((name, _converted(value, _KINDS[name])) for name, value in _given())
    for path in _PATHS.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    returned = {name}(**arguments)
{returned}

if __name__ == "__main__":
    _main()
"""

_RETURN: Final = """    import json

    text = json.dumps(returned)
    Path({path!r}).parent.mkdir(parents=True, exist_ok=True)
    Path({path!r}).write_text(text)
"""


def read_function(function: Callable[..., Any]) -> StepFunction:
    """Read a function.

    :param function: defined by ``def`` in a file.
    :raises TranslationError: naming file, line, rule and fix, for what cannot become a script.
    """
    reader = _Reader(function)
    try:
        return reader.read()
    except TranslationError as error:
        raise TranslationError(f"{reader.place}: {error}") from None


class _Reader:
    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = getattr(function, "__name__", repr(function))
        code = getattr(function, "__code__", None)
        self.place = f"function '{self.name}'" + (
            f" ({Path(code.co_filename).name}, line {code.co_firstlineno})" if code is not None else ""
        )

    def read(self) -> StepFunction:
        if not isinstance(self.function, types.FunctionType) or self.name == "<lambda>":
            raise TranslationError("it is no function with a name. Define it by 'def'.")
        if inspect.iscoroutinefunction(self.function) or inspect.isgeneratorfunction(self.function):
            raise TranslationError(
                "it is asynchronous, or a generator. A script calls it once and takes what it returns."
            )
        if hasattr(self.function, "__wrapped__"):
            raise TranslationError(
                "another decorator stands below the step's, and the script in the container does not have it. Remove "
                "it, or apply it inside the function."
            )
        if self.function.__code__.co_freevars:
            names = ", ".join(map(repr, self.function.__code__.co_freevars))
            raise TranslationError(
                f"it uses {names} of the function around it, which the script in the container does not have. Make it "
                "a parameter."
            )
        source = self._source()
        self._refuse_missing_names(source)
        hints = self._hints()
        returns = self._returns(hints)
        if not returns:
            self._refuse_lost_value(source)
        return StepFunction(self.name, tuple(self._parameters(hints)), returns, source)

    def _source(self) -> str:
        try:
            lines, _ = inspect.getsourcelines(self.function)
        except (OSError, TypeError):
            raise TranslationError("its source cannot be read. Define it in a file.") from None
        text = textwrap.dedent("".join(lines))
        try:
            [node] = ast.parse(text).body
        except (SyntaxError, ValueError):
            raise TranslationError(
                "its source cannot be read by itself. Define it by 'def', on lines of its own."
            ) from None
        if not isinstance(node, ast.FunctionDef):
            raise TranslationError("it is no plain function. Define it by 'def'.")
        # From 'def' on, so that comments inside and the author's own layout stay.
        return "".join(text.splitlines(keepends=True)[node.lineno - 1 :])

    def _refuse_missing_names(self, source: str) -> None:
        missing = sorted(_names_from_outside(source) - {self.name, *_GIVEN} - set(dir(builtins)))
        if not missing:
            return
        lines, first = inspect.getsourcelines(self.function)
        line = next((number for number, text in enumerate(lines, first) if missing[0] in text), first)
        raise TranslationError(
            f"it uses {', '.join(map(repr, missing))} (line {line}), which the script in the container does not have. "
            "Import it inside the function, make it a parameter, or put it into a module beside the script: "
            "code_dir='...'."
        )

    def _refuse_lost_value(self, source: str) -> None:
        for node in _inside(ast.parse(source).body[0]):
            if isinstance(node, ast.Return) and ast.unparse(node) not in ("return", "return None"):
                raise TranslationError(
                    f"it returns a value, '{ast.unparse(node)}', and its annotation does not say so. Annotate the dict "
                    "that it returns, as in '-> dict[str, float]', or return nothing."
                )

    def _hints(self) -> Mapping[str, Any]:
        try:
            return typing.get_type_hints(self.function)
        except (NameError, TypeError, AttributeError, SyntaxError) as error:
            raise TranslationError(f"its annotations cannot be read: {error}.") from None

    def _parameters(self, hints: Mapping[str, Any]) -> Iterator[FunctionParameter]:
        for parameter in inspect.signature(self.function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
                raise TranslationError(
                    f"its parameter '{parameter}' cannot be given by a name. Write out its parameters, each by itself."
                )
            if parameter.name not in hints:
                raise TranslationError(
                    f"its parameter '{parameter.name}' has no annotation. Write {parameter.name}: Path for a "
                    "directory, or str, int, float, bool, a list or a dict."
                )
            kind = _kind_of(hints[parameter.name])
            if kind is None:
                raise TranslationError(
                    f"its parameter '{parameter.name}' has a type that cannot be given to a job: "
                    f"{hints[parameter.name]!r}. Take Path, str, int, float, bool, a list or a dict."
                )
            is_required = parameter.default is parameter.empty
            if kind == PATH and not is_required and parameter.default is not None:
                raise TranslationError(
                    f"its parameter '{parameter.name}' is a directory of the job and has a default. Leave the default "
                    "out, or let it be None."
                )
            yield FunctionParameter(parameter.name, kind, is_required)

    def _returns(self, hints: Mapping[str, Any]) -> bool:
        returned = hints.get("return", type(None))
        if returned is type(None):
            return False
        if returned is dict or typing.get_origin(returned) is dict:
            return True
        raise TranslationError(
            f"it is annotated to return {returned!r}. Return a dict, which becomes a JSON file, or None; files go into "
            "the directories of Path parameters."
        )


def _kind_of(hint: Any) -> str | None:
    """Return the kind of an annotation; of an optional one, that of what it may be besides None."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(hint) if each is not type(None)]
        return _kind_of(inner[0]) if len(inner) == 1 else None
    if hint in (list, dict) or typing.get_origin(hint) in (list, dict):
        return JSON
    try:
        return _KINDS.get(hint)
    except TypeError:  # what cannot be hashed is no type of these
        return None


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a definition is made of, without the functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _inside(child)


def _names_from_outside(source: str) -> set[str]:
    """Return the names that a definition takes from its module. Those in annotations are not: nobody evaluates them."""
    tree = _WithoutAnnotations().visit(ast.parse(source))
    table = symtable.symtable(ast.unparse(tree), "<function>", "exec")
    # At the level of the module these are defaults of parameters.
    of_defaults = {symbol.get_name() for symbol in table.get_symbols() if not symbol.is_assigned()}
    return of_defaults.union(*map(_globals_of, table.get_children()))


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Constant(None)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        return node


def _globals_of(table: symtable.SymbolTable) -> set[str]:
    own = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global() and symbol.is_referenced()}
    return own.union(*map(_globals_of, table.get_children()))


def _literal(values: Mapping[str, str]) -> str:
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in values.items())
    return f"{{\n{lines}}}" if lines else "{}"


def arguments_of_call(
    function: StepFunction, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of a call by name, without those that are left out.

    :param function: the function.
    :param signature: its signature.
    :param args: positional arguments.
    :param kwargs: arguments by name.
    :raises TranslationError: too many, unknown ones, or one given twice.
    """
    names = list(signature.parameters)
    for name in kwargs:
        if name not in names:
            raise TranslationError(
                f"{function.name}() has no parameter '{name}'{did_you_mean(name, names) or '.'} It has "
                f"{', '.join(map(repr, names)) or 'none'}."
            )
    try:
        return dict(signature.bind_partial(*args, **kwargs).arguments)
    except TypeError as error:
        raise TranslationError(f"{function.name}() cannot be called so: {error}.") from None
