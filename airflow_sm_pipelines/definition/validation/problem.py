"""What a broken rule is reported as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A rule broken.

    :param severity: ``error`` when SageMaker would refuse or misrun it, else ``warning``.
    :param message: the rule, the offender and what to do.
    :param path: the place, such as ``$.Steps[2].Arguments``.
    """

    severity: str
    message: str
    path: str

    def __str__(self) -> str:
        return f"{self.message} @ {self.path}"


def error(message: str, path: str) -> Problem:
    """Return a problem that SageMaker would refuse or misrun.

    :param message: the rule, the offender and what to do.
    :param path: the place.
    """
    return Problem("error", message, path)


def warning(message: str, path: str) -> Problem:
    """Return a problem that may be none: a quota of old pages, or what this version does not know.

    :param message: the rule, the offender and what to do.
    :param path: the place.
    """
    return Problem("warning", message, path)


def shown(value: object) -> str:
    """Return a value as a message shows it: cut when it is long, by its kind when it is deep.

    :param value: any part of a document.
    """
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:120]}..."
