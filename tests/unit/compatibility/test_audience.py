from __future__ import annotations

import sys
import types

import pytest
from airflow.listeners import hookimpl
from airflow.providers.common.compat.sdk import get_listener_manager

from airflow_sm_pipelines import SageMakerFailStepOperator
from airflow_sm_pipelines.compatibility.audience import LISTENED_TO, has_listeners, states_told


@pytest.fixture
def listeners():
    """Airflow's listener manager of workers, without listeners before and after."""
    manager = get_listener_manager()
    manager.clear()
    yield manager
    manager.clear()


@pytest.mark.parametrize("hook", LISTENED_TO)
def test_a_listener_of_task_instances_counts(listeners, hook):
    """One hook for task instances is enough, of an object and of a module."""
    assert not has_listeners()

    class Plugin:
        pass

    setattr(Plugin, hook, hookimpl(lambda *_: None))
    listeners.add_listener(Plugin())
    assert has_listeners()
    listeners.clear()
    module = types.ModuleType("somebodys.plugin")
    setattr(module, hook, hookimpl(lambda: None))
    listeners.add_listener(module)
    assert has_listeners()


def test_other_listeners_do_not_count(listeners):
    """Neither one that hears of components only, nor the listener that comes with Airflow's example Dags."""

    class Components:
        @hookimpl
        def on_starting(self, component):
            pass

    listeners.add_listener(Components())
    from airflow.example_dags.plugins import event_listener

    listeners.add_listener(event_listener)
    assert sys.modules["airflow.example_dags.plugins.event_listener"] in listeners.pm.get_plugins()
    assert not has_listeners()


@pytest.mark.parametrize("method", ["pre_execute", "execute_complete", "post_execute"])
def test_methods_of_a_subclass_are_told(method):
    """What a user's class does at the end of a task, a worker has to do; those of Airflow and of this package need none."""
    overridden = type("Somebodys", (SageMakerFailStepOperator,), {method: lambda *_: None})
    assert states_told(object.__new__(SageMakerFailStepOperator)) == frozenset()
    assert states_told(object.__new__(overridden)) == {"success", "skipped"}
