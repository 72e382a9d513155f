"""Cycles that only the pipeline has: a step after a condition waits for the whole branch taken."""

from __future__ import annotations

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import GraphNode, ancestors, dependencies_of, find_cycle, waits_for
from airflow_sm_pipelines.exceptions import TranslationError


def refuse_cycles_through_branches(definition: PipelineDefinition) -> None:
    """Raise when a step in a branch waits for a step after that branch's condition.

    The tasks wait for one another in no cycle, but the steps would.

    :param definition: compiled from tasks without a cycle.
    :raises TranslationError: naming both steps, the condition and what to do.
    """
    nodes = {
        located.step.name: GraphNode(located.step, tuple(dependencies_of(located.step)), located.owner, located.path)
        for located in definition.walk()
    }
    cycle = find_cycle(waits_for(nodes))
    for name, waited in zip(cycle, (*cycle[1:], *cycle[:1]), strict=True):
        around = {owner.condition for owner in ancestors(waited, nodes)} | {waited}
        for owner in ancestors(name, nodes):
            if owner.condition not in around:
                raise TranslationError(
                    f"step '{name}' lies in the {'if' if owner.outcome else 'else'}-branch of '{owner.condition}' and "
                    f"follows '{waited}', which comes after '{owner.condition}'. In SageMaker a step after a condition "
                    f"waits for all steps of the branch taken, so the two would wait for one another. Let '{name}' not "
                    f"follow '{waited}', or put '{waited}' into the branch, too."
                )
