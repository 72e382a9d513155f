"""What launch tasks left for the triggers of their steps, read once for many of them.

A triggerer's supervisor answers one request in each of its rounds: what every step asks for costs as much as what every
step writes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakValueDictionary

from airflow_sm_pipelines.compatibility.triggerer import read_xcom
from airflow_sm_pipelines.execution.quiet import LAUNCHED, Launched

MOST_KNOWN: Final = 1000
"""Of how many executions it is known at most; of those asked for last."""


@dataclass
class _Known:
    launched: Launched | None = None
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)


_known: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderedDict[object, _Known]] = WeakKeyDictionary()
"""By event loop; then by Dag run, launch task and execution. Another execution is another launch."""


@dataclass
class _Question:
    """What some triggers ask together; answered by a read that begins after all of them have asked."""

    is_answered: bool = False
    answer: str | None = None


@dataclass(eq=False)
class _Asking:
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    question: _Question = field(default_factory=_Question)


_asking: WeakKeyDictionary[asyncio.AbstractEventLoop, WeakValueDictionary[object, _Asking]] = WeakKeyDictionary()
"""By event loop; then by Dag run and launch task."""


async def read_execution_arn(task_instance: Any, launch_task_id: str | None) -> str | None:
    """Return the execution that a launch task has launched; ``None`` where it has launched none.

    Nothing is kept: the launch task may launch another one. But all who ask while a read is under way, as many steps do
    that become ready together, wait for the next one and share it.

    :param task_instance: the trigger's ``task_instance``.
    :param launch_task_id: the launch task's full id.
    """
    everybody = _asking.setdefault(asyncio.get_running_loop(), WeakValueDictionary())
    asking = everybody.setdefault((task_instance.dag_id, task_instance.run_id, launch_task_id), _Asking())
    question = asking.question
    async with asking.reading:
        if not question.is_answered:
            asking.question = _Question()
            question.answer = await read_xcom(task_instance, "return_value", launch_task_id)
            question.is_answered = True
    return question.answer


async def read_launched(task_instance: Any, launch_task_id: str | None, execution: str | None) -> Launched | None:
    """Return what the launch task left; ``None`` where it left nothing.

    :param task_instance: the trigger's ``task_instance``.
    :param launch_task_id: the launch task's full id.
    :param execution: the ARN of the execution that it launched.
    """
    all_known = _known.setdefault(asyncio.get_running_loop(), OrderedDict())
    key = (task_instance.dag_id, task_instance.run_id, launch_task_id, execution)
    known = all_known.setdefault(key, _Known())
    all_known.move_to_end(key)
    if len(all_known) > MOST_KNOWN:
        all_known.popitem(last=False)
    async with known.reading:
        if known.launched is None:
            left = await read_xcom(task_instance, LAUNCHED, launch_task_id)
            known.launched = None if left is None else Launched(**left)
    return known.launched
