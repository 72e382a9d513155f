"""Names that SageMaker takes, out of names that it does not."""

from __future__ import annotations

import re

_OTHER = re.compile(r"[^A-Za-z0-9]+")


def hyphenated(text: str) -> str:
    """Return a text with a hyphen for whatever is no letter and no digit, and none at either end.

    Pipelines, executions' display names and pipeline parameters all take that. Different texts may become equal.

    :param text: such as a task group's id, or a Dag run's.
    """
    return _OTHER.sub("-", text).strip("-")
