"""The page docs/local/coverage.md, made from the code: ``python -m tests.oracles.coverage``."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
from botocore import xform_name
from moto.sagemaker.responses import SageMakerResponse

from airflow_sm_pipelines.definition.step_types import STEP_TYPES
from airflow_sm_pipelines.local.runners.registry import JOBS, RUNNERS, STAND_INS
from airflow_sm_pipelines.local.server.application import OPERATIONS
from airflow_sm_pipelines.local.server.rest_of_aws import ENTRIES, is_entry

PAGE = Path(__file__).parents[2] / "docs" / "local" / "coverage.md"
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker").operation_names
PIPELINES = "Pipelines and executions"
OTHERS = "Tags and search"

HEAD = """# What the local endpoint covers

Made from the code by `python -m tests.oracles.coverage`; a test says when it has to be made again. What each step does, and what
of a job is not run, is in the [reference](endpoint.md).

## Step types

*Runs* means that the work is done: processes, decisions, messages, deletions. *An entry* is kept and shown, and no work stands
behind it: an endpoint answers nothing. *`--stub` only* is refused when an execution starts, unless the endpoint leaves such
steps out."""

OPERATIONS_HEAD = """
## SageMaker's operations

*Served here* is the project's own. *Kept by moto* are entries, without any work; requests are held against the service model
first. What is refused is an `UnknownOperationException` with status 400."""


def step_types():
    """Yield the table of step types, a line each."""
    yield "| step type | at the local endpoint |"
    yield "|---|---|"
    for row in STEP_TYPES.values():
        if row.name not in RUNNERS:
            how = "`--stub` only"
        elif row.resource is not None and row.resource not in {job.resource for job in JOBS}:
            how = "an entry"
        else:
            how = "runs"
        yield f"| `{row.name}` | {how} |"
    decide = [f"`{name}`" for name in STEP_TYPES if name not in STAND_INS]
    yield ""
    yield f"`--stub` can leave out every type but {', '.join(decide)}, which decide how an execution continues."


def is_ours(operation):
    """Whether an operation is the project's own."""
    return operation in OPERATIONS


def is_kept(operation):
    """Whether moto serves an operation, and may."""
    return not is_ours(operation) and is_entry(operation) and hasattr(SageMakerResponse, xform_name(operation))


def group_of(operation):
    """What an operation is about, of what something is served."""
    if "Pipeline" in operation:
        return PIPELINES
    ours = {found[1].removesuffix("s") for each in OPERATIONS if (found := re.fullmatch(r"Describe(\w+)", each))}
    about = [*ENTRIES, *ours]
    ending = "(s|Versions|WeightsAndCapacities|RuntimeConfig)?"
    found = [name for name in about if re.fullmatch(rf"[A-Z][a-z]+{name}{ending}", operation)]
    return max(found, key=len) if found else OTHERS if is_entry(operation) else None


def operations():
    """Yield the table of operations, a line each, and what is left."""
    groups = {}
    for operation in SAGEMAKER:
        groups.setdefault(group_of(operation), []).append(operation)
    rest = groups.pop(None)
    yield "| about | served here | kept by moto | refused |"
    yield "|---|---|---|---|"
    for name in (PIPELINES, *sorted(set(groups) - {PIPELINES, OTHERS}), OTHERS):
        ours, kept = ([each for each in groups[name] if test(each)] for test in (is_ours, is_kept))
        refused = [each for each in groups[name] if each not in (*ours, *kept)]
        cells = [", ".join(f"`{each}`" for each in cell) for cell in (ours, kept, refused)]
        yield f"| {' | '.join([name, *cells])} |".replace("|  |", "| |").replace("|  |", "| |")
    yield ""
    yield (
        f"`AddTags`, `ListTags` and `DeleteTags` of pipelines, executions and jobs are served here, too. The other {len(rest)} "
        "operations are refused."
    )


def page():
    """Return the page."""
    return "\n".join([HEAD, "", *step_types(), OPERATIONS_HEAD, "", *operations(), ""])


if __name__ == "__main__":
    PAGE.write_text(page())
