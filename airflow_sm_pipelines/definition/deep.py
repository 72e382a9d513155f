"""Recursion without Python's calls: what is nested in a document may be as deep as it likes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

Work = Generator[Any, Any, Any]
"""Yields the works whose values it needs, and returns its own value."""


def run(work: Work) -> Any:
    """Return the value of a work. What waits for an inner one waits on a stack here, not on the interpreter's.

    An error in an inner work ends the whole: it is not thrown into the works around it.

    :param work: the outermost.
    """
    stack = [work]
    value: Any = None
    while stack:
        try:
            stack.append(stack[-1].send(value))
            value = None
        except StopIteration as end:
            stack.pop()
            value = end.value
    return value
