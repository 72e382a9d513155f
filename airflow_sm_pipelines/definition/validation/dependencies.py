"""Rules for what a step waits for.

Source: a document that breaks them contradicts itself; the triggers are those of the SageMaker SDK 3.27.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airflow_sm_pipelines.definition.graph import GraphNode, cycle_problem, find_cycle, waits_for
from airflow_sm_pipelines.definition.problems import Problem, did_you_mean, error, shown, unknown_keys, warning
from airflow_sm_pipelines.definition.steps import DEPENDENCY_TRIGGERS, StepDependency, walk_body
from airflow_sm_pipelines.definition.validation.scope import Place, Scope, waited_for


def dependency_problems(place: Place, scope: Scope) -> Iterator[Problem]:
    """Yield what is wrong with a step's ``DependsOn``.

    :param place: the step.
    :param scope: all names.
    """
    step = place.step
    if not step.depends_on:
        return
    visible = scope.visible(place)
    triggers: dict[str, str] = {}
    for index, dependency in enumerate(step.depends_on):
        path = f"{place.path}.DependsOn[{index}]"
        start = f"step '{step.name}' depends on '{dependency.step}'"
        yield from _entry_problems(dependency, start, path)
        if dependency.step not in triggers:
            triggers[dependency.step] = dependency.trigger
        elif triggers[dependency.step] == dependency.trigger:
            yield warning(f"{start} twice; remove one", path)
        else:
            both = f"{shown(triggers[dependency.step])} and {shown(dependency.trigger)}"
            yield error(f"{start} with the triggers {both}; keep one of them", path)
        if dependency.step not in visible:
            yield error(f"{start}: {missing_step(dependency.step, scope, visible)}", path)
        elif dependency.step == step.name:
            yield error(f"step '{step.name}' depends on itself", path)
        elif dependency.step in scope.nodes and (problem := scope.border_problem(place, dependency.step)):
            yield error(f"{start}: {problem}", path)


def _entry_problems(dependency: StepDependency, start: str, path: str) -> Iterator[Problem]:
    if dependency.trigger not in DEPENDENCY_TRIGGERS:
        trigger: Any = dependency.trigger  # as the document has it
        hint = did_you_mean(trigger, DEPENDENCY_TRIGGERS)
        yield error(
            f"{start} with the trigger {shown(dependency.trigger)}; triggers are "
            f"{', '.join(DEPENDENCY_TRIGGERS)}{hint}",
            f"{path}.Trigger",
        )
    if isinstance(dependency.written, Mapping):
        yield from unknown_keys(dependency.written, ("Step", "Trigger"), f"{start} with the key", path)


def missing_step(name: str, scope: Scope, visible: Mapping[str, object]) -> str:
    """Return why a step that is named cannot be seen from where it is named.

    :param name: the step named.
    :param scope: all names.
    :param visible: the steps it may name.
    """
    if name in scope.bodies:
        owner, _ = scope.bodies[name]
        return (
            f"it runs once per item of ForEach step '{owner}'; outside of it, depend on '{owner}', and read "
            f"Steps.{owner}.IterationOutputs[<index>].{name} or Steps.{owner}.Selected"
        )
    return f"there is no step '{name}'{did_you_mean(name, visible)}"


def cycle_problems(scope: Scope) -> Iterator[Problem]:
    """Yield every cycle of steps that wait for one another, no step being in two of those named.

    :param scope: all names.
    """
    yield from _cycles(scope.nodes)
    for place in scope.places:
        if place.step.type == "ForEach":
            body = walk_body(place.located)
            yield from _cycles(
                {each.step.name: GraphNode(each.step, waited_for(each.step), None, each.path) for each in body}
            )


def _cycles(nodes: Mapping[str, GraphNode]) -> Iterator[Problem]:
    edges = dict(waits_for(nodes))
    while cycle := find_cycle(edges):
        yield cycle_problem(cycle, nodes)
        for name in cycle:
            del edges[name]
