"""Who learns only from workers how a task ends: its callbacks, and the listeners of plugins."""

from __future__ import annotations

from typing import Any, Final

LISTENED_TO: Final = (
    "on_task_instance_running",
    "on_task_instance_success",
    "on_task_instance_failed",
    "on_task_instance_skipped",
)
_RUN_BY_WORKERS: Final = ("pre_execute", "execute_complete", "post_execute")
_EXAMPLES: Final = "airflow.example_dags."
"""Airflow loads the listeners of its example Dags together with these."""


def states_told(task: Any) -> frozenset[str]:
    """Return the states of a task in which a worker that ends it calls something more: a callback or a method.

    :param task: an operator. Its failures need no callback to be ended by a worker.
    """
    always = ("on_execute_callback", "_pre_execute_hook", "_post_execute_hook")
    if any(getattr(task, name, None) for name in always) or any(_is_overridden(task, name) for name in _RUN_BY_WORKERS):
        return frozenset({"success", "skipped"})
    callbacks = {"success": "on_success_callback", "skipped": "on_skipped_callback"}
    return frozenset(state for state, name in callbacks.items() if getattr(task, name, None))


def _is_overridden(task: Any, method: str) -> bool:
    """Whether a method of a task is neither Airflow's nor this package's: a user's subclass has its own."""
    return getattr(type(task), method).__module__.partition(".")[0] not in ("airflow", __name__.partition(".")[0])


def has_listeners() -> bool:
    """Whether a plugin on this worker listens to task instances; Airflow's own examples do not count."""
    from airflow.providers.common.compat.sdk import get_listener_manager

    hooks: Any = get_listener_manager().hook
    listeners = [
        implementation.plugin
        for name in LISTENED_TO
        if hasattr(hooks, name)  # on_task_instance_skipped came with Airflow 3.2
        for implementation in getattr(hooks, name).get_hookimpls()
    ]
    modules = [getattr(each, "__name__", None) or type(each).__module__ for each in listeners]
    return any(not module.startswith(_EXAMPLES) for module in modules)
