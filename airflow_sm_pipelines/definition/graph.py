"""Which step waits for which: explicit dependencies, references and branches as one graph.

Source: a document with a cycle contradicts itself.
"""

from __future__ import annotations

import graphlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.expressions import find_expressions, references_among
from airflow_sm_pipelines.definition.problems import error
from airflow_sm_pipelines.definition.steps import BranchOwner, Step, StepDependency
from airflow_sm_pipelines.exceptions import PipelineDefinitionError, Problem


@dataclass(frozen=True)
class GraphNode:
    """A step and what it waits for.

    :param step: the step.
    :param dependencies: explicit ones first, then those that references make; at most one for each step.
        A dependency on a Condition step waits for the condition and for every step of the branch taken.
    :param owner: the branch the step belongs to; it is not among the dependencies.
    :param path: where the step is in the document.
    """

    step: Step
    dependencies: tuple[StepDependency, ...]
    owner: BranchOwner | None
    path: str


@dataclass(frozen=True)
class PipelineGraph:
    """The graph of a definition.

    :param nodes: every step by name, in document order.
    :param order: a topological order of the names; the same document always gives the same one.
    """

    nodes: Mapping[str, GraphNode]
    order: tuple[str, ...]

    @classmethod
    def of(cls, definition: PipelineDefinition) -> PipelineGraph:
        """Build the graph of a definition.

        Dependencies on steps that do not exist are left out; validation reports them.

        :param definition: the definition.
        :raises PipelineDefinitionError: when two steps share a name or steps wait for one another in a cycle.
        """
        nodes: dict[str, GraphNode] = {}
        for located in definition.walk():
            name = located.step.name
            if name in nodes:
                message = f"two steps are named '{name}', the first @ {nodes[name].path}"
                raise PipelineDefinitionError([error(message, f"{located.path}.Name")])
            waited = tuple(dependencies_of(located.step, located.path))
            nodes[name] = GraphNode(located.step, waited, located.owner, located.path)
        try:
            return cls(nodes, _order(nodes))
        except graphlib.CycleError:
            raise PipelineDefinitionError([cycle_problem(find_cycle(waits_for(nodes)), nodes)]) from None


def dependencies_of(step: Step, path: str = "$") -> Iterator[StepDependency]:
    """Yield what a step waits for: ``DependsOn`` first, then the steps it refers to.

    A Condition step waits for what its conditions look at, not for what its branches do. A ForEach step waits for
    what the steps of its body wait for, other than one another.

    :param step: the step.
    :param path: where it stands.
    :raises PipelineDefinitionError: when a reference cannot be read; names its place.
    """
    body = step.body
    seen = {step.name, *(child.name for child in body)}
    for dependency in (*(step.depends_on or ()), *(each for child in body for each in child.depends_on or ())):
        if dependency.step not in seen:
            seen.add(dependency.step)
            yield dependency
    # The body's expressions count too, but for those that read one another.
    whole = find_expressions({"Arguments": step.arguments, **step.extra}, "") if body else step.expressions
    for located in references_among(whole, path):
        name = located.reference.step_name
        if name is not None and name not in seen:
            seen.add(name)
            yield StepDependency(name)


def ancestors(name: str, nodes: Mapping[str, GraphNode]) -> Iterator[BranchOwner]:
    """Yield the branches a step lies in, innermost first.

    :param name: the step.
    :param nodes: all steps.
    """
    owner = nodes[name].owner
    while owner is not None:
        yield owner
        owner = nodes[owner.condition].owner


def waits_for(nodes: Mapping[str, GraphNode]) -> dict[str, tuple[str, ...]]:
    """Return, for each step, the names of all steps that must have ended before it starts.

    The owning condition counts, and so does, for a dependency on a Condition step, every step of its branches.

    :param nodes: all steps.
    """
    inside = _steps_inside_awaited(nodes)
    result: dict[str, tuple[str, ...]] = {}
    for name, node in nodes.items():
        waited = [node.owner.condition] if node.owner is not None else []
        for dependency in node.dependencies:
            if dependency.step not in nodes:
                continue
            waited.append(dependency.step)
            if dependency.step in inside and all(
                owner.condition != dependency.step for owner in ancestors(name, nodes)
            ):
                waited.extend(each for each in inside[dependency.step] if each != name)
        result[name] = tuple(dict.fromkeys(waited))
    return result


def _steps_inside_awaited(nodes: Mapping[str, GraphNode]) -> dict[str, list[str]]:
    """Return the steps of the branches of each Condition step that some step depends on, at any depth.

    Those of all Condition steps would be as many as the depth of each step.
    """
    inside: dict[str, list[str]] = {
        dependency.step: []
        for node in nodes.values()
        for dependency in node.dependencies
        if dependency.step in nodes and nodes[dependency.step].step.type == "Condition"
    }
    around: dict[str, str | None] = {}
    for name, node in nodes.items():  # a Condition step comes before those of its branches
        outer = node.owner.condition if node.owner is not None else None
        around[name] = outer if outer is None or outer in inside else around[outer]
        condition = around[name]
        while condition is not None:
            inside[condition].append(name)
            condition = around[condition]
    return inside


def find_cycle(edges: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Return one cycle, each name waiting for the next and the last for the first; empty when there is none.

    :param edges: for each name, the names it waits for.
    """
    try:
        graphlib.TopologicalSorter(edges).prepare()
    except graphlib.CycleError as error:
        # Each is waited for by the next, and the last is the first again.
        cycle = error.args[1][:0:-1]
        first = cycle.index(min(cycle, key=list(edges).index))
        return (*cycle[first:], *cycle[:first])
    return ()


def cycle_problem(cycle: tuple[str, ...], nodes: Mapping[str, GraphNode]) -> Problem:
    """Return the problem that a cycle is.

    :param cycle: as :func:`find_cycle` returns it.
    :param nodes: all steps.
    """
    chain = " -> ".join(f"'{name}'" for name in (*cycle, cycle[0]))
    return error(
        f"the steps wait for one another in a cycle: {chain} (each waits for the next); remove one of these "
        "dependencies",
        nodes[cycle[0]].path,
    )


def _order(nodes: Mapping[str, GraphNode]) -> tuple[str, ...]:
    """Return a topological order: of those that may come next, the first in the document comes first.

    :raises graphlib.CycleError: when there is none.
    """
    names = list(nodes)
    position = {name: index for index, name in enumerate(names)}
    sorter = graphlib.TopologicalSorter(waits_for(nodes))
    sorter.prepare()
    ready: list[int] = []
    order: list[str] = []
    while sorter.is_active():
        for name in sorter.get_ready():
            heapq.heappush(ready, position[name])
        name = names[heapq.heappop(ready)]
        order.append(name)
        sorter.done(name)
    return tuple(order)
