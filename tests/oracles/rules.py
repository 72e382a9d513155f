"""The page docs/reference/rules.md, made from the code: ``python -m tests.oracles.rules``.

A rule is a message: what its call of ``error`` or ``warning`` says, or what a function that looks for one problem returns. Where
a module's rules are from stands in its docstring.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "airflow_sm_pipelines"
PAGE = PACKAGE.parent / "docs" / "reference" / "rules.md"

EVERYBODY = "the parse of a Dag, `sm-pipelines validate`, the launch task, the local endpoint's CreatePipeline"
ENDPOINT = "`sm-pipelines validate --local`, `sm-pipelines run`, the local endpoint when an execution starts"

ROOMS = {
    "The document": ("definition/document.py", EVERYBODY),
    "Its parts as a whole": ("definition/validation/outline.py", EVERYBODY),
    "Names": ("definition/validation/names.py", EVERYBODY),
    "Pipeline parameters": ("definition/validation/parameters.py", EVERYBODY),
    "Keys of steps": ("definition/validation/step_keys.py", EVERYBODY),
    "Dependencies": ("definition/validation/dependencies.py", EVERYBODY),
    "Cycles": ("definition/graph.py", EVERYBODY),
    "References": ("definition/validation/references.py", EVERYBODY),
    "How references are written": ("definition/expressions.py", EVERYBODY),
    "Expressions": ("definition/validation/expressions.py", EVERYBODY),
    "Conditions": ("definition/validation/conditions.py", EVERYBODY),
    "Property files": ("definition/validation/property_files.py", EVERYBODY),
    "Cache and retries": ("definition/validation/settings.py", EVERYBODY),
    "ForEach steps": ("definition/validation/for_each.py", EVERYBODY),
    "Lineage steps": ("definition/validation/lineage.py", EVERYBODY),
    "Arguments of steps": ("requests/check.py", EVERYBODY),
    "Properties of steps": ("requests/properties.py", EVERYBODY),
    "What the local endpoint does not run": ("local/jobs/limits.py", ENDPOINT),
}

HEAD = """# The rules

What a pipeline definition is held against, made from the code by `python -m tests.oracles.rules`; a test says when it has to be
made again. `…` stands for a name, a value or a hint of the pipeline at hand. An *error* is what SageMaker would refuse or misrun, a
*warning* what may still be right ([decision 15](../decisions/0015-errors-and-warnings.md)). One set of rules serves all who
ask. Two things differ: of a document that comes from elsewhere, a bucket's name that cannot be is a warning; and a Dag is held against
further rules, which are about tasks, trigger rules and keywords, and their messages describe them."""


def page() -> str:
    """Return the page."""
    parts = [HEAD]
    for title, (path, asked_by) in ROOMS.items():
        tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
        module = importlib.import_module(f"{PACKAGE.name}.{path.removesuffix('.py').replace('/', '.')}")
        rows = dict.fromkeys(f"| {text} | {level} |" for text, level in _rules(tree, Texts(vars(module))))
        parts.append(
            f"## {title}\n\nSource: {_source(tree)} Asked by: {asked_by}.\n\n| rule | level |\n|---|---|\n"
            + "\n".join(rows)
        )
    return "\n\n".join(parts) + "\n"


def _source(tree: ast.Module) -> str:
    docstring = " ".join((ast.get_docstring(tree) or "").split())
    [source] = re.findall(r"Source: (.+?\.)(?: [A-Z]|$)", docstring)
    return str(source)


def _rules(tree: ast.Module, texts: Texts) -> Iterator[tuple[str, str]]:
    """Yield each rule with its level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("error", "warning"):
            found, level = texts.of(node.args[0]), node.func.id
        elif isinstance(node, ast.FunctionDef) and node.name.endswith("_problem"):
            found, level = texts.returned_by(node), "error"
        else:
            continue
        yield from ((text, level) for text in found if is_sentence(text))


def is_sentence(text: str) -> bool:
    """Say whether a text has more than two words: what has fewer is a part of a message."""
    return len(re.findall(r"[A-Za-z]+", text)) > 2


class Texts:
    """The texts of a module.

    :param names: what the module has, by name: constants in messages are written out.
    """

    def __init__(self, names: Mapping[str, object]) -> None:
        self._names = names

    def returned_by(self, function: ast.FunctionDef) -> list[str]:
        """The texts that a function may return."""
        returned = [inner.value for inner in ast.walk(function) if isinstance(inner, ast.Return) and inner.value]
        return [text for value in returned for text in self.of(value)]

    def of(self, node: ast.expr) -> list[str]:
        """The texts that an expression may be, with ``…`` for what is put into them."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [_plain(node.value)]
        if isinstance(node, ast.JoinedStr):
            return [_plain("".join(map(self._piece, node.values)))]
        if isinstance(node, ast.IfExp):
            return [*self.of(node.body), *self.of(node.orelse)]
        return []

    def _piece(self, piece: ast.expr) -> str:
        if isinstance(piece, ast.Constant):
            return str(piece.value)
        value = piece.value if isinstance(piece, ast.FormattedValue) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "see":
            return f"[More](../troubleshooting.md#{ast.literal_eval(value.args[0])})"
        constant = self._names.get(value.id) if isinstance(value, ast.Name) and value.id.isupper() else None
        return "…" if constant is None else str(constant)


def _plain(text: str) -> str:
    return re.sub("…+", "…", text.replace("'…'", "…")).replace("|", "\\|").strip(" :")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
