"""The link that ends a message whose fix needs more than a sentence."""

from __future__ import annotations

from typing import Final

TROUBLESHOOTING: Final = "docs/troubleshooting.md"
"""The page, by its path in the repository: no address is fixed under which the documentation is published."""


def see(anchor: str) -> str:
    """Return the last sentence of a message, such as ``See docs/troubleshooting.md#stays-deferred``.

    A test says that every anchor which a message names is on the page.

    :param anchor: a heading of the page, as its link has it: lower case, with hyphens. Written out where it is used.
    """
    return f"See {TROUBLESHOOTING}#{anchor}"
