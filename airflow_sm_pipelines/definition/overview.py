"""The steps of a pipeline as a page shows them: what each waits for, compares, and runs for each item."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_sm_pipelines.definition.comparisons import operand_name, show_condition
from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import references_among
from airflow_sm_pipelines.definition.graph import GraphNode, PipelineGraph, dependencies_of
from airflow_sm_pipelines.definition.parameters import MISSING
from airflow_sm_pipelines.definition.steps import Step, walk_body
from airflow_sm_pipelines.exceptions import EvaluationError

_INSIDE_OF_A_VALUE: Final = re.compile(r"\.Std:.*")
"""What joins a value to others in one text, or looks into a file, is not a place that an author has written."""


def steps_overview(definition: PipelineDefinition, items: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return what there is to show of each step before it runs, as JSON, in document order.

    ==============  ===============================================================================================
    ``name``,       as in the document
    ``type``
    ``depends_on``  the names of the steps it waits for, without the condition whose branch it lies in
    ``branch``      ``condition`` and ``side`` (``if`` or ``else``) of the innermost branch around it; or ``None``
    ``in_each``     the ForEach step whose body it belongs to; or ``None``
    ``items``       how many items a ForEach step runs over; ``None`` for other steps, and where that is not known
    ``conditions``  what a Condition step compares, as :meth:`.comparisons.ShownComparison.to_dict` has it, with the
                    values of literals only
    ==============  ===============================================================================================

    :param definition: the document; valid.
    :param items: how many items each ForEach step runs over, where that is known.
    """
    graph = PipelineGraph.of(definition)
    return [shown for node in graph.nodes.values() for shown in _shown(node, graph, items)]


def parameters_overview(definition: PipelineDefinition, sent: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what there is to show of each pipeline parameter, as JSON, in document order.

    ===========  ==================================================================================================
    ``name``     as in the document
    ``value``    with which the execution was started; ``None`` where the default holds
    ``default``  of the document; ``None`` where there is none
    ``place``    where it stands first, such as ``step 'train' ResourceConfig.InstanceCount``, and in how many more
                 places; ``None`` for one that nothing reads
    ===========  ==================================================================================================

    :param definition: the document; valid.
    :param sent: the values with which the execution was started.
    """
    places: dict[str, list[str]] = {}
    for located in definition.walk():
        for inner in (located, *walk_body(located)):
            for found in references_among(inner.step.expressions):
                if found.reference.root == "Parameters":
                    place = _INSIDE_OF_A_VALUE.sub("", found.path.removeprefix(".Arguments").removeprefix("."))
                    places.setdefault(str(found.reference.keys[0]), []).append(f"step '{inner.step.name}' {place}")
    return [
        {
            "name": parameter.name,
            "value": sent.get(parameter.name),
            "default": None if parameter.default_value is MISSING else parameter.default_value,
            "place": _told(places.get(parameter.name, [])),
        }
        for parameter in definition.parameters
    ]


def _told(places: list[str]) -> str | None:
    different = list(dict.fromkeys(places))
    if not different:
        return None
    return different[0] if len(different) == 1 else f"{different[0]}, and {len(different) - 1} more"


def _shown(node: GraphNode, graph: PipelineGraph, items: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    step, owner = node.step, node.owner
    branch = None if owner is None else {"condition": owner.condition, "side": "if" if owner.outcome else "else"}
    named = [each.step for each in node.dependencies if each.step in graph.nodes]
    yield {**_step(step, named), "branch": branch, "items": items.get(step.name), "conditions": _compared(step)}
    names = {child.name for child in step.body}
    for child in step.body:
        inside = [each.step for each in dependencies_of(child) if each.step in names]
        yield {**_step(child, inside), "branch": branch, "in_each": step.name}


def _step(step: Step, depends_on: list[str]) -> dict[str, Any]:
    return {
        "name": step.name,
        "type": step.type,
        "depends_on": depends_on,
        "branch": None,
        "in_each": None,
        "items": None,
        "conditions": [],
    }


def _compared(step: Step) -> list[dict[str, Any]]:
    if step.type != "Condition":
        return []
    return [told.to_dict() for each in step.arguments["Conditions"] for told in show_condition(each, _literal)]


def _literal(operand: Any) -> Any:
    if operand_name(operand) is not None:
        raise EvaluationError(f"{operand!r} has a value only in an execution.")
    return operand
