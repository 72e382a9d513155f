"""Steps that may not run because a step before them has failed.

A failure that no step waits for ends the execution. Airflow continues, and runs what waits for failures further down. A
failure that a step does wait for (``one_failed``, ``all_failed``, ``all_done``) does not end the execution, and then
Airflow and SageMaker may think differently about the steps behind it: Airflow tells *skipped* from *upstream_failed*,
SageMaker does not start either. What they would treat differently is refused here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from airflow_sm_pipelines.exceptions import TranslationError
from airflow_sm_pipelines.translation.branches import FAILURE_RULES, JOINING_RULES, WAITING_FOR_FAILURES, Route
from airflow_sm_pipelines.translation.nodes import TaskNode


@dataclass(frozen=True)
class _Absence:
    """Why a task may not run although its branch is taken.

    :param succeeded: tasks that make Airflow skip it when they succeed; the execution continues.
    :param failed: tasks that make Airflow set it to upstream_failed when they fail; the execution continues, since
        another task waits for that.
    :param ended: tasks whose failure ends the execution.
    """

    succeeded: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()


def refuse_unlike_failures(
    tasks: Mapping[str, TaskNode], order: Iterable[str], routes: Mapping[str, Route], names: Mapping[str, str]
) -> None:
    """Raise where Airflow and SageMaker would run different steps after a failure that a step waits for.

    :param tasks: all tasks of the group, by task id.
    :param order: their ids, upstream before downstream.
    :param routes: where each task lies.
    :param names: task ids by step name.
    :raises TranslationError: naming the tasks, the rule and what to do.
    """
    inside: dict[str, list[str]] = {}
    for task_id, route in routes.items():
        for owner in route:
            inside.setdefault(names[owner.condition], []).append(task_id)
    handled = _handled(tasks, inside)
    absences: dict[str, _Absence] = {}
    behind: list[tuple[TaskNode, str]] = []
    for task_id in order:
        task = tasks[task_id]
        for upstream in task.upstream_task_ids:
            _check(task, upstream, absences[upstream], inside)
        around = {names[owner.condition] for owner in routes[task_id]}
        waited = {_counterpart(upstream, routes, task_id, names): upstream for upstream in task.upstream_task_ids}
        within = {each for one in waited if one not in around for each in inside.get(one, ())}
        absences[task_id] = _absence(task, waited, within, absences, handled)
        if task.trigger_rule != "all_done":
            behind.extend((task, each) for each in waited if each in inside and each not in around)
    for task, condition in behind:
        _check_behind(task, condition, inside[condition], absences, handled)


def _handled(tasks: Mapping[str, TaskNode], inside: Mapping[str, list[str]]) -> frozenset[str]:
    """Return the tasks whose failure some task waits for."""
    found: set[str] = set()
    for task in tasks.values():
        if task.trigger_rule in WAITING_FOR_FAILURES:
            for upstream in task.upstream_task_ids:
                found.update((upstream, *inside.get(upstream, ())))
    return frozenset(found)


def _counterpart(upstream: str, routes: Mapping[str, Route], task_id: str, names: Mapping[str, str]) -> str:
    """Return what a task's step waits for: the upstream task, or the condition whose branch holds it."""
    theirs, own = routes[upstream], routes[task_id]
    for index, owner in enumerate(theirs):
        if index >= len(own) or own[index] != owner:
            return names[owner.condition]
    return upstream


def _absence(
    task: TaskNode,
    waited: Iterable[str],
    within: Iterable[str],
    absences: Mapping[str, _Absence],
    handled: frozenset[str],
) -> _Absence:
    """Return why a task may not run.

    :param waited: what its step waits for.
    :param within: the tasks in the branches of the conditions among those.
    """
    if task.trigger_rule == "all_done":
        return _Absence()
    if task.trigger_rule in FAILURE_RULES:
        upstream = task.upstream_task_ids[0]
        return _Absence(absences[upstream].succeeded | {upstream})
    failed = frozenset().union(*(absences[each].failed | ({each} & handled) for each in waited))
    ended = frozenset(within).union(*(absences[each].ended | {each} for each in waited)) - handled
    if task.trigger_rule in JOINING_RULES:
        return _Absence(failed=failed, ended=ended)
    return _Absence(frozenset().union(*(absences[each].succeeded for each in waited)), failed, ended)


def _check(task: TaskNode, upstream: str, absence: _Absence, inside: Mapping[str, list[str]]) -> None:
    task_id, rule = task.step.task_id, task.trigger_rule
    if rule in JOINING_RULES and absence.succeeded:
        raise TranslationError(
            f"Task '{task_id}' has trigger_rule='{rule}' and follows '{upstream}', which is skipped unless "
            f"{_listed(absence.succeeded)} fails. Airflow would run it then, too; SageMaker runs a step only when "
            "those before it have run. Let it follow other tasks, or use trigger_rule='all_success'."
        )
    if rule == "all_done" and (absence.succeeded or absence.failed):
        raise TranslationError(
            f"Task '{task_id}' has trigger_rule='all_done' and follows '{upstream}', which may never start (that "
            f"depends on how {_listed(absence.succeeded | absence.failed)} ends). Airflow would run it then, too; "
            "SageMaker waits for steps that start. Let it follow the earlier task."
        )
    if rule in FAILURE_RULES and inside.get(upstream):
        raise TranslationError(
            f"Task '{task_id}' has trigger_rule='{rule}' and follows the condition '{upstream}'. Airflow would run it "
            "when the condition itself fails; SageMaker also when a step of its branches does. Let it follow one step "
            "of a branch, inside that branch."
        )
    if rule in FAILURE_RULES and absence.failed:
        raise TranslationError(
            f"Task '{task_id}' has trigger_rule='{rule}' and follows '{upstream}', which never starts when "
            f"{_listed(absence.failed)} fails. Airflow would run it then, too; SageMaker only when '{upstream}' itself "
            f"fails. Let it follow {_listed(absence.failed)}."
        )
    if rule in WAITING_FOR_FAILURES and absence.ended:
        raise TranslationError(
            f"Task '{task_id}' has trigger_rule='{rule}' and follows '{upstream}', which never starts when "
            f"{_listed(absence.ended)} fails. Airflow would run '{task_id}' then, too; the pipeline has ended by then. "
            f"Put what '{task_id}' does into a task after the group, with this trigger rule: group >> task."
        )


def _check_behind(
    task: TaskNode,
    condition: str,
    inside: Iterable[str],
    absences: Mapping[str, _Absence],
    handled: frozenset[str],
) -> None:
    """Refuse a step behind a condition in whose branches a step may fail or stay away while the execution continues."""
    before = absences[condition]
    for each in inside:
        if each in handled:
            reason = f"the failure of '{each}' in a branch of '{condition}' is waited for by another task"
        elif extra := (absences[each].succeeded - before.succeeded) | (absences[each].failed - before.failed):
            reason = f"'{each}' in a branch of '{condition}' may not run (that depends on how {_listed(extra)} ends)"
        else:
            continue
        raise TranslationError(
            f"Task '{task.step.task_id}' has trigger_rule='{task.trigger_rule}' and comes after the condition "
            f"'{condition}', and {reason}. A step after a condition waits in SageMaker for all steps of the branch "
            f"taken; Airflow would run it in other cases. Let no task with trigger_rule='one_failed', 'all_failed' or "
            f"'all_done' follow '{condition}' or a step of its branches, or put '{task.step.task_id}' into a branch."
        )


def _listed(task_ids: Iterable[str]) -> str:
    return " or ".join(f"'{task_id}'" for task_id in sorted(task_ids))
