"""What the endpoint tells whoever watches it: a line for each step that ends."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TextIO

from airflow_sm_pipelines.execution.arn import PipelineExecutionArn
from airflow_sm_pipelines.execution.pages import PAGES
from airflow_sm_pipelines.execution.snapshot import StepSnapshot
from airflow_sm_pipelines.execution.step_lines import step_line

logger = logging.getLogger(__name__)


def log_step(arn: PipelineExecutionArn, step: StepSnapshot) -> None:
    """Tell how a step has ended.

    Of a job's FailureReason only the first word is logged, and where to read the rest: the reason has what the script
    printed, which may be a secret.

    :param arn: its execution.
    :param step: the step.
    """
    if step.reason and step.job_arn is not None:
        kind, colon, _ = step.reason.partition(":")
        step = replace(step, failure_reason=f"{f'{kind}, ' if colon else ''}see {PAGES}{arn}")
    logger.info("%s %s %s", arn.pipeline_name, arn.execution_id, step_line(step))


def tell_on(stream: TextIO) -> None:
    """Write the lines to a stream, without the time and the like that a log has.

    :param stream: where to.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
