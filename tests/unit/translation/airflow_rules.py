"""Airflow's scheduler in small: which tasks of a run are started, by the rules of Airflow 3.3.

Sources: ``airflow/ti_deps/deps/trigger_rule_dep.py`` (``_evaluate_direct_relatives``), to which ``test_airflow_rules.py``
holds it, and ``airflow/ti_deps/deps/not_previously_skipped_dep.py``. Tasks are looked at in topological order, when all
their upstream tasks have ended. A mapped task that is started has several states; its first instance ends as is said, the
others succeed. No setup and teardown tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A task.

    :param upstream: the tasks directly upstream.
    :param rule: its trigger rule.
    :param skips: of a branching task: for each outcome the direct downstream tasks it skips.
    :param instances: how many there are of it once it is started: more than one of a mapped task.
    """

    upstream: tuple[str, ...] = ()
    rule: str = "all_success"
    skips: Mapping[bool, tuple[str, ...]] | None = None
    instances: int = 1


def run(
    tasks: Mapping[str, Task],
    outcomes: Mapping[str, bool],
    end: Callable[[str], str],
    before: Mapping[str, str] | None = None,
) -> dict[str, tuple[bool, str]]:
    """Return for every task whether it was started, and its state.

    :param tasks: the tasks, upstream before downstream.
    :param outcomes: of the branching tasks.
    :param end: the state in which a task that is started ends.
    :param before: the states of tasks that are no part of ``tasks``.
    """
    states: dict[str, str] = dict(before or {})
    others: dict[str, list[str]] = {}
    result: dict[str, tuple[bool, str]] = {}
    for task_id, task in tasks.items():
        if _skipped_by_a_parent(task_id, task, tasks, states, outcomes):
            started, state = False, "skipped"
        else:
            mapped = [upstream for upstream in task.upstream if upstream in others]
            verdict = decide(
                task.rule,
                [*(states[upstream] for upstream in task.upstream), *(each for one in mapped for each in others[one])],
            )
            started = verdict == "run"
            state = end(task_id) if started else verdict
            others[task_id] = ["success"] * (task.instances - 1) if started else []
        states[task_id] = state
        result[task_id] = (started, state)
    return result


def _skipped_by_a_parent(
    task_id: str, task: Task, tasks: Mapping[str, Task], states: Mapping[str, str], outcomes: Mapping[str, bool]
) -> bool:
    """NotPreviouslySkippedDep: a parent that branched has said so in an XCom."""
    return any(
        parent in tasks
        and tasks[parent].skips is not None
        and states[parent] == "success"
        and task_id in (tasks[parent].skips or {}).get(outcomes[parent], ())
        for parent in task.upstream
    )


def decide(rule: str, upstream: Iterable[str]) -> str:
    """Return ``run``, or the state that the rule gives a task without starting it.

    :param rule: the trigger rule.
    :param upstream: the final states of the direct upstream tasks.
    """
    states = Counter(upstream)
    total = states.total()
    success, skipped = states["success"], states["skipped"]
    failed = states["failed"] + states["upstream_failed"]
    if total == 0 or rule == "all_done":
        return "run"
    if rule == "all_success":
        return "upstream_failed" if failed else "skipped" if skipped else "run"
    if rule == "all_failed":
        return "skipped" if success or skipped else "run"
    if rule == "one_failed":
        return "run" if failed else "skipped"
    if rule == "none_failed":
        return "upstream_failed" if failed else "run"
    if rule == "none_failed_min_one_success":
        return "upstream_failed" if failed else "skipped" if skipped == total else "run"
    raise ValueError(f"no strategy for {rule}")
