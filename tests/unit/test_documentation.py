"""Messages and the pages that say more about them belong together."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import airflow_sm_pipelines
from airflow_sm_pipelines import documentation
from airflow_sm_pipelines.documentation import see
from tests.oracles import messages, rules
from tests.unit.test_docs import DOCS, anchors
from tests.versions import needs_pinned_botocore

PACKAGE = Path(airflow_sm_pipelines.__file__).parent
ROOMS_WITHOUT_READERS = {"local", "compatibility"}
"""Their errors are the service's, in SageMaker's words, or never leave the package."""
MODULES_WITHOUT_READERS = {"__init__.py", "definition/overview.py", "requests/service_model.py"}
"""Their errors are those of a program: a wrong attribute, a mistake in the package."""


def named() -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of :func:`see` in the package, with its module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "see":
                yield str(path.relative_to(PACKAGE)), node


def test_the_link_is_the_page_in_the_repository():
    """It names the file and the heading, and the file exists."""
    assert see("stays-deferred") == "See docs/troubleshooting.md#stays-deferred"
    assert (DOCS.parent / documentation.TROUBLESHOOTING).is_file()


def test_every_anchor_that_a_message_names_is_on_the_page():
    """Each is written out where it is used, and is a heading of the page."""
    there = anchors(DOCS.parent / documentation.TROUBLESHOOTING)
    calls = list(named())
    assert len(calls) > 10
    unwritten = [module for module, call in calls if not isinstance(call.args[0], ast.Constant)]
    missing = [(module, ast.literal_eval(call.args[0])) for module, call in calls if module not in unwritten]
    assert unwritten == []
    assert [each for each in missing if each[1] not in there] == []


@needs_pinned_botocore
def test_the_page_of_messages_is_that_of_the_code():
    """Each message by what it is about: python -m tests.oracles.messages."""
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page()
    assert "No triggerer is running" in messages.page()


def test_every_module_with_messages_is_on_a_page():
    """A module that raises an error of the package, or warns in a log, is among those of the messages or of the rules."""
    listed = {path for _, paths in messages.ROOMS.values() for path in paths}
    listed |= {path for path, _ in rules.ROOMS.values()}
    modules = {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")}
    readable = {path for path in modules if path.partition("/")[0] not in ROOMS_WITHOUT_READERS}
    missing = readable - MODULES_WITHOUT_READERS - listed
    assert sorted(path for path in missing if list(messages.messages_of(path))) == []
