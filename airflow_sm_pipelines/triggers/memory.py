"""How a try of a task ended, kept where other triggerers and the next try find it.

A step that failed is still listed as failed when its task is tried again. Only who remembers that an earlier try ended
with just this failure can tell it from a new one. The memory of step tasks is an XCom of the *launch* task: the XComs
of a task are cleared when a worker starts a new try of it, and those of the launch task when a new execution is
launched, which is when there is nothing to remember any more. Other tasks need the memory within one try only, and keep
it in a separate XCom.

The worker that launches, or defers, begins the memory (:func:`empty_memory`): Airflow writes an error into the
triggerer's log for each XCom that is asked for and not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from airflow_sm_pipelines.compatibility.triggerer import push_xcoms, read_xcom


@dataclass(frozen=True)
class TryEnd:
    """How a try ended, other than with a success in the triggerer.

    :param try_number: which try.
    :param failure: the identity of the failure it ended with, as
        :func:`~airflow_sm_pipelines.execution.resume.failure_identity` gives it.
    """

    try_number: int
    failure: str | None = None


def memory_key(task_id: str, map_index: int = -1) -> str:
    """Return the key of the XCom that is a task's memory.

    :param task_id: the task's full id.
    :param map_index: of a mapped task instance.
    """
    return f"ended__{task_id}" if map_index < 0 else f"ended__{task_id}__{map_index}"


def empty_memory(task_ids: Iterable[str], counts: Mapping[str, int] | None = None) -> dict[str, dict[str, Any]]:
    """Return the XComs with which the memories of tasks begin, by their keys: no try has ended.

    :param task_ids: their full ids.
    :param counts: how many instances each mapped one among them has.
    """
    counts = counts or {}
    keys = [
        memory_key(task_id, index)
        for task_id in task_ids
        for index in (range(counts[task_id]) if task_id in counts else (-1,))
    ]
    return {key: asdict(TryEnd(0)) for key in keys}


@dataclass(frozen=True)
class TaskMemory:
    """The memory of one task. Without a task instance, as in ``dag.test()``, there is none.

    :param task_instance: the trigger's ``task_instance``.
    :param launch_task_id: the full id of the task that keeps it over the tries; ``None`` keeps it within one try.
    """

    task_instance: Any
    launch_task_id: str | None

    async def last_end(self) -> TryEnd | None:
        """How the last try ended that told so; also the one that is running, if it told already."""
        if self.task_instance is None:
            return None
        kept = await read_xcom(self.task_instance, self._key, self.launch_task_id)
        return None if kept is None else TryEnd(**kept)

    @property
    def is_another_try(self) -> bool:
        """Whether there was a try before this one, of a task whose failures are remembered."""
        return self.task_instance is not None and self.launch_task_id is not None and self.try_number > 1

    async def earlier_failure(self) -> str | None:
        """The failure that an earlier try ended with; not that of this one, when it is run once more."""
        end = await self.last_end() if self.is_another_try else None
        return None if end is None or end.try_number >= self.try_number else end.failure

    async def this_try_ended(self) -> bool:
        """Whether this try has told how it ended."""
        end = await self.last_end()
        return end is not None and end.try_number >= self.try_number

    async def keep(self, end: TryEnd) -> None:
        """Remember how a try ended.

        :param end: how it ended. One without its own failure, such as a try that was not allowed to resume, leaves
            what was known of earlier ones: for the next try that is still history.
        """
        if self.task_instance is None:
            return
        if end.failure is None and (known := await self.last_end()) is not None:
            end = replace(end, failure=known.failure)
        await push_xcoms(self.task_instance, {self._key: asdict(end)}, self.launch_task_id)

    async def keep_execution(self, pipeline_execution_arn: str, links: Mapping[str, str]) -> None:
        """Make the launch task's ARN be another one: every task of the run follows that from its next start on.

        :param pipeline_execution_arn: the execution that was started instead.
        :param links: the XComs for the links to it.
        """
        if self.task_instance is not None and self.launch_task_id is not None:
            values = {"return_value": pipeline_execution_arn, **links}
            await push_xcoms(self.task_instance, values, self.launch_task_id)

    @property
    def try_number(self) -> int:
        """The number of the try that is running; 1 where nobody counts."""
        return 1 if self.task_instance is None else int(self.task_instance.try_number)

    @property
    def _key(self) -> str:
        return memory_key(self.task_instance.task_id, self._map_index)

    @property
    def _map_index(self) -> int:
        """Of a mapped step; a task that keeps its memory itself has an XCom for each map index anyway."""
        return -1 if self.launch_task_id is None else int(self.task_instance.map_index)
