from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest

from tests.unit.translation import airflow_rules
from tests.versions import in_triggerer

STATES = ("success", "skipped", "failed", "upstream_failed")
RULES = ("all_success", "none_failed", "none_failed_min_one_success", "one_failed", "all_failed", "all_done")


class Instance:
    """A task instance as far as Airflow's dependency looks at it."""

    def __init__(self, task, state=None):
        self.task, self.task_id, self.state, self.map_index = task, task.task_id, state, -1
        self.region_id = self.region_index = None  # looked at by Airflow 3.4

    def set_state(self, state, **_):
        self.state = state
        return True

    def get_dagrun(self, **_):
        return None


def task(task_id, upstream=(), rule="all_success"):
    """A task as far as Airflow's dependency looks at it."""
    return SimpleNamespace(
        task_id=task_id,
        upstream_list=list(upstream),
        upstream_task_ids={each.task_id for each in upstream},
        trigger_rule=rule,
        is_setup=False,
        is_teardown=False,
        get_upstreams_only_setups=list,
        get_closest_mapped_task_group=lambda: None,
        get_needs_expansion=lambda: False,
    )


def airflow(rule, states):
    """What Airflow's own TriggerRuleDep does with a task whose upstream tasks have ended so."""
    from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep

    upstream = [task(f"u{index}") for index in range(len(states))]
    finished = [Instance(each, state) for each, state in zip(upstream, states, strict=True)]
    context = SimpleNamespace(
        flag_upstream_failed=True,
        wait_for_past_depends_before_skipping=False,
        have_changed_ti_states=False,
        ensure_finished_tis=lambda *_, **__: finished,
        has_regions=lambda *_, **__: False,  # asked for by Airflow 3.4
    )
    instance = Instance(task("t", upstream, rule))
    refusals = [
        status for status in TriggerRuleDep()._get_dep_statuses(instance, context, session=None) if not status.passed
    ]
    return str(getattr(instance.state, "value", instance.state)) if refusals else "run"


@in_triggerer
@pytest.mark.parametrize("rule", RULES)
def test_the_simulated_rules_are_airflows(rule):
    """For up to three upstream tasks in any states, the simulation says what Airflow's TriggerRuleDep does."""
    for count in (0, 1, 2, 3):
        for states in itertools.product(STATES, repeat=count):
            assert airflow_rules.decide(rule, states) == airflow(rule, states), states
