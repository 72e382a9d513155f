"""The package's texts are plain English: phrases that have to be read twice are kept out of them.

Looked at are the string literals (an f-string as one text, with ``{}`` for each value) and the docstrings of the package.
Comments are not looked at, and the test knows no grammar: it knows phrases.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_sm_pipelines

PACKAGE = Path(airflow_sm_pipelines.__file__).parent

AVOIDED = {
    "f'{x} is '\n'no list'": r"(?<!here )\b(?:is|are|was|were) no (?!longer\b|more\b)",
    "'a thread of its own'": r"\ban? \w+ of (?:its|their) own\b",
    "'keywords go over arguments'": r"\bgo(?:es)? over\b",
    "'the execution goes on'": r"\b(?:goes|gone|go|going) on\b",
    "'SageMaker is in trouble'": r"\bin trouble\b",
    "'nobody says where to'": r"\bnobody says\b",
    "'it stands in no group'": r"\bstands? in (?!for\b)",
    "'what only a Dag run has'": r"\bonly a Dag run (?:has|knows)\b",
    "'Name it otherwise.'": r"\bName \w+( \w+)? otherwise\b",
    "'SageMaker takes no list'": r"\b(?:takes|knows) no\b(?! longer\b)",
    "'to begin anew'": r"\banew\b",
    "'nobody asked to be told'": r"\b(?:is|are|be) told\b",
    "'whatever became of it'": r"\bbecame of\b",
    "'it succeeds all the same'": r"\ball the same\b",
}
"""Patterns of what is avoided, by an example as a module has it; blanks and line breaks of a text are one space."""

ALLOWED = ("running/", "cli.py", "command_line.py", "local/options.py", "local/__main__.py")
"""Beginnings of paths: the command line has its own style, that of its help."""


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield each literal and docstring of a module, with its line."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            said = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            said = node.value
        else:
            continue
        yield node.lineno, " ".join(said.split())


@pytest.mark.parametrize("example", AVOIDED)
def test_no_text_of_the_package_has_the_phrase(example):
    """Neither a message, nor a log line, nor a docstring; a failure names the file, the line and the text."""
    found = [
        f"{path}:{line}: {text}"
        for path in sorted(each.relative_to(PACKAGE).as_posix() for each in PACKAGE.rglob("*.py"))
        if not path.startswith(ALLOWED)
        for line, text in texts((PACKAGE / path).read_text(encoding="utf-8"))
        if re.search(AVOIDED[example], text)
    ]
    assert found == []


@pytest.mark.parametrize("example", AVOIDED)
def test_the_pattern_finds_its_example(example):
    """Each finds its phrase in a module, also across the pieces of a text, and nothing in plain sentences."""
    [(_, text), *_] = texts(f"x = (\n{example}\n)")
    assert re.search(AVOIDED[example], text) is not None
    assert re.search(AVOIDED[example], "There is no step 'a'. It is no longer there, and it cannot go to 'b'.") is None
