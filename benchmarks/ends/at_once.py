"""A task that ends in the triggerer as soon as it may: what Airflow itself takes from there to the end of the task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, StartTriggerArgs, TaskSuccessEvent, TriggerEvent

SECONDS_BETWEEN_LOOKS = 0.2


class AtOnceTrigger(BaseTrigger):
    """Ends its task at once, or as soon as a file is there.

    :param path: the file.
    """

    def __init__(self, path: str | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.path = path

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and the arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"path": self.path}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look for the file until it is there."""
        # Nothing else tells another process so cheaply.
        while self.path is not None and not Path(self.path).exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
        yield TaskSuccessEvent()


class AtOnceOperator(BaseOperator):
    """A task that starts in the triggerer and ends there.

    :param path: the file that it waits for; by default it waits for nothing.
    """

    def __init__(self, *, path: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{AtOnceTrigger.__module__}.{AtOnceTrigger.__qualname__}",
            trigger_kwargs={"path": path},
            next_method="execute_complete",
        )
        self.start_from_trigger = True
