"""Names that SageMaker takes, also out of names that it does not."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from airflow_sm_pipelines.definition.problems import did_you_mean
from airflow_sm_pipelines.definition.steps import MAXIMUM_STEP_NAME_LENGTH

_STEP_NAME: Final = re.compile(r"[A-Za-z0-9\-_]+")
_PIPELINE_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")
_NO_LETTER_OR_DIGIT: Final = re.compile(r"[^A-Za-z0-9]+")


def hyphenated(text: str) -> str:
    """Return a text in which hyphens replace all but letters and digits, with none at either end.

    Pipelines, executions' display names and pipeline parameters all take that. Different texts may become equal.

    :param text: such as a task group's id, or a Dag run's.
    """
    return _NO_LETTER_OR_DIGIT.sub("-", text).strip("-")


def pipeline_name_problem(name: str) -> str | None:
    """Return what is wrong with a pipeline's name, or ``None``.

    :param name: ``PipelineName`` of CreatePipeline.
    """
    if len(name) <= 256 and _PIPELINE_NAME.fullmatch(name):
        return None
    return (
        f"SageMaker refuses the pipeline name {name!r}: 1 to 256 letters, digits and hyphens, "
        "beginning and ending with a letter or digit"
    )


def selected_step_problem(name: str, steps: Collection[str]) -> str | None:
    """Say why a step cannot be selected for an execution; ``None`` when it can.

    :param name: the step.
    :param steps: the names of the definition's steps.
    """
    if name in steps:
        return None
    there = ", ".join(map(repr, steps))
    return (
        f"selected_steps names '{name}', and the pipeline has no such step{did_you_mean(name, steps) or '.'} "
        f"It has {there}"
    )


def step_name_problem(name: str) -> str | None:
    """Return what is wrong with a step's name, or ``None``.

    :param name: ``Name`` of a step.
    """
    if len(name) <= MAXIMUM_STEP_NAME_LENGTH and _STEP_NAME.fullmatch(name):
        return None
    return (
        f"SageMaker refuses the step name {name!r}: 1 to {MAXIMUM_STEP_NAME_LENGTH} letters, digits, "
        "hyphens and underscores"
    )
