"""From the steps of a given document to tasks that follow them.

Airflow's trigger rules say less than the document's dependencies. The rules chosen here start a task whenever its step
may run. In a document that waits for no failure they start it only then. In others a task may be started whose step
never runs; it ends skipped, since it ends as its step does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import GraphNode, PipelineGraph, ancestors, dependencies_of
from airflow_sm_pipelines.definition.steps import BranchOwner, Step, StepDependency


@dataclass(frozen=True)
class BodyStep:
    """A step in the body of a ForEach step.

    :param step: the step.
    :param upstream: the other steps of the body that it waits for, for the same item.
    """

    step: Step
    upstream: tuple[str, ...]


@dataclass(frozen=True)
class ExistingStep:
    """A step of a given document, and how Airflow's graph leads to its task.

    :param step: the step.
    :param upstream: the steps whose tasks it follows directly, conditions around it apart.
    :param trigger_rule: Airflow's name of the trigger rule.
    :param skipped_by: the branches whose condition tasks it follows directly, and which skip it with any other outcome.
    :param branches: the branches it lies in, outermost first.
    :param body: of a ForEach step, the steps that have a task instance for each item; empty where the step itself has a
        task.
    """

    step: Step
    upstream: tuple[str, ...]
    trigger_rule: str
    skipped_by: tuple[BranchOwner, ...]
    branches: tuple[BranchOwner, ...]
    body: tuple[BodyStep, ...] = ()


def existing_steps(definition: PipelineDefinition) -> tuple[ExistingStep, ...]:
    """Return every step of a document with the place of its task, in document order.

    The steps of a ForEach body are those of their ForEach step. Where one of them waits for a failure, the ForEach step
    is one task: Airflow's rules would not tell which of its runs there will be.

    :param definition: the document; valid.
    :raises PipelineDefinitionError: when steps wait for one another in a cycle.
    """
    graph = PipelineGraph.of(definition)
    tree = _Branches(graph.nodes)
    waits_for_failure = any(
        dependency.trigger != "Completed" for node in graph.nodes.values() for dependency in node.dependencies
    )
    return tuple(_existing_step(node, tree, waits_for_failure) for node in graph.nodes.values())


class _Branches:
    """What lies in the branches of each Condition step."""

    def __init__(self, nodes: Mapping[str, GraphNode]) -> None:
        self.around: dict[str, tuple[BranchOwner, ...]] = {}
        self.inside: dict[str, list[str]] = {}
        self._mapped = {name for name, node in nodes.items() if node.step.body and _body(node.step)}
        followed: set[tuple[str, str]] = set()
        for name, node in nodes.items():
            self.around[name] = tuple(ancestors(name, nodes))[::-1]
            for owner in self.around[name]:
                self.inside.setdefault(owner.condition, []).append(name)
            for dependency in node.dependencies:
                if dependency.trigger == "Completed" and node.owner is not None:
                    followed.add((dependency.step, node.owner.condition))
        self._ends: dict[str, list[str]] = {}
        for name, node in nodes.items():
            # An end of a branch also ends the branches around it, where it lies at the end of those.
            if node.owner is not None and (name, node.owner.condition) not in followed:
                self._ends.setdefault(node.owner.condition, []).append(name)

    def has_instances(self, name: str) -> bool:
        """Whether a step is a ForEach step whose runs have task instances.

        :param name: the step.
        """
        return name in self._mapped

    def with_ends(self, condition: str) -> tuple[str, ...]:
        """Return a step and, when it is a condition, the last steps of its branches.

        :param condition: the step.
        """
        found: dict[str, None] = {}
        stack = [condition]
        while stack:
            name = stack.pop()
            found[name] = None
            stack.extend(reversed(self._ends.get(name, ())))
        return tuple(found)

    def with_all(self, condition: str) -> tuple[str, ...]:
        """Return a step and, when it is a condition, all steps of its branches.

        :param condition: the step.
        """
        return (condition, *self.inside.get(condition, ()))


def _existing_step(node: GraphNode, tree: _Branches, waits_for_failure: bool) -> ExistingStep:
    name = node.step.name
    branches = tree.around[name]
    around = {owner.condition for owner in branches}
    dependencies = [dependency for dependency in node.dependencies if dependency.step not in around]
    upstream = _upstream(dependencies, tree)
    inner = all(tree.around[each][: len(branches)] == branches for each in upstream)
    rule = _trigger_rule(dependencies, tree, waits_for_failure, inner)
    if rule == "all_failed" and (_body(node.step) or any(map(tree.has_instances, upstream))):
        rule = "all_done"  # all instances need not fail, and what gives the items does not
    if rule == "all_success":
        from_inside = any(tree.around[each][: len(branches)] == branches for each in upstream)
        skipped_by = () if from_inside else branches[-1:]
    else:
        skipped_by = () if inner and rule != "all_done" else branches
    return ExistingStep(node.step, upstream, rule, skipped_by, branches, _body(node.step))


def _body(step: Step) -> tuple[BodyStep, ...]:
    waited = {child.name: tuple(dependencies_of(child)) for child in step.body}
    if any(each.trigger != "Completed" for dependencies in waited.values() for each in dependencies):
        return ()
    return tuple(
        BodyStep(child, tuple(each.step for each in waited[child.name] if each.step in waited)) for child in step.body
    )


def _upstream(dependencies: Iterable[StepDependency], tree: _Branches) -> tuple[str, ...]:
    upstream: dict[str, None] = {}
    for dependency in dependencies:
        reached = tree.with_ends if dependency.trigger == "Completed" else tree.with_all
        upstream.update(dict.fromkeys(reached(dependency.step)))
    return tuple(upstream)


def _trigger_rule(
    dependencies: list[StepDependency], tree: _Branches, waits_for_failure: bool, from_inside_only: bool
) -> str:
    triggers = {dependency.trigger for dependency in dependencies}
    behind_branches = any(dependency.step in tree.inside for dependency in dependencies)
    if triggers <= {"Completed"}:
        if not behind_branches:
            return "all_success"
        return "all_done" if waits_for_failure else "none_failed_min_one_success"
    if triggers <= {"Failed", "Stopped"}:
        if len(dependencies) == 1:
            return "one_failed"
        if from_inside_only and not behind_branches:
            return "all_failed"
    return "all_done"
