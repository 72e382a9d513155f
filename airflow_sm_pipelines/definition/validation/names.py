"""Names that SageMaker allows, and how other names are changed into such names.

Source: botocore's patterns, and S3's rules for the names of buckets.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, warning
from airflow_sm_pipelines.definition.steps import MAXIMUM_STEP_NAME_LENGTH

_STEP_NAME: Final = re.compile(r"[A-Za-z0-9\-_]+")
_PIPELINE_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")
_BUCKET: Final = re.compile(r"(?!\d+(\.\d+){3}$)[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_OLD_BUCKET: Final = re.compile(r"[A-Za-z0-9._\-]{3,255}")
_INSTANCE_TYPE: Final = re.compile(
    r"ml\.[a-z][a-z0-9\-]*\.(micro|small|medium|large|\d*xlarge|metal[a-z0-9\-]*|interactive)"
)
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


def bucket_problem(uri: str, *, may_be_old: bool) -> str | None:
    """Say what is wrong with the bucket of an S3 URI; ``None`` when nothing is, and for an access point's ARN.

    Source: S3's "General purpose bucket naming rules". Until March 2018 us-east-1 took more.

    :param uri: ``s3://bucket/...``.
    :param may_be_old: whether it may be a bucket of those days.
    """
    bucket = uri.removeprefix("s3://").partition("/")[0]
    if not bucket or bucket.startswith("arn:") or (_BUCKET.fullmatch(bucket) and ".." not in bucket):
        return None
    was_possible = _OLD_BUCKET.fullmatch(bucket) is not None
    if was_possible and may_be_old:
        return None
    old = ". Only buckets of us-east-1 from before March 2018 may have others" if was_possible else ""
    return (
        f"{shown(uri)} has the bucket '{bucket}', and a bucket's name has 3 to 63 lowercase letters, digits, hyphens "
        f"and dots, a letter or digit at each end{old}"
    )


def instance_type_problem(name: str, known: Collection[str]) -> Problem | None:
    """Say what is wrong with an instance type; ``None`` when it is known.

    One that the installed botocore does not know may be new: they come every few weeks. Their sizes stay the same.

    :param name: such as ``ml.m5.large``.
    :param known: those that botocore knows at this place.
    """
    if name in known:
        return None
    if _INSTANCE_TYPE.fullmatch(name):
        return warning(f"the installed botocore does not know the instance type '{name}'{did_you_mean(name, known)}")
    hint = did_you_mean(name if name.startswith("ml.") else f"ml.{name}", known)
    return error(f"there is no instance type '{name}'{hint or ': it is ml.<family>.<size>, such as ml.m5.large'}")


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
