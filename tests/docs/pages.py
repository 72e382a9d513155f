"""Pages of the site and README.md as a reader follows them: their blocks of code, and what the comment before each says of it.

A comment stands on the line before the fence, or before another comment there:

- ``<!-- file: dags/churn.py -->``: the block is this file.
- ``<!-- background -->``: the commands run until the page ends, such as a server.
- ``<!-- tested by: tests/unit/test_x.py::test_name -->``: another test runs the block. Several are separated by commas.
- ``<!-- not run: reason -->``: nothing here can run it, such as what needs an account of AWS.
- ``<!-- with: dags -->``, anywhere on the page: the reader is in a clone, and has this file or directory of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
OUTPUT = {"text", "diff", "csv"}
"""What a reader only looks at."""
DATA = {"ini", "json", "toml", "yaml"}
PROGRAMS = {"python", "console"}

_COMMENT = re.compile(r"<!-- (?P<key>file|background|tested by|not run|with)(?:: (?P<value>.+?))? -->")
_FENCE = re.compile(r"(?P<indent> *)(?P<fence>`{3,})(?P<language>\S*)\s*")


@dataclass(frozen=True)
class Block:
    """A block of code.

    :param page: its page.
    :param line: the line of its fence, from 1.
    :param language: what the fence names.
    :param text: what stands between the fences, without the indent that the fence has.
    :param comments: what the comments before it say, by their key; ``""`` where a comment has the key only.
    """

    page: Path
    line: int
    language: str
    text: str
    comments: dict[str, str]

    @property
    def place(self) -> str:
        """The page and the line, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Page:
    """A page.

    :param path: its file.
    :param blocks: its blocks, from top to bottom.
    :param needed: what of the clone its reader has.
    """

    path: Path
    blocks: list[Block]
    needed: list[str]


def read_page(path: Path) -> Page:
    """Return a page with its blocks.

    :param path: the Markdown file.
    """
    blocks: list[Block] = []
    needed: list[str] = []
    comments: dict[str, str] = {}
    lines = iter(enumerate(path.read_text(encoding="utf-8").splitlines(), start=1))
    for number, line in lines:
        if comment := _COMMENT.fullmatch(line.strip()):
            if comment["key"] == "with":
                needed.append(comment["value"])
            else:
                comments[comment["key"]] = comment["value"] or ""
        elif fence := _FENCE.fullmatch(line):
            inside: list[str] = []
            for _, code in lines:
                if code.strip() == fence["fence"]:
                    break
                inside.append(code.removeprefix(fence["indent"]))
            text = "".join(f"{code}\n" for code in inside)
            if not fence["language"].startswith("{"):  # A directive of the site's.
                blocks.append(Block(path, number, fence["language"], text, comments))
            comments = {}
        elif line.strip():
            assert not comments, f"{path.name}:{number}: {comments} is of a block, and no block follows"
    return Page(path, blocks, needed)


def pages() -> list[Path]:
    """Return README.md and the pages of the site that are written by hand and for readers: no decisions, no changelog."""
    found = [*DOCS.rglob("*.md")]
    left_out = {DOCS / "changelog.md"}
    return [
        ROOT / "README.md",
        *sorted(
            page
            for page in found
            if page not in left_out and not {DOCS / "decisions", DOCS / "reference" / "api"} & set(page.parents)
        ),
    ]
