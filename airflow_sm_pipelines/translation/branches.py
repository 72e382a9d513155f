"""Which branch of which Condition step a task belongs to, as its trigger rule and upstream tasks say.

A *route* is the chain of branches a task lies in, outermost first. The rules follow Airflow's own: what an
Airflow task would do for every outcome of the conditions, its step must do too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from airflow_sm_pipelines.definition.document import PipelineDefinition
from airflow_sm_pipelines.definition.graph import GraphNode, ancestors, dependencies_of, find_cycle, waits_for
from airflow_sm_pipelines.definition.steps import BranchOwner
from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.nodes import TaskNode

Route = tuple[BranchOwner, ...]

JOINING_RULES = ("none_failed", "none_failed_min_one_success")
FAILURE_RULES = ("one_failed", "all_failed")
WAITING_FOR_FAILURES = (*FAILURE_RULES, "all_done")
SUPPORTED_RULES = ("all_success", *JOINING_RULES, *WAITING_FOR_FAILURES)


def routes_of(tasks: Mapping[str, TaskNode], order: Iterable[str]) -> dict[str, Route]:
    """Return the route of every task.

    :param tasks: all tasks of the group, by task id.
    :param order: their ids, upstream before downstream.
    :raises TranslationError: when a task would run for a set of outcomes that no place in a pipeline has.
    """
    entered = _entered_branches(tasks)
    routes: dict[str, Route] = {}
    for task_id in order:
        task = tasks[task_id]
        incoming: dict[str, Route] = {}
        for upstream in task.upstream_task_ids:
            branch = entered.get((upstream, task_id))
            incoming[upstream] = routes[upstream] + ((branch,) if branch is not None else ())
        for outside in task.outside_task_ids:
            incoming[outside] = ()  # it has succeeded, or the launch task would not have started the pipeline
        routes[task_id] = _route(task, incoming)
    return routes


def _entered_branches(tasks: Mapping[str, TaskNode]) -> dict[tuple[str, str], BranchOwner]:
    """Return, for each edge from a condition to the first task of a branch, that branch."""
    entered: dict[tuple[str, str], BranchOwner] = {}
    for task_id, task in tasks.items():
        for outcome, targets in ((True, task.step.if_task_ids), (False, task.step.else_task_ids)):
            for target in targets:
                if target not in tasks:
                    raise TranslationError(
                        f"Condition task '{task_id}' leads to '{target}', which is not a step of its task group. "
                        "if_steps and else_steps take only steps of the same group."
                    )
                rule = tasks[target].trigger_rule
                if rule != "all_success":
                    raise TranslationError(
                        f"Task '{target}' is the first of a branch of '{task_id}' and has trigger_rule='{rule}'. "
                        "Airflow would then run it in cases where SageMaker does not. Use trigger_rule='all_success'."
                    )
                if (task_id, target) in entered:
                    raise TranslationError(
                        f"Condition task '{task_id}' has '{target}' in if_steps and in else_steps (or twice in one). A "
                        "step belongs to one branch; a step after both follows their ends with "
                        "trigger_rule='none_failed_min_one_success'."
                    )
                entered[task_id, target] = BranchOwner(task.step.name, outcome)
    return entered


def _route(task: TaskNode, incoming: Mapping[str, Route]) -> Route:
    if not incoming:
        return ()
    routes = list(dict.fromkeys(incoming.values()))
    if task.trigger_rule == "none_failed":
        return ()
    if task.trigger_rule == "none_failed_min_one_success":
        union = _union(routes)
        if len(union) == 1:
            return union[0]
        raise TranslationError(
            f"Task '{task.step.task_id}' joins branches with trigger_rule='none_failed_min_one_success' and would run "
            f"when one of these was taken: {_describe(union)}. SageMaker cannot run a step in some branches of two "
            "conditions. Join the branches of the inner condition first, with another step."
        )
    if task.trigger_rule == "all_done" and any(routes):
        raise TranslationError(
            f"Task '{task.step.task_id}' has trigger_rule='all_done' and follows a task in "
            f"{_describe(route for route in routes if route)}. Airflow would run it when that branch is not taken, "
            "too; SageMaker cannot. Use trigger_rule='none_failed', or follow a task outside the branch."
        )
    deepest = max(routes, key=len)
    for route in routes:
        if deepest[: len(route)] != route:
            raise _different_branches(task, deepest, route)
    return deepest


def _different_branches(task: TaskNode, one: Route, other: Route) -> TranslationError:
    """Return the error for a task that runs only when two branches are taken."""
    begin = (
        f"Task '{task.step.task_id}' has trigger_rule='{task.trigger_rule}' and follows tasks of different branches: "
        f"{_describe((one, other))}. "
    )
    if any(BranchOwner(owner.condition, not owner.outcome) in other for owner in one):
        return TranslationError(
            f"{begin}Only one of them runs, so this task would never run. To join branches, set "
            "trigger_rule='none_failed_min_one_success'."
        )
    return TranslationError(
        f"{begin}SageMaker cannot run a step only when branches of two conditions are taken. Put one "
        "condition into the branch of the other, or all conditions into one."
    )


def _union(routes: list[Route]) -> list[Route]:
    """Return the fewest routes that together mean the same as the given ones."""
    remaining = dict.fromkeys(routes)  # a set that keeps its order
    changed = True
    while changed:
        changed = False
        for route in sorted(remaining, key=len, reverse=True):
            if any(route[:length] in remaining for length in range(len(route))):
                del remaining[route]
                changed = True
                break
            if route:
                last = route[-1]
                sibling = (*route[:-1], BranchOwner(last.condition, not last.outcome))
                if sibling in remaining:
                    del remaining[route], remaining[sibling]
                    remaining[route[:-1]] = None
                    changed = True
                    break
    return sorted(remaining, key=len)


def _describe(routes: Iterable[Route]) -> str:
    def branch(owner: BranchOwner) -> str:
        return f"the {'if' if owner.outcome else 'else'}-branch of '{owner.condition}'"

    return "; ".join(" in ".join(branch(owner) for owner in reversed(route)) or "no branch" for route in routes)


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
                    f"step '{name}' is in the {'if' if owner.outcome else 'else'}-branch of '{owner.condition}' and "
                    f"follows '{waited}', which comes after '{owner.condition}'. In SageMaker a step after a condition "
                    "waits for all steps of the branch taken, so the two would wait for one another. Remove the edge "
                    f"from '{waited}' to '{name}', or put '{waited}' into the branch, too."
                )
