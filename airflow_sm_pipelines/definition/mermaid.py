"""A definition as a Mermaid flowchart, for READMEs and pull requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import PipelineGraph

_SHAPES = {"Condition": ("{", "}"), "Fail": ("[[", "]]")}


def to_mermaid(definition: PipelineDefinition) -> str:
    """Return the graph of a definition as Mermaid text, ending in a newline.

    Every step is a node with its name and type, every dependency an edge. Edges from a condition to the steps that
    wait for nothing else in their branch are labelled ``if`` and ``else``; an edge that waits for something else than
    success says what.

    :param definition: the definition.
    :raises PipelineDefinitionError: when two steps share a name or wait for one another in a cycle.
    """
    return "\n".join(["flowchart LR", *_lines(PipelineGraph.of(definition))]) + "\n"


def _lines(graph: PipelineGraph) -> Iterator[str]:
    numbers = {name: f"s{number}" for number, name in enumerate(graph.nodes)}
    for name, node in graph.nodes.items():
        opening, closing = _SHAPES.get(node.step.type, ("[", "]"))
        yield f'    {numbers[name]}{opening}"{_text(name)}<br/><small>{_text(node.step.type)}</small>"{closing}'
    for name, node in graph.nodes.items():
        known = [dependency for dependency in node.dependencies if dependency.step in numbers]
        inside = [each for each in known if graph.nodes[each.step].owner == node.owner]
        if node.owner is not None and not inside:
            label = "if" if node.owner.outcome else "else"
            yield f"    {numbers[node.owner.condition]} -- {label} --> {numbers[name]}"
        for dependency in known:
            trigger: Any = dependency.trigger  # as the document has it
            label = "" if trigger == "Completed" else f" -- {_text(trigger if isinstance(trigger, str) else '?')}"
            yield f"    {numbers[dependency.step]}{label} --> {numbers[name]}"


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
