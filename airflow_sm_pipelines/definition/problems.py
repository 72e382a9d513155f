"""What a broken rule is reported as."""

from __future__ import annotations

from airflow_sm_pipelines.exceptions import Problem

__all__ = ["Problem", "error", "shown", "warning"]


def error(message: str, path: str = "") -> Problem:
    """Return a problem that SageMaker would refuse or misrun.

    :param message: the rule, the offender and what to do.
    :param path: the place; empty where whoever reports it knows the place.
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
