"""Starting a task in the triggerer, without a worker.

Airflow renders a field there only if it is a template field, a keyword of the trigger, and an attribute of it. Mapped
tasks must not start so: each of them would get the keywords of the operator's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.triggers.base import StartTriggerArgs

__all__ = ["StartTriggerArgs", "start_in"]


def start_in(trigger_class: str, arguments: Mapping[str, Any], timeout: timedelta | None) -> StartTriggerArgs:
    """Return how Airflow starts a task in the triggerer; on a worker it goes on with ``execute_complete``.

    :param trigger_class: the class path of the trigger.
    :param arguments: its keywords; JSON and templates.
    :param timeout: when Airflow ends the wait.
    """
    return StartTriggerArgs(
        trigger_cls=trigger_class, trigger_kwargs=dict(arguments), next_method="execute_complete", timeout=timeout
    )
