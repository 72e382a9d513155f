"""The source of a function, and whether it can stand alone in a script."""

from __future__ import annotations

import ast
import builtins
import inspect
import symtable
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.functions.signature import FunctionParameter, read_signature

_GIVEN: Final = ("Path", "__name__", "__file__")
"""Names that the script has besides the builtins."""

OF_THE_SCRIPT: Final = {
    *("Path", "_CHOICES", "_KINDS", "_OPTIONAL", "_PATHS", "__name__"),
    *("_chosen", "_converted", "_given", "_main", "_plain"),
    *("KeyError", "RecursionError", "TypeError", "ValueError"),
    *("dict", "float", "hasattr", "int", "isinstance", "map", "repr", "str", "type", "zip"),
}
"""Names that the script uses around the function, which must mean there what they do."""


@dataclass(frozen=True)
class StepFunction:
    """A function, read.

    :param name: its name, as its ``def`` has it.
    :param parameters: in order.
    :param returns: whether it returns a dict, which becomes JSON.
    :param source: its definition, without decorators and without indentation.
    :param keys: the keys of the dict that it returns, where a ``TypedDict`` says them.
    :param signature: Python's, with the defaults.
    """

    name: str
    parameters: tuple[FunctionParameter, ...]
    returns: bool
    source: str
    keys: tuple[str, ...] | None = None
    signature: inspect.Signature = field(default_factory=inspect.Signature, compare=False, repr=False)

    def parameter(self, name: str) -> FunctionParameter | None:
        """Return a parameter, or ``None`` when there is none of that name.

        :param name: the name.
        """
        return next((each for each in self.parameters if each.name == name), None)

    @property
    def file_name(self) -> str:
        """What the script's file is called: not as a module is that the function may import."""
        return f"{self.name}_step.py"


def read_function(function: Callable[..., Any]) -> StepFunction:
    """Read a function.

    :param function: defined by ``def`` in a file.
    :raises TranslationError: naming file, line, rule and fix, for what cannot become a script.
    """
    name = getattr(function, "__name__", str(function))
    code = getattr(function, "__code__", None)
    place = "" if code is None else f" ({Path(code.co_filename).name}, line {code.co_firstlineno})"
    try:
        return _read(name, function)
    except TranslationError as error:
        raise TranslationError(f"function '{name}'{place}: {error}") from None


def _read(name: str, function: Callable[..., Any]) -> StepFunction:
    if not isinstance(function, types.FunctionType) or name == "<lambda>":
        raise TranslationError(
            "it is not a function that 'def' defines. Put the step's decorator directly above a 'def', give it "
            "keywords only, and use no other decorator."
        )
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise TranslationError("it is asynchronous, or a generator. A script calls it once and takes what it returns.")
    if hasattr(function, "__wrapped__"):
        raise TranslationError(
            "another decorator is below the step's, and the script in the container does not have it. Remove it, "
            "or apply it inside the function."
        )
    lines, first = _lines(function)
    node = _definition(lines)
    if node.name != function.__code__.co_name:
        raise TranslationError("its source cannot be found in its file. Define it with 'def', on separate lines.")
    _refuse_missing_names(function, node, first)
    signature = read_signature(function)
    if not signature.returns:
        _refuse_lost_value(node)
    python = inspect.signature(function)
    return StepFunction(
        node.name, signature.parameters, signature.returns, _source(node, lines), signature.keys, python
    )


def _lines(function: types.FunctionType) -> tuple[list[str], int]:
    """Return the lines of a function, with its decorators, and the number of the first."""
    try:
        return inspect.getsourcelines(function)
    except (OSError, TypeError):
        raise TranslationError("its source cannot be read. Define it in a file.") from None


def _definition(lines: list[str]) -> ast.FunctionDef:
    """Return the definition in some lines, which may be indented: line 1 of it is line 2 of what is parsed."""
    try:
        [block] = ast.parse("if True:\n" + "".join(lines) if lines[0][:1].isspace() else "\n" + "".join(lines)).body
        [node] = block.body if isinstance(block, ast.If) else [block]
    except (SyntaxError, ValueError):
        raise TranslationError(
            "its source cannot be read by itself. Define it with 'def', on separate lines."
        ) from None
    if not isinstance(node, ast.FunctionDef):
        raise TranslationError("it is not a plain function. Define it with 'def'.")
    return node


def _source(node: ast.FunctionDef, lines: list[str]) -> str:
    """Return a definition from ``def`` on, without the indentation of ``def``. Comments and texts stay as they are."""
    inside_text = {
        line
        for each in ast.walk(node)
        if isinstance(each, ast.JoinedStr) or (isinstance(each, ast.Constant) and isinstance(each.value, (str, bytes)))
        for line in range(each.lineno + 1, (each.end_lineno or each.lineno) + 1)
    }
    indentation = lines[node.lineno - 2][: node.col_offset]
    source = []
    for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        line = lines[number - 2].rstrip("\r\n")
        if number not in inside_text:
            line = line[len(indentation) :] if line.startswith(indentation) else line.lstrip()
        source.append(line)
    return "\n".join(source)


def _refuse_lost_value(node: ast.FunctionDef) -> None:
    for each in _inside(node):
        if isinstance(each, ast.Return) and ast.unparse(each) not in ("return", "return None"):
            raise TranslationError(
                f"it returns a value, '{ast.unparse(each)}', and its annotation does not say so. Annotate the dict "
                "that it returns, as in '-> dict[str, float]', or return nothing."
            )


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a definition is made of, without the functions and classes inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield child
            yield from _inside(child)


def _refuse_missing_names(function: types.FunctionType, node: ast.FunctionDef, first: int) -> None:
    """Raise for the names that the script would lack, all at once."""
    own = {node.name, *_GIVEN, *dir(builtins)}
    bare = ast.unparse(_WithoutAnnotations().visit(ast.parse(ast.unparse(node))))
    used_names, made_names = _names_of_the_module(bare)
    if taken := sorted(made_names & OF_THE_SCRIPT):
        raise TranslationError(
            f"it defines {', '.join(map(repr, taken))} for its whole file, but the script that calls it needs that "
            "name. Rename it."
        )
    missing = used_names - made_names - own
    if not missing:
        return
    used: dict[str, int] = {}
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id in missing:
            used[each.id] = min(first + each.lineno - 2, used.get(each.id, first + each.lineno))
    names = sorted(missing, key=lambda name: (used.get(name, first), name))
    in_defaults = _names_in_defaults(node)
    told = " ".join(
        f"{name!r} (line {used.get(name, first)}) "
        + (_IN_A_DEFAULT if name in in_defaults else _what_to_do(name, function))
        for name in names
    )
    raise TranslationError(f"the script in the container has only the function's source. {told}")


_IN_A_DEFAULT: Final = "is used in a default: write the value there, or give it in the call."


def _names_in_defaults(node: ast.FunctionDef) -> set[str]:
    """Return the names that are in defaults of a function's parameters, and nowhere else."""
    defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
    there, elsewhere = (
        {each.id for part in parts for each in ast.walk(part) if isinstance(each, ast.Name)}
        for parts in (defaults, node.body)
    )
    return there - elsewhere


def _what_to_do(name: str, function: types.FunctionType) -> str:
    """Say what a name is where the function is defined, and how the function comes by it in the job."""
    closure = function.__code__.co_freevars
    known: Mapping[str, Any] = function.__globals__
    if name in closure:
        known = dict(zip(closure, map(_content, function.__closure__ or ()), strict=True))
    if name not in known:
        return f"is not defined{did_you_mean(name, [*known, *dir(builtins)]) or '.'}"
    value = known[name]
    if (line := _import_of(name, value, function.__module__)) is not None:
        return f"is imported outside it: write '{line}' inside the function."
    where = "in the function around it" if name in closure else f"in {Path(function.__code__.co_filename).name}"
    if callable(value):
        return (
            f"is defined {where}: define it inside the function, or in a module beside the script (code_dir='...') "
            "that the function imports."
        )
    return f"is a value {where}: make it a parameter, or define it inside the function."


def _import_of(name: str, value: Any, here: str) -> str | None:
    """Return how a function imports what its module has imported; ``None`` for what has not been imported.

    :param name: what the module calls it.
    :param value: what that is.
    :param here: the module.
    """
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}")
    module = getattr(value, "__module__", None)
    there = vars(sys.modules[module]) if module != here and module in sys.modules else {}
    for original in (getattr(value, "__name__", None), name):
        if original in there and there[original] is value:
            return f"from {module} import {original}" + ("" if original == name else f" as {name}")
    return None


def _content(cell: types.CellType) -> Any:
    """Return what a closure holds; ``None`` for what the function around it has not assigned yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _names_of_the_module(source: str) -> tuple[set[str], set[str]]:
    """Return the names of its module that a definition without decorators and annotations uses, and those it makes."""
    table = symtable.symtable(source, "<function>", "exec")
    used, made = set[str](), set[str]()
    # At the level of the module these are defaults of parameters.
    for symbol in table.get_symbols():
        (made if symbol.is_assigned() else used).add(symbol.get_name())
    for inner in _tables_below(table):
        for symbol in inner.get_symbols():
            if symbol.is_global():
                (made if symbol.is_assigned() or symbol.is_imported() else used).add(symbol.get_name())
    return used, made


def _tables_below(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _tables_below(child)


class _WithoutAnnotations(ast.NodeTransformer):
    """Takes out what the script does not evaluate: annotations, and the decorators of the function itself."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        self.generic_visit(node)
        for each in node.body:
            if isinstance(each, ast.FunctionDef):
                each.decorator_list = []
        return node

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
