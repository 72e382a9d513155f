"""The texts of the package and of the pages are plain English: phrases that have to be read twice are kept out of them.

Of the package, the test looks at the string literals (an f-string as one text, with ``{}`` for each value) and the docstrings of the package.
It does not look at comments, and does not know grammar: it knows phrases.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_sm_pipelines

PACKAGE = Path(airflow_sm_pipelines.__file__).parent
ROOT = Path(__file__).parents[2]

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

PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "docker").glob("*.md")]
    if page.name != "CHANGELOG.md" and page.parent.name != "decisions"
)
"""What users read. Decisions and what has changed are left as they were written."""


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
        for line, text in texts((PACKAGE / path).read_text(encoding="utf-8"))
        if re.search(AVOIDED[example], text)
    ]
    assert found == []


@pytest.mark.parametrize("example", AVOIDED)
def test_no_page_has_the_phrase(example):
    """A failure names the page and the words around it."""
    found = [
        f"{page.relative_to(ROOT)}: {text[max(0, match.start() - 60) : match.end() + 40]}"
        for page in PAGES
        for text in [" ".join(page.read_text(encoding="utf-8").split())]
        for match in re.finditer(AVOIDED[example], text)
    ]
    assert found == []


@pytest.mark.parametrize("example", AVOIDED)
def test_the_pattern_finds_its_example(example):
    """Each finds its phrase in a module, also across the pieces of a text, and nothing in plain sentences."""
    [(_, text), *_] = texts(f"x = (\n{example}\n)")
    assert re.search(AVOIDED[example], text) is not None
    assert re.search(AVOIDED[example], "There is no step 'a'. It is no longer there, and it cannot go to 'b'.") is None
