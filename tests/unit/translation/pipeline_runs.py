"""An execution in small: which steps of a document are run, by the local endpoint's own engine."""

from __future__ import annotations

from collections.abc import Container, Mapping

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph
from airflow_sm_pipelines.execution.status import ExecutionStatus, StepStatus
from airflow_sm_pipelines.local.engine import Schedule


def run(
    definition: PipelineDefinition, outcomes: Mapping[str, bool], failing: Container[str]
) -> tuple[dict[str, str], ExecutionStatus]:
    """Return how each step ended that was started, and how the execution did.

    :param definition: the document.
    :param outcomes: of its Condition steps.
    :param failing: the steps that fail.
    """
    schedule = Schedule(PipelineGraph.of(definition))
    ended: dict[str, str] = {}
    while started := schedule.start_ready():
        for name in started:
            ended[name] = "failed" if name in failing else "success"
            schedule.finish(
                name, StepStatus.FAILED if name in failing else StepStatus.SUCCEEDED, outcome=outcomes.get(name)
            )
    return ended, schedule.status
