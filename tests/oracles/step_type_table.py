"""The table of step types in docs/reference/index.md, made from the catalogue: ``python -m tests.oracles.step_type_table``."""

from __future__ import annotations

import re
from pathlib import Path

import airflow_sm_pipelines
from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.local.runners.registry import RUNNERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "index.md"
BEGIN, END = "<!-- step types: made from the catalogue -->", "<!-- end of step types -->"


def table():
    """Return the table, a line each."""
    yield "| step type | operator | what it makes | cache | retry policies | local endpoint |"
    yield "|---|---|---|---|---|---|"
    for row in STEP_TYPES.values():
        own = f"SageMaker{row.name}StepOperator"
        cells = (
            f"`{row.name}`",
            f"`{own}`" if own in airflow_sm_pipelines.__all__ else "`SageMakerStepOperator`",
            "" if row.resource is None else row.resource.type,
            "yes" if "CacheConfig" in row.keys else "",
            ("" if "RetryPolicies" not in row.keys else "yes" if row.retries_jobs else "`Step.` exceptions only"),
            "runs it" if row.name in RUNNERS else "",
        )
        yield f"| {' | '.join(cells)} |".replace("|  |", "| |").replace("|  |", "| |")


def with_table(page):
    """Return the page with the table of now."""
    inside = "\n".join([BEGIN, *table(), END])
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: inside, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
